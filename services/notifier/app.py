"""The notifier's wiring: from the log to alerts, from alerts to mail, from the link in a mail to an official's act."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from services.notifier.consumer import Desk
from services.notifier.links import Links
from services.notifier.mail import Composer, TextFault
from services.notifier.page import OfficialsPage
from services.notifier.settings import NotifierSettings
from services.notifier.smtp import Provider
from services.notifier.worker import Postman
from tanggap.contracts import city, events
from tanggap.platform import http
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.consumer import Consumer
from tanggap.platform.database import Database
from tanggap.platform.outbox import Relay
from tanggap.platform.pages import Pages
from tanggap.platform.process import Process
from tanggap.platform.settings import refuse

HERE = Path(__file__).parent
MIGRATIONS = HERE / "migrations"


def build(settings: NotifierSettings) -> Process:
    """Make the notifier. A bad city, or a mail's text that can't be made, ends the process with a line for each fault."""
    try:
        town = city.load(settings.tanggap_city)
    except city.CityFaults as faults:
        refuse([f"TANGGAP_CITY: {fault}" for fault in faults.faults])
    texts = settings.tanggap_city / "texts"
    database = Database(settings.dsn, settings.service)
    links = Links(
        settings.notifier_link_secret.get_secret_value(), timedelta(days=settings.notifier_link_days), settings.base_url
    )
    composer = Composer(texts / "mail", town, links, settings.sender)
    try:
        composer.check()
    except TextFault as fault:
        refuse([f"TANGGAP_CITY: {fault}"])
    wake = asyncio.Event()
    app = FastAPI(title="Tanggap notifier", version="1", docs_url=None, redoc_url=None)
    http.install(app)
    OfficialsPage(database, town, links, pages(texts, town)).install(app)
    postman = Postman(
        database,
        Provider(settings.smtp, attempt_seconds=settings.attempt_seconds),
        composer,
        town,
        wake,
        lease_seconds=settings.notifier_lease_seconds,
        connections=settings.notifier_connections,
    )
    return Process(
        settings,
        app=app,
        database=database,
        consumer=Consumer(settings, decoders=events.decoders(), handle=Desk(database, town, wake).handle),
        relay=Relay(database, settings),
        workers=[postman],
    )


def pages(texts: Path, town: city.City, now: Now = utc_now) -> Pages:
    """Make the officials' pages in the city's words."""
    return Pages(HERE / "templates", texts / "page", static=HERE / "static", tz=town.tz, now=now)
