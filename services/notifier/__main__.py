"""`python -m services.notifier` serves, `python -m services.notifier migrate` brings the schema up to date."""

from services.notifier.app import MIGRATIONS, build
from services.notifier.settings import Settings
from tanggap.platform.process import main

main(Settings, build, MIGRATIONS)
