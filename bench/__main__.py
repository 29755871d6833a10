"""`make bench`: accept, route and aggregate beside the plain floor, in one run on one machine.

The two sides of a path take turns (floor, ours, floor, ours, ...), each in a process of its own, so that a machine whose speed drifts
slows both; the ratio is taken pair by pair and its median is quoted. Rates are the machine's; the ratio is ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.table import Table

from bench import load
from bench.complaints import CATEGORIES, PLACES, TEXT, submitted
from stack.local import LocalStack
from stack.ports import free_port
from tanggap.contracts import city as cities
from tanggap.contracts.events import (
    Actor,
    ComplaintAcknowledged,
    ComplaintAssigned,
    ComplaintResolved,
    Decision,
    Event,
    Unit,
    Words,
)
from tanggap.platform.cloudevents import headers
from tanggap.platform.migrations import migrate
from tanggap.platform.topics import TopicSpec, ensure_topics

ROOT = Path(__file__).parents[1]
LEAST = {"accept": 0.5, "accept, reporter": 0.0, "route": 0.6, "aggregate": 0.5}
"""The least share of the plain floor's rate that is good enough. None is asked for with a reporter, whom the floor does not seal."""
KEPT = ["schema_migrations", "policies", "activations", "policy_reports"]
"""Tables that no run fills; policies and what was activated can't be emptied, they are append-only."""


def life(number: int, city: cities.City) -> list[Event]:
    """A whole life: submitted, assigned, acknowledged, resolved."""
    first = submitted(number)
    unit = Unit(code="31.71.01.1001", name="Gambir")
    category = city.categories[str(first.category)]
    decision = Decision(
        method="point", confidence=0.97, rule="bench", policy_version="1", wards_version="1",
        reason=Words(id="Titik berada di kelurahan Gambir.", en="The point lies in kelurahan Gambir."),
    )  # fmt: skip
    assigned = ComplaintAssigned.create(
        complaint_id=first.complaint_id, cause=first.event_id, occurred_at=first.occurred_at + timedelta(seconds=1), unit=unit, ward=unit,
        agency=None, category=category.slug, urgency=category.urgency, decision=decision,
        clocks=city.sla.terms(category.slug, category.urgency, first.received_at),
    )  # fmt: skip
    actor = Actor(role="lurah", unit=unit)
    acknowledged = ComplaintAcknowledged.create(
        complaint_id=first.complaint_id, cause="a", occurred_at=first.occurred_at + timedelta(hours=1), actor=actor
    )
    resolved = ComplaintResolved.create(
        complaint_id=first.complaint_id,
        cause="r",
        occurred_at=first.occurred_at + timedelta(hours=5),
        actor=actor,
        note="Sudah diangkut.",
    )
    return [first, assigned, acknowledged, resolved]


async def fill(bootstrap: str, topic: str, events: list[Event]) -> None:
    """Put events on a fresh topic, as the relay would."""
    await ensure_topics(bootstrap, [TopicSpec(topic, 12)])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for start in range(0, len(events), 1000):
            sent = [
                await producer.send(
                    topic,
                    event.model_dump_json().encode(),
                    key=str(event.subject).encode(),
                    headers=headers(
                        event_id=event.event_id, event_type=event.type, service="bench", subject=event.subject,
                        occurred_at=event.occurred_at, dataschema=event.dataschema, traceparent=None,
                    ),
                )
                for event in events[start : start + 1000]
            ]  # fmt: skip
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def consume(stack: LocalStack, path: str, side: str, topic: str, count: int) -> dict[str, float]:
    """One run of one side over a topic, on empty tables."""
    service = {"route": "routing", "aggregate": "metrics"}[path]
    dsn = stack.addresses.dsns[service]
    connection = await asyncpg.connect(dsn, server_settings={"search_path": service})
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND NOT tablename = ANY($2)", service, KEPT
    )
    await connection.execute("TRUNCATE " + ", ".join(f'"{row[0]}"' for row in tables))
    await connection.close()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.worker", path, side, topic, str(count),
        env={**os.environ, "DATABASE_URL": dsn, "KAFKA_BOOTSTRAP_SERVERS": stack.addresses.kafka, "LOG_LEVEL": "WARNING"},
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"bench.worker {path} {side} ended with {process.returncode}")
    run: dict[str, float] = json.loads(output)
    return {"per_second": run["records"] / run["seconds"], "cpu_us": run["cpu_seconds"] / run["records"] * 1e6}


