"""How slow the machine is at the moment: limits in seconds are meant for a quiet core, and other work on a machine slows all alike."""

import time

QUIET = 0.010
"""Seconds that `plain` takes on a quiet core of the machine for which the limits were set."""
TEXT = "Tumpukan sampah di pinggir jalan sudah tiga hari belum diangkut, baunya sampai ke rumah warga. Mohon ditindaklanjuti."


def plain() -> None:
    """Such work in plain Python as the services do: a text's words weighed."""
    for _ in range(5_000):
        found: dict[str, float] = {}
        for word in TEXT.lower().split():
            found[word] = found.get(word, 0.0) + len(word) * 1.5


def pace() -> float:
    """How many times as long as on a quiet core plain Python takes here right now, by the clock; below 1 on a quicker one."""
    began = time.perf_counter()
    plain()
    return (time.perf_counter() - began) / QUIET


def slowness() -> float:
    """How many times as long as on a quiet core plain Python takes here, the best of five; never below 1."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        plain()
        rounds.append(time.process_time() - began)
    return max(1.0, min(rounds) / QUIET)
