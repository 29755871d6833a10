"""Wiring: what the metrics service is made of."""

from __future__ import annotations

from fastapi import FastAPI

from services.metrics import api, board
from services.metrics.consumer import Folder
from services.metrics.fold import kota_finder
from services.metrics.gauges import Gauges
from services.metrics.settings import Settings
from services.metrics.ticker import Ticker
from tanggap.contracts import city as cities
from tanggap.contracts import events
from tanggap.contracts.city import City
from tanggap.contracts.events import Event
from tanggap.contracts.faults import CityFaults
from tanggap.platform import http
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.consumer import Consumer
from tanggap.platform.database import Database
from tanggap.platform.outbox import Relay
from tanggap.platform.process import Process
from tanggap.platform.settings import refuse
from tanggap.platform.topics import COMPLAINTS


def build(settings: Settings, *, topic: str = COMPLAINTS, now: Now = utc_now) -> Process:
    """Make the service's process. A city that can't be read ends it, with a line for each fault, exit 2."""
    try:
        city = cities.load(settings.tanggap_city)
    except CityFaults as faults:
        refuse([f"TANGGAP_CITY: {fault}" for fault in faults.faults])
    database = Database(settings.dsn, settings.service)
    folder = Folder(database, city.calendar, kota_finder(city))
    consumer = Consumer[Event](settings, topic=topic, decoders=events.decoders(), handle=folder.handle, now=now)
    return Process(
        settings,
        app=make_app(database, city, now=now),
        database=database,
        consumer=consumer,
        relay=Relay(database, settings, topic=topic),
        workers=[
            Ticker(database, consumer, seconds=settings.metrics_tick_seconds, now=now),
            Gauges(database, city, now=now),
        ],
    )


def make_app(database: Database, city: City, *, now: Now = utc_now) -> FastAPI:
    """Make the HTTP side: figures, files, and the board."""
    app = FastAPI(
        title="Tanggap metrics",
        summary="Is the city answering, and who is late: SLA clocks and figures, folded from the log.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    http.install(app)
    pages = board.make_pages(city, now)
    pages.mount(app)
    app.include_router(api.router(database, city))
    app.include_router(board.router(database, city, pages, now=now))
    return app
