"""Every figure that the plumbing shows to Prometheus, with its meaning, in one place. A service's own are in its folder."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # it would add a series beside each series, which nobody asks for

CONSUMED = Counter(
    "tanggap_consumer_records_total",
    "Records read from the log, by what became of them: handled, skipped (a type this service does not read), dead_lettered.",
    ["outcome"],
)
CONSUMER_BATCH_SECONDS = Histogram(
    "tanggap_consumer_batch_seconds",
    "Time from a batch's arrival to its commit, seconds, holds included.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
CONSUMER_HOLDS = Counter(
    "tanggap_consumer_holds_total", "Times a batch was held because of trouble that passes (Kafka or PostgreSQL away)."
)
CONSUMER_ASSIGNED = Gauge("tanggap_consumer_assigned_partitions", "Partitions that this process reads.")
CONSUMER_LAG = Gauge("tanggap_consumer_lag_records", "Records on this process's partitions that it has not handled yet.")
CONSUMER_DELAY = Histogram(
    "tanggap_consumer_delay_seconds",
    "Age of the oldest record of a batch when it was handled, seconds since the broker stamped it.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600),
)
RELAYED = Counter("tanggap_outbox_published_total", "Events that Kafka acknowledged and that left the outbox.")
RELAY_BACKLOG = Gauge("tanggap_outbox_backlog_rows", "Events that wait in the outbox, at the relay's last look.")
RELAY_ACTIVE = Gauge("tanggap_outbox_active", "1 where this process publishes its service's outbox, 0 where another does.")
RELAY_FAILURES = Counter("tanggap_outbox_failures_total", "Times the relay could not publish or lost its connection.")
WORKER_CRASHES = Counter("tanggap_worker_crashes_total", "Times a background worker ended with an exception.", ["worker"])
READY = Gauge("tanggap_ready", "1 where every check of /readyz passed at its last call.")
HTTP_REQUESTS = Counter(
    "tanggap_http_requests_total", "Requests answered, by method, route (its pattern) and status.", ["method", "route", "status"]
)
HTTP_SECONDS = Histogram(
    "tanggap_http_request_seconds",
    "Time from a request's head to its answer's last byte, seconds.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def batch_done(*, seconds: float, oldest: float, handled: int, skipped: int, dead_lettered: int) -> None:
    """Count one batch. `oldest`: stamp of its oldest record, seconds since the epoch."""
    CONSUMER_BATCH_SECONDS.observe(seconds)
    CONSUMER_DELAY.observe(max(0.0, time.time() - oldest))
    for outcome, count in (("handled", handled), ("skipped", skipped), ("dead_lettered", dead_lettered)):
        if count:
            CONSUMED.labels(outcome).inc(count)
