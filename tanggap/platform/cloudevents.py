"""CloudEvents 1.0, Kafka binding, binary content mode: the attributes are headers (`ce_*`), the body is the event's JSON.

Source of names: CloudEvents 1.0 core and its Kafka Protocol Binding; `traceparent` is W3C Trace Context.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID

SPEC_VERSION = b"1.0"
CONTENT_TYPE = b"application/json"

Header = tuple[str, bytes]


class CloudEvent(Protocol):
    """What the plumbing must know of an event. The published language's events fit it."""

    @property
    def event_id(self) -> UUID:
        """`ce_id`: the same cause makes the same id."""

    @property
    def type(self) -> str:
        """`ce_type`: readers pick by it before they parse."""

    @property
    def occurred_at(self) -> datetime:
        """`ce_time`: aware."""

    @property
    def subject(self) -> UUID:
        """`ce_subject`, and the record's key."""

    @property
    def dataschema(self) -> str:
        """`ce_dataschema`: where the body's JSON Schema is."""

    def model_dump_json(self) -> str:
        """The body."""


def source(service: str) -> str:
    """`ce_source` of what a service publishes."""
    return f"/tanggap/{service}"


def headers(
    *,
    event_id: UUID | str,
    event_type: str,
    service: str,
    subject: UUID | str,
    occurred_at: datetime,
    dataschema: str,
    traceparent: str | None = None,
) -> list[Header]:
    """The headers of one record; `traceparent` is left out where there is none.

    The two that readers look for before they parse come first.
    """
    first, rest = _constant(service, event_type, dataschema)
    result: list[Header] = [first]
    if traceparent is not None:
        result.append(("traceparent", traceparent.encode()))
    result += (
        ("ce_id", str(event_id).encode()),
        ("ce_subject", str(subject).encode()),
        ("ce_time", timestamp(occurred_at).encode()),
    )
    result += rest
    return result


def of(event: CloudEvent, service: str, traceparent: str | None = None) -> list[Header]:
    """The headers of `event` as `service` publishes it."""
    return headers(
        event_id=event.event_id,
        event_type=event.type,
        service=service,
        subject=event.subject,
        occurred_at=event.occurred_at,
        dataschema=event.dataschema,
        traceparent=traceparent,
    )


@lru_cache(maxsize=256)
def _constant(service: str, event_type: str, dataschema: str) -> tuple[Header, tuple[Header, ...]]:
    """The headers that all of a service's events of one type have: `ce_type`, and those that stand at the end."""
    return ("ce_type", event_type.encode()), (
        ("ce_source", source(service).encode()),
        ("ce_specversion", SPEC_VERSION),
        ("ce_dataschema", dataschema.encode()),
        ("content-type", CONTENT_TYPE),
    )


def timestamp(moment: datetime) -> str:
    """RFC 3339, UTC, `Z`; `moment` is aware."""
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat()[:-6] + "Z"


def header(record_headers: Iterable[tuple[str, bytes | None]], name: str) -> str | None:
    """The first header of that name as text; `None` where it is missing or not UTF-8."""
    for key, value in record_headers:
        if key == name and value is not None:
            try:
                return value.decode()
            except UnicodeDecodeError:
                return None
    return None
