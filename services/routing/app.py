"""Wiring: what the routing service is made of."""

from __future__ import annotations

from fastapi import FastAPI

from services.routing import api
from services.routing.consumer import Desk
from services.routing.policy.watch import PolicyWatch
from services.routing.router import Router
from services.routing.settings import Settings
from services.routing.wards.exact import BoundariesFault
from services.routing.wards.wards import WardsFault
from services.routing.wards.watch import WardsWatch
from tanggap.contracts import events
from tanggap.contracts.events import ComplaintSubmitted, Event
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
        router = Router.load(settings.tanggap_city, boundaries=settings.routing_boundaries, now=now)
    except CityFaults as faults:
        refuse([f"TANGGAP_CITY: {fault}" for fault in faults.faults])
    except BoundariesFault as fault:
        refuse([f"ROUTING_BOUNDARIES: {fault}"])
    except WardsFault as fault:
        refuse([f"TANGGAP_CITY: {fault}"])
    database = Database(settings.dsn, settings.service)
    policies = PolicyWatch(database, router)
    return Process(
        settings,
        app=make_app(database),
        database=database,
        consumer=Consumer[Event](
            settings,
            topic=topic,
            decoders=events.decoders(ComplaintSubmitted),
            handle=Desk(database, router, policies.ready).handle,
            now=now,
        ),
        relay=Relay(database, settings, topic=topic),
        workers=[policies, WardsWatch(router, settings.tanggap_city, settings.routing_boundaries)],
    )


def make_app(database: Database) -> FastAPI:
    """Make the HTTP side."""
    app = FastAPI(
        title="Tanggap routing",
        summary="Which unit must act on a complaint, and why.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    http.install(app)
    app.include_router(api.router(database))
    return app