async def accept(stack: LocalStack, side: str, count: int, round_: int, *, reporter: bool) -> dict[str, float]:
    """One run of one side: POST `count` complaints over 16 connections, with a `reporter` each or without."""
    bodies = [
        json.dumps(
            {
                "client_request_id": f"{'reporter-' if reporter else ''}{round_}-{number}",
                "description": TEXT,
                "category": CATEGORIES[number % len(CATEGORIES)],
                "location": {"lat": PLACES[number % 5][0], "lon": PLACES[number % 5][1]},
                **({"reporter": {"name": f"Warga {number}", "phone": f"+62812{round_ + 2}{number:07}"}} if reporter else {}),
            }
        ).encode()
        for number in range(count)
    ]
    if side == "ours":
        await stack.launch("intake")
        found = await load.post_all(
            f"{stack.addresses.intake}/v1/complaints",
            bodies,
            connections=16,
            headers={"Authorization": f"Bearer {stack.app_key}"},
        )
    else:
        await stack.terminate("intake")  # its relay and reader would still be busy with the round before
        port = free_port(0, set())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.floor_accept", str(port), stack.addresses.dsns["intake"], cwd=ROOT
        )
        try:
            await listening(port)
            found = await load.post_all(f"http://127.0.0.1:{port}/v1/complaints", bodies, connections=16, headers={})
        finally:
            process.terminate()
            await process.wait()
    if set(found.statuses) != {201}:
        raise SystemExit(f"accept {side}: not every answer was 201: {dict(found.statuses)}")
    return {"per_second": found.per_second, "p50_ms": found.percentile(0.5) * 1000, "p99_ms": found.percentile(0.99) * 1000}


