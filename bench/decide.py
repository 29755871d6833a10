"""One whole decision (place, category, policy, reason) on one core, without Kafka or PostgreSQL: `python -m bench.decide COUNT`.

The texts are `quality/texts.csv`'s, every second complaint without a category and every fourth without a point. Prints one line of JSON:
microseconds a decision with its clocks and its event (median, p99), and of that the decision alone (place, category, policy, reason)
and the readers of words, each asked by itself (median); seconds to load the city, and the memory
that the process has then (resident, MB).
"""

from __future__ import annotations

import csv
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from bench.complaints import submitted
from services.routing.decide import reason
from services.routing.places import Places
from services.routing.router import Router
from tanggap.contracts.events import ComplaintSubmitted

ROOT = Path(__file__).parents[1]


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


def median(made: list[ComplaintSubmitted], part: Callable[[ComplaintSubmitted], object]) -> float:
    """Microseconds that a part of the decision takes."""
    taken = []
    for complaint in made:
        began = time.perf_counter()
        part(complaint)
        taken.append((time.perf_counter() - began) * 1e6)
    return round(statistics.median(taken), 1)


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
    for complaint in made[:500]:
        router.decide(complaint)
    taken = []
    for complaint in made:
        began = time.perf_counter()
        router.decide(complaint)
        taken.append((time.perf_counter() - began) * 1e6)
    places = Places(router.city)

    def alone(complaint: ComplaintSubmitted) -> object:
        known = router.know(complaint)
        return reason(places, known, router.judge(known))

    gazetteer, classifier = router.readers.gazetteer, router.readers.classifier
    print(
        json.dumps(
            {
                "median_us": round(statistics.median(taken), 1),
                "p99_us": round(statistics.quantiles(taken, n=100)[98], 1),
                "alone_us": median(made, alone),
                "gazetteer_us": gazetteer and median(made, lambda one: gazetteer.find(one.address, one.description)),
                "classifier_us": classifier and median(made, lambda one: classifier.classify(one.description)),
                "load_seconds": round(loaded, 2),
                "memory_mb": round(psutil.Process().memory_info().rss / 1e6),
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
