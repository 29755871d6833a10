"""`python -m services.routing` serves, `… migrate` brings the schema up to date."""

from pathlib import Path

from services.routing.app import build
from services.routing.settings import Settings
from tanggap.platform.process import main

main(Settings, build, Path(__file__).with_name("migrations"))
