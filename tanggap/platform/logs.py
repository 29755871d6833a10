"""Logs: one line per fact, JSON for machines or coloured for people, with the trace and the complaint it belongs to.

`get_logger(__name__).info("what happened", key=value)`. Bind what holds for a while with `about(complaint_id=...)`. A
reporter's name, phone, address or mail must never be a value here: the keys that would carry them are struck out, as a last
net under the rule.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from typing_extensions import override

FORBIDDEN_KEYS = frozenset(
    {"reporter", "phone", "email", "contact", "authorization", "password", "secret", "token", "database_url"}
)
"""Keys whose values are struck out wherever they turn up."""

STRUCK_OUT = "[struck out]"

KAFKA_LOGGERS = ("aiokafka", "faststream")
"""Loggers that write some hundred lines a second while Kafka is away."""

KAFKA_REMINDER_SECONDS = 60.0
"""While Kafka stays away, one of the client's lines passes in so long."""


def get_logger(name: str) -> Any:
    """A logger of structlog's, under the name of its module. Untyped: its methods take any keys."""
    return structlog.stdlib.get_logger(name)


@contextmanager
def about(**values: Any) -> Iterator[None]:
    """Give every line within these values, for example `complaint_id`; ended with the block."""
    with structlog.contextvars.bound_contextvars(**values):
        yield


def configure(service: str, *, level: str = "INFO", form: str = "json") -> None:
    """Send structlog's and the standard library's lines the same way: one line each on stdout."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _strike_out,
        _Named(service),
    ]
    if form == "json":
        last: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        last = [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    _through_stdlib(shared)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    handler.addFilter(kafka_outage)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", *KAFKA_LOGGERS):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Uvicorn's "Started server process" and aiokafka's rebalance chatter say what our own lines say better.
    for name in ("uvicorn.error", "aiokafka"):
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.WARNING))


def _through_stdlib(shared: list[Any]) -> None:
    """Structlog's lines go through the standard library's loggers, so that one handler sees all."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class _Named:
    """Adds the service's name to each line."""

    def __init__(self, service: str) -> None:
        self.service = service

    def __call__(self, _logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line["service"] = self.service
        return line


def _strike_out(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in line.keys() & FORBIDDEN_KEYS:
        line[key] = STRUCK_OUT
    return line


class KafkaOutage(logging.Filter):
    """Says once that Kafka is in trouble and once that it is well again; counts what its client writes in between.

    Of the client's warnings and errors the first passes, then one a minute, with the number that was held back.
    """

    def __init__(self) -> None:
        super().__init__()
        self._since: float | None = None
        self._last_passed = 0.0
        self.held_back = 0

    @property
    def ongoing(self) -> bool:
        """Has the client complained, and nobody said `over` yet?"""
        return self._since is not None

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not record.name.startswith(KAFKA_LOGGERS):
            return True
        now = time.monotonic()
        if self._since is None:
            self._since = self._last_passed = now
            return True
        if now - self._last_passed >= KAFKA_REMINDER_SECONDS:
            self._last_passed = now
            record.msg = f"{record.getMessage()} (and {self.held_back} lines more since the trouble began)"
            record.args = None
            return True
        self.held_back += 1
        return False

    def over(self) -> None:
        """Kafka answers: if there was trouble, say how long it lasted. Cheap when there was none."""
        if self._since is None:
            return
        seconds, held_back = time.monotonic() - self._since, self.held_back
        self._since = None
        self.held_back = 0
        get_logger(__name__).info("Kafka answers again", away_seconds=round(seconds, 1), lines_held_back=held_back)


kafka_outage = KafkaOutage()
"""The process's one filter."""

_through_stdlib([structlog.contextvars.merge_contextvars])