async def listening(port: int) -> None:
    """Wait until something accepts connections on a port."""
    async with asyncio.timeout(20):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def decide(count: int) -> dict[str, float]:
    """One run of `bench.decide`, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.decide", str(count), cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "LOG_LEVEL": "WARNING"},
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"bench.decide ended with {process.returncode}")
    found: dict[str, float] = json.loads(output)
    return found


Side = Callable[[str, int], Awaitable[dict[str, float]]]


async def pairs(path: str, run: Side, rounds: int) -> dict[str, Any]:
    """Let the two sides take turns, and say so meanwhile.

    `ratio`: ours by the floor's rate; of CPU, the floor's by ours (higher is better in both).
    """
    await run("floor", -2)  # warm both: files in the page cache, plans made
    await run("ours", -1)
    found: dict[str, list[dict[str, float]]] = {"floor": [], "ours": []}
    for round_ in range(rounds):
        print(f"{path}: pair {round_ + 1} of {rounds} ...", file=sys.stderr)
        for side in ("floor", "ours"):
            found[side].append(await run(side, round_))
    both = list(zip(found["floor"], found["ours"], strict=True))
    ratios = [ours["per_second"] / floor["per_second"] for floor, ours in both]
    medians = {
        side: {key: round(statistics.median(one[key] for one in runs), 1) for key in runs[0]} for side, runs in found.items()
    }
    answer: dict[str, Any] = {
        **medians,
        "ratio": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
    }
    if "cpu_us" in both[0][0]:
        answer["cpu_ratio"] = round(statistics.median(floor["cpu_us"] / ours["cpu_us"] for floor, ours in both), 3)
    return answer


async def bench(paths: list[str], rounds: int, count: int) -> dict[str, Any]:
    """Run the named paths on a stack of their own."""
    city = cities.load(ROOT / "cities" / "jakarta")
    results: dict[str, Any] = {}
    if "decide" in paths:
        print(f"decide: {count} decisions ...", file=sys.stderr)
        results["decide"] = await decide(count)
    if not set(paths) - {"decide"}:
        return results
    with tempfile.TemporaryDirectory(prefix="tanggap-bench-") as folder:
        Path(folder).chmod(0o711)
        async with LocalStack(Path(folder), services=("intake",)) as stack:
            kafka = stack.addresses.kafka
            for path in ("accept", "accept, reporter"):
                if path in paths:
                    results[path] = await pairs(
                        path,
                        lambda side, round_, path=path: accept(stack, side, count // 4, round_, reporter=path != "accept"),
                        rounds,
                    )
            await stack.terminate("intake")
            for path, service in (("route", "routing"), ("aggregate", "metrics")):
                if path not in paths:
                    continue
                await asyncio.to_thread(
                    migrate, stack.addresses.dsns[service], service, ROOT / "services" / service / "migrations"
                )
                topic = f"bench-{path}-{time.time_ns()}"
                if path == "route":
                    events: list[Event] = [submitted(number) for number in range(count)]
                else:
                    lives = [life(number, city) for number in range(count // 4)]
                    # As a city's log has them: many lives under way at once.
                    events = [events_of[step] for step in range(4) for events_of in lives]
                await fill(kafka, topic, events)
                total = len(events)
                results[path] = await pairs(
                    path, lambda side, _, path=path, topic=topic, total=total: consume(stack, path, side, topic, total), rounds
                )
    return results


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON and nothing else")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs a path (default 5)")
    parser.add_argument("--count", type=int, default=20_000, help="records a run; a quarter as many POSTs (default 20000)")
    parser.add_argument(
        "paths",
        nargs="*",
        default=[*LEAST, "decide"],
        help="'accept', 'accept, reporter', 'route', 'aggregate', 'decide' (default all)",
    )
    parser.add_argument(
        "--least",
        type=float,
        default=0.5,
        help="exit 1 where a ratio is below this, or the path's own bound",
    )
    options = parser.parse_args()
    # Who produces to a fresh topic is told a few times that its leaders are not yet in office, tries again, and would log each time.
    logging.getLogger("aiokafka.producer").setLevel(logging.ERROR)
    results = asyncio.run(bench(options.paths, options.rounds, options.count))
    slow = [
        path
        for path, row in results.items()
        if path in LEAST and row["ratio"] < (LEAST[path] and max(LEAST[path], options.least))
    ]
    if options.json:
        print(json.dumps(results))
        sys.exit(bool(slow))
    table = Table(
        title=f"Ours beside the plain floor, {options.rounds} pairs of runs, medians",
        caption="Both sides of route make the same decision call.",
    )
    for column in ("path", "floor /s", "ours /s", "ratio (min to max)", "floor µs CPU", "ours µs CPU", "CPU ratio"):
        table.add_column(column, justify="left" if column == "path" else "right")
    for path, row in ((path, row) for path, row in results.items() if path in LEAST):
        table.add_row(
            path,
            f"{row['floor']['per_second']:,.0f}",
            f"{row['ours']['per_second']:,.0f}",
            f"{row['ratio']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})",
            f"{row['floor']['cpu_us']:.1f}" if "cpu_us" in row["floor"] else "",
            f"{row['ours']['cpu_us']:.1f}" if "cpu_us" in row["ours"] else "",
            f"{row['cpu_ratio']:.2f}" if "cpu_ratio" in row else "",
        )
    if table.rows:
        Console(width=120).print(table)
    if decision := results.get("decide"):
        readers = ("gazetteer", "classifier")
        asked = "".join(f", {name} {us:.0f} µs a text" for name in readers if (us := decision[f"{name}_us"]) is not None)
        print(
            f"One decision (place, category, policy, reason) on one core: {decision['batch_us']:.0f} µs in batches, as the service makes "
            f"them where many wait; median {decision['alone_us']:.0f} µs by itself{asked}. Meanwhile plain Python took "
            f"{decision['slowness']:.2f} times as long as on a quiet core: there it is {decision['batch_quiet_us']:.0f} µs in batches and "
            f"{decision['alone_quiet_us']:.0f} µs by itself. With its clocks and its event {decision['event_us']:.0f} µs in batches, "
            f"{decision['event_alone_us']:.0f} µs by itself (p99 {decision['p99_us']:.0f} µs). The city loads in "
            f"{decision['load_seconds']:.2f} s; {decision['memory_mb']:.0f} MB then."
        )
    if slow:
        sys.exit(f"Below the least share of the plain floor ({LEAST}, or --least): {', '.join(slow)}.")


if __name__ == "__main__":
    main()
