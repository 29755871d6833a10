"""Wiring: what the intake service is made of."""

from __future__ import annotations

from fastapi import FastAPI

from services.intake import api, openapi
from services.intake.acceptance import Acceptance
from services.intake.consumer import READ, ReadModel
from services.intake.keys import Keyring
from services.intake.numbers import Numbers
from services.intake.reading import Reading
from services.intake.reporters import Vault
from services.intake.settings import Settings
from services.intake.submission import MAX_BODY_BYTES
from tanggap.contracts import city as cities
from tanggap.contracts import events
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
    return Process(
        settings,
        app=make_app(database, Numbers(city.tz, city.number_prefix), settings.reporter_key, now=now),
        database=database,
        consumer=Consumer[Event](
            settings, topic=topic, decoders=events.decoders(*READ), handle=ReadModel(database, city.calendar).handle, now=now
        ),
        relay=Relay(database, settings, topic=topic),
        # It goes on accepting while Kafka is away; what it accepts waits in the outbox.
        needs_kafka=False,
    )


def make_app(database: Database, numbers: Numbers, reporter_key: bytes, *, now: Now = utc_now) -> FastAPI:
    """Make the HTTP side."""
    app = openapi.application()
    http.install(app, max_body_bytes=MAX_BODY_BYTES)
    routes = api.router(
        Keyring(database),
        Acceptance(database, numbers, Vault(reporter_key), now=now),
        Reading(database, now=now),
        now=now,
    )
    app.include_router(routes)
    http.answer_plainly(app, routes, openapi.POST_PATH, "POST")
    return app
