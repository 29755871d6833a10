"""One side of one consumer benchmark, in a process of its own: `python -m bench.worker route|aggregate ours|floor TOPIC COUNT`.

DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS as for the service. Prints one line of JSON: records, wall seconds and CPU seconds from the
first batch's arrival to the last one's commit.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer

SERVICE = {"route": "routing", "aggregate": "metrics"}
BATCH = 500


@dataclass
class Stopwatch:
    """Runs from the first batch's arrival to the end of the one that completes `expected` records."""

    expected: int
    records: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    def begin(self) -> None:
        if not self.records:
            self.wall, self.cpu = time.perf_counter(), time.process_time()

    def end(self, count: int) -> bool:
        self.records += count
        if self.records < self.expected:
            return False
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        return True


async def ours(path: str, topic: str, watch: Stopwatch) -> None:
    """The service's own consumer, built as the service builds it; only its web server, relay and workers stay off."""
    app = importlib.import_module(f"services.{SERVICE[path]}.app")
    settings = importlib.import_module(f"services.{SERVICE[path]}.settings").Settings.load()
    process = app.build(settings, topic=topic)
    consumer, done, stop = process.consumer, asyncio.Event(), asyncio.Event()
    consumer.group = f"{topic}-ours-{time.time_ns()}"  # reads from the beginning, whoever read before
    handle: Callable[[Sequence[Any]], Awaitable[None]] = consumer._handle
    decode = consumer._decode

    async def counted(batch: Sequence[Any]) -> None:
        await handle(batch)
        if watch.end(len(batch)):
            done.set()

    async def begun(message: Any) -> Any:
        watch.begin()
        return await decode(message)

    consumer._handle, consumer._decode = counted, begun
    await process.database.start()
    # As the service's own start does (tanggap.platform.process).
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    running = asyncio.create_task(consumer.run(stop))
    await asyncio.wait_for(done.wait(), 120)
    stop.set()
    await running
    await process.database.stop()


async def floor(path: str, topic: str, watch: Stopwatch) -> None:
    """The same statements on a bare loop."""
    handle = importlib.import_module(f"bench.floor_{path}").handle
    service = SERVICE[path]
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        group_id=f"{topic}-floor-{time.time_ns()}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=BATCH,
    )
    connection = await asyncpg.connect(os.environ["DATABASE_URL"], server_settings={"search_path": service})
    await consumer.start()
    done = False
    while not done:
        batches = await consumer.getmany(timeout_ms=200, max_records=BATCH)
        records = [record for batch in batches.values() for record in batch]
        if not records:
            continue
        watch.begin()
        await handle(connection, records)
        await consumer.commit()
        done = watch.end(len(records))
    await consumer.stop()
    await connection.close()


if __name__ == "__main__":
    path, side, topic, count = sys.argv[1:]
    stopwatch = Stopwatch(int(count))
    uvloop.run({"ours": ours, "floor": floor}[side](path, topic, stopwatch))
    print(json.dumps({"records": stopwatch.records, "seconds": stopwatch.wall, "cpu_seconds": stopwatch.cpu}))
