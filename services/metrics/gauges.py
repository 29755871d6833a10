"""What Prometheus sees of the figures. Label sets are bounded: cities and stages, never wards or complaints.

All replicas show the same city, so a dashboard takes the greatest over them, not the sum.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from prometheus_client import Counter, Gauge

from services.metrics import figures
from services.metrics.figures import QUERIES, Ask
from tanggap.contracts.city import City
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.database import Database, is_transient
from tanggap.platform.logs import get_logger
from tanggap.platform.process import wait

log = get_logger(__name__)

EVENTS = Counter(
    "tanggap_metrics_events_total",
    "Events folded, by outcome: applied, duplicate, illegal (in the complaint's state), unknown_complaint.",
    ["outcome"],
)
RECEIVED = Gauge("tanggap_complaints_received", "Complaints received in the last 30 days.", ["kota"])
ANSWERED = Gauge("tanggap_complaints_answered", "Those of the last 30 days that had a first response.", ["kota"])
FIRST_RESPONSE = Gauge(
    "tanggap_first_response_seconds",
    "Time from receipt to first response of those of the last 30 days that had one, calendar seconds.",
    ["kota", "quantile"],
)
OPEN = Gauge("tanggap_complaints_open", "Complaints that are open now, whenever received.", ["kota", "stage"])
OVERDUE = Gauge("tanggap_complaints_overdue", "Open complaints that are past the due time of a running clock.", ["kota"])
AS_OF = Gauge("tanggap_figures_as_of_seconds", "Moment up to which the log is folded, Unix seconds; 0 while unknown.")

PERIOD = timedelta(days=30)
SECONDS_BETWEEN = 15.0
NO_KOTA = "none"
KOTA_LEVELS = ("kota", "kabupaten")


class Gauges:
    """Sets the gauges anew every 15 s."""

    name = "gauges"

    def __init__(self, database: Database, city: City, *, now: Now = utc_now) -> None:
        self._database = database
        self._names = {code: unit.name for code, unit in city.units.items() if unit.level in KOTA_LEVELS}
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh until `stop` is set."""
        while not stop.is_set():
            try:
                await self.refresh()
            except Exception as trouble:
                if not is_transient(trouble):
                    raise
                log.warning("the gauges keep their last values: the database does not answer", why=str(trouble))
            await wait(stop, SECONDS_BETWEEN)

    async def refresh(self) -> None:
        """Count, then set all gauges at once, so that no scrape sees half of them."""
        async with self._database.connection() as connection:
            table = await figures.read(connection, Ask(group_by="kota", received_from=self._now() - PERIOD))
            open_now = [row async for row in QUERIES.open_by_kota(connection, as_of=table.as_of)]
        for gauge in (RECEIVED, ANSWERED, FIRST_RESPONSE, OPEN, OVERDUE):
            gauge.clear()
        for kota in (*self._names.values(), NO_KOTA):
            # A city without complaints is at nought: a series that vanishes would silence its alert.
            for gauge in (RECEIVED, ANSWERED, OVERDUE):
                gauge.labels(kota).set(0)
        AS_OF.set(table.as_of.timestamp() if table.as_of is not None else 0)
        for group in table.groups:
            kota = self._label(group.code)
            RECEIVED.labels(kota).inc(group.figures.received)
            ANSWERED.labels(kota).inc(group.figures.answered)
            for quantile, seconds in (("0.5", group.figures.first_response_p50), ("0.9", group.figures.first_response_p90)):
                if seconds is not None:
                    FIRST_RESPONSE.labels(kota, quantile).set(seconds)
        for row in open_now:
            kota = self._label(row["kota"])
            OPEN.labels(kota, row["stage"]).set(row["open"])
            OVERDUE.labels(kota).inc(row["overdue"])

    def _label(self, code: str | None) -> str:
        return NO_KOTA if code is None else self._names.get(code, NO_KOTA)
