"""`python -m services.metrics` serves, `… migrate` migrates, `… recount` counts the log anew and compares."""

import sys
from pathlib import Path

from services.metrics import recount
from services.metrics.app import build
from services.metrics.settings import Settings
from tanggap.platform.process import main

if sys.argv[1:] == ["recount"]:
    sys.exit(recount.main(Settings.load()))
main(Settings, build, Path(__file__).with_name("migrations"))
