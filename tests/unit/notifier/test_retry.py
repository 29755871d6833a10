"""When an alert is tried again, and when it is given up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.retry import MOST_FAILURES, NEVER, Result, decide, provider_wait

MINUTES = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30]


@pytest.mark.parametrize("result", [Result.TEMPORARY, Result.TECHNICAL, Result.UNKNOWN])
def test_an_alert_that_failed_waits_twice_as_long_each_time_and_is_given_up_after_twelve(result):
    waits = [decide(result, failures).wait for failures in range(1, MOST_FAILURES)]
    assert waits == [timedelta(minutes=minutes) for minutes in MINUTES]
    assert sum(waits, timedelta()) == timedelta(hours=3, minutes=31), "as the docstring says"
    assert decide(result, MOST_FAILURES) == NEVER


@pytest.mark.parametrize("result", [Result.SENT, Result.PERMANENT])
def test_what_is_settled_is_never_tried_again(result):
    assert decide(result, 1) == NEVER


def test_a_provider_that_is_away_is_no_fault_of_the_alert():
    assert decide(Result.AWAY, 11, 1).wait == timedelta(seconds=0.5)
    assert decide(Result.AWAY, 99, 10_000).wait == timedelta(seconds=30)


def test_a_provider_is_left_alone_longer_each_time():
    assert [provider_wait(failures) for failures in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.sampled_from(Result), st.integers(0, 10**9), st.integers(0, 10**9))
def test_every_attempt_has_a_decision(result, failures, provider_failures):
    wait = decide(result, failures, provider_failures).wait
    assert wait is None or timedelta() <= wait <= timedelta(minutes=30)
