"""Decisions (place, category, policy, reason) on one core, without Kafka or PostgreSQL: `python -m bench.decide COUNT`.

The texts are `quality/texts.csv`'s, every second complaint without a category and every fourth without a point. Prints one line of JSON.
Microseconds a decision: `alone_us` by itself, `batch_us` in batches of `BATCH`, as the service makes them where many wait (the
median of the batches' means); `event_alone_us` and `event_us` the same with its clocks and the event that tells it (`p99_us`: the 99th
percentile by itself); and of these the readers of words (`gazetteer_us`, `classifier_us`), each asked by itself; medians. `slowness`: how
many times as long as on a quiet core plain Python took meanwhile (`bench.speed`), and `alone_quiet_us` and `batch_quiet_us` the medians of
what each took, divided by what plain Python took right before and after it. Seconds to load the city, and the memory that the process
has then (resident, MB).
"""

from __future__ import annotations

import csv
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from bench.complaints import submitted
from bench.speed import pace
from services.routing.decide import reach_all
from services.routing.places import Places
from services.routing.router import Router
from tanggap.contracts.events import ComplaintSubmitted

ROOT = Path(__file__).parents[1]
BATCH = 100
"""Fewer than the service reads at once where many wait (`consumer_max_records`)."""

Complaints = Sequence[ComplaintSubmitted]


def complaints(count: int) -> list[ComplaintSubmitted]:
    """Complaints as citizens write them, the same every time."""
    with (ROOT / "quality" / "texts.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    return [
        submitted(number).model_copy(
            update={
                "description": texts[number % len(texts)],
                **({"category": None} if number % 2 else {}),
                **({"location": None} if number % 4 == 0 else {}),
            }
        )
        for number in range(count)
    ]


def measured(made: Complaints, work: Callable[[Complaints], object], size: int = 1) -> list[float]:
    """Microseconds a complaint that some work takes, batch by batch of so many."""
    taken = []
    for start in range(0, len(made), size):
        batch = made[start : start + size]
        began = time.perf_counter()
        work(batch)
        taken.append((time.perf_counter() - began) * 1e6 / len(batch))
    return taken


def measured_by_pace(
    made: Complaints, work: Callable[[Complaints], object], size: int = 1
) -> tuple[list[float], list[float], list[float]]:
    """As `measured`; the same divided by the machine's pace; and its paces, taken in turns with `BATCH` complaints."""
    taken, quiet, paces = [], [], [pace()]
    for start in range(0, len(made), BATCH):
        some = measured(made[start : start + BATCH], work, size)
        paces.append(pace())
        taken += some
        quiet += [each * 2 / (paces[-2] + paces[-1]) for each in some]
    return taken, quiet, paces


def main(count: int) -> None:
    """Measure and print."""
    began = time.perf_counter()
    router = Router.load(ROOT / "cities" / "jakarta")
    loaded = time.perf_counter() - began
    made = complaints(count)
    # As the service's own start does (tanggap.platform.process).
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    router.decide_all(made[:500])
    places = Places(router.city)
    gazetteer, classifier = router.readers.gazetteer, router.readers.classifier

    def reach(batch: Complaints) -> object:
        return reach_all(batch, places, router.wards, router.policy, router.readers)

    by_itself = measured(made, router.decide_all)
    batch, batch_quiet, batch_paces = measured_by_pace(made, reach, BATCH)
    alone, alone_quiet, alone_paces = measured_by_pace(made, reach)
    figures = {
        "batch_us": statistics.median(batch),
        "alone_us": statistics.median(alone),
        "slowness": statistics.median(batch_paces + alone_paces),
        "batch_quiet_us": statistics.median(batch_quiet),
        "alone_quiet_us": statistics.median(alone_quiet),
        "event_us": statistics.median(measured(made, router.decide_all, BATCH)),
        "event_alone_us": statistics.median(by_itself),
        "p99_us": statistics.quantiles(by_itself, n=100)[98],
        "gazetteer_us": gazetteer
        and statistics.median(measured(made, lambda batch: gazetteer.find(batch[0].address, batch[0].description))),
        "classifier_us": classifier
        and statistics.median(measured(made, lambda batch: classifier.classify(batch[0].description))),
        "load_seconds": loaded,
        "memory_mb": psutil.Process().memory_info().rss / 1e6,
    }
    print(json.dumps({name: round(figure, 2) if figure is not None else None for name, figure in figures.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
