"""`python -m services.intake [migrate]`."""

from pathlib import Path

from services.intake.app import build
from services.intake.settings import Settings
from tanggap.platform.process import main

main(Settings, build, Path(__file__).with_name("migrations"))
