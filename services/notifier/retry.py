"""When an alert that did not go out is tried again, and when it is given up. A value, decided without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

FIRST_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 1800.0
MOST_FAILURES = 12
PROVIDER_FIRST_WAIT_SECONDS = 0.5
PROVIDER_LONGEST_WAIT_SECONDS = 30.0


class Result(StrEnum):
    """What one attempt came to. The first four are what GOV.UK Notify calls them."""

    SENT = "sent"
    """The provider took it."""
    TEMPORARY = "temporary-failure"
    """The provider refused this alert for now (4xx: mailbox full, greylisting) or did not answer about its recipient."""
    PERMANENT = "permanent-failure"
    """The provider refused this alert for good (5xx: no such mailbox)."""
    TECHNICAL = "technical-failure"
    """We could not make the mail."""
    AWAY = "provider-away"
    """The provider could not be reached, or takes nothing from us at all: no fault of this alert."""
    UNKNOWN = "unknown"
    """The mail was handed over and no answer came, so it may have been sent: the one window that SMTP leaves (RFC 5321 §6.1)."""


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What becomes of an alert after an attempt: tried again in `wait`; never again where `wait` is null."""

    wait: timedelta | None


NEVER = RetryDecision(None)


def decide(result: Result, failures: int, provider_failures: int = 0) -> RetryDecision:
    """Say whether and when an alert is tried again.

    `failures`: how often this alert failed by its own fault, this time included. `provider_failures`: how often in a row the
    provider was away, this time included.

    - sent, permanent: never again; after a permanent failure the alert goes to the next official.
    - temporary, technical, unknown: after min(1800, 60 * 2**(failures - 1)) seconds, and never again after the 12th failure.
      Worked out: 1, 2, 4, 8, 16 min, then 30 min six times, so the 12th failure comes 3 h 31 min after the first. Most greylists
      let through after 5 min; and an alert must not wait for a full mailbox much longer than half of the usual shortest clock
      (6 h) while another official could act.
    - away: after `provider_wait(provider_failures)`, for ever: an alert that waits is better than one that is given up while
      nobody could have taken it.
    """
    match result:
        case Result.SENT | Result.PERMANENT:
            return NEVER
        case Result.AWAY:
            return RetryDecision(timedelta(seconds=provider_wait(provider_failures)))
        case Result.TEMPORARY | Result.TECHNICAL | Result.UNKNOWN:
            if failures >= MOST_FAILURES:
                return NEVER
            return RetryDecision(timedelta(seconds=min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** max(failures - 1, 0))))


def provider_wait(failures: int) -> float:
    """Seconds to leave a provider alone after it was away `failures` times in a row: min(30, 0.5 * 2**(failures - 1)).

    Worked out: 0.5, 1, 2, 4, 8, 16, 30, 30, ...; none (0.0) where the last attempt reached it.
    """
    if failures <= 0:
        return 0.0
    # The exponent is held down so that a week's outage can't overflow a float.
    return min(PROVIDER_LONGEST_WAIT_SECONDS, PROVIDER_FIRST_WAIT_SECONDS * 2.0 ** (min(failures, 16) - 1))
