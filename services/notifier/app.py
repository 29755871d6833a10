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
from services.notifier.settings import Settings
from services.notifier.smtp import Provider
from services.notifier.worker import Postman
from tanggap.contracts import city as cities
from tanggap.contracts import events
from tanggap.contracts.city import City
from tanggap.contracts.events import Event
from tanggap.platform import http
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.consumer import Consumer
from tanggap.platform.database import Database
from tanggap.platform.outbox import Relay
from tanggap.platform.pages import Pages
from tanggap.platform.process import Process
from tanggap.platform.settings import refuse
from tanggap.platform.topics import COMPLAINTS

HERE = Path(__file__).parent
MIGRATIONS = HERE / "migrations"


def build(settings: Settings, *, topic: str = COMPLAINTS, now: Now = utc_now) -> Process:
    """Make the service's process. A bad city, or a mail's text that can't be made, ends it with a line for each fault."""
    try:
        city = cities.load(settings.tanggap_city)
    except cities.CityFaults as faults:
        refuse([f"TANGGAP_CITY: {fault}" for fault in faults.faults])
    texts = settings.tanggap_city / "texts"
    links = Links(
        settings.notifier_link_secret.get_secret_value(), timedelta(days=settings.notifier_link_days), settings.base_url
    )
    composer = Composer(texts / "mail", city, links, settings.sender, now=now)
    try:
        composer.check()
    except TextFault as fault:
        refuse([f"TANGGAP_CITY: {fault}"])
    database = Database(settings.dsn, settings.service)
    wake = asyncio.Event()
    postman = Postman(
        database,
        Provider(settings.smtp, attempt_seconds=settings.attempt_seconds),
        composer,
        city,
        wake,
        lease_seconds=settings.notifier_lease_seconds,
        connections=settings.notifier_connections,
        now=now,
    )
    desk = Desk(database, city, wake)
    return Process(
        settings,
        app=make_app(database, city, links, texts, now=now),
        database=database,
        consumer=Consumer[Event](settings, topic=topic, decoders=events.decoders(), handle=desk.handle, now=now),
        relay=Relay(database, settings, topic=topic),
        workers=[postman],
    )


def make_app(database: Database, city: City, links: Links, texts: Path, *, now: Now = utc_now) -> FastAPI:
    """Make the HTTP side: the officials' page, in the words of `texts`."""
    app = FastAPI(
        title="Tanggap notifier",
        summary="Tells the officials who must act, and takes their answers on a page that a signed link opens.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    http.install(app)
    pages = Pages(HERE / "templates", texts / "page", static=HERE / "static", tz=city.tz, now=now)
    OfficialsPage(database, city, links, pages, now=now).install(app)
    return app
