"""What a decision takes on a quiet core is told by the machine's pace around it."""

import pytest

from bench import decide
from bench.decide import BATCH, measured_by_pace
from bench.speed import pace, plain


def test_each_time_is_divided_by_the_pace_right_before_and_after_it(monkeypatch):
    paces = iter([1.0, 3.0, 1.0])
    monkeypatch.setattr(decide, "pace", lambda: next(paces))
    clock = iter(range(1_000))
    monkeypatch.setattr(decide.time, "perf_counter", lambda: next(clock) / 1e6)
    seen = []
    taken, quiet, at = measured_by_pace(list(range(BATCH + 50)), seen.append, BATCH)
    assert seen == [list(range(BATCH)), list(range(BATCH, BATCH + 50))]
    assert at == [1.0, 3.0, 1.0]
    # Each batch took one tick of a microsecond, at a mean pace of 2.
    assert taken == pytest.approx([1 / BATCH, 1 / 50])
    assert quiet == pytest.approx([0.5 / BATCH, 0.5 / 50])


def test_the_pace_is_what_plain_python_takes_beside_a_quiet_core(monkeypatch):
    clock = iter([5.0, 5.025])
    ran = []
    monkeypatch.setattr("bench.speed.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("bench.speed.plain", lambda: ran.append(plain))
    assert pace() == pytest.approx(2.5)
    assert ran == [plain]
