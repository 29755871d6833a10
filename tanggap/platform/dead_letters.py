"""The dead-letter topic: how a record that could not be handled is written there, whole, with where it came from and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from tanggap.platform.clock import Now
from tanggap.platform.publisher import REFUSED, Publisher, Record
from tanggap.platform.reader import Raw, Unreadable
from tanggap.platform.topics import COMPLAINTS, INBOX

ORIGIN = "dlq_origin"
"""Header: where the record stood, topic/partition/offset."""
REASON = "dlq_reason"
"""Header: why it could not be handled."""
SERVICE = "dlq_service"
"""Header: who could not handle it."""
TIME = "dlq_time"
"""Header: when, RFC 3339."""
BODY = "dlq_body"
"""Header: set where the body was left out because it was too large."""
REDRIVEN = "dlq_redriven"
"""Header of a mark: the dead letter (partition/offset of the dead-letter topic) that was sent round again."""

OWN_HEADERS = frozenset({ORIGIN, REASON, SERVICE, TIME, BODY, REDRIVEN})

MAX_REASON = 500
"""Characters of a reason that are kept."""


def topic_for(topic: str) -> str:
    """Where a topic's bad records go: the inbox shares the complaints' one."""
    return (COMPLAINTS if topic == INBOX else topic) + ".dlq"


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that can't be handled, and why."""

    record: Raw
    reason: str

    @property
    def origin(self) -> str:
        """Where it stands: topic/partition/offset."""
        return f"{self.record.topic}/{self.record.partition}/{self.record.offset}"


def reason(fault: Exception) -> str:
    """A fault in words, without the values in which pydantic found it: they may be a person's."""
    if isinstance(fault, ValidationError):
        found = fault.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in found[:5])
    return f"{type(fault).__name__}: {fault}".rstrip(": ")


def letter(bad: Bad, service: str, now: Now) -> Record:
    """The dead letter: the record's own key, body and headers, and ours."""
    record = bad.record
    headers = [(name, value if value is not None else b"") for name, value in record.headers]
    headers += (
        (ORIGIN, bad.origin.encode()),
        (REASON, bad.reason[:MAX_REASON].encode("utf-8", "replace")),
        (SERVICE, service.encode()),
        (TIME, now().isoformat().encode()),
    )
    if isinstance(record, Unreadable):
        headers.append((BODY, b"at its origin, where the Kafka client can't read it"))
    # A record may have neither key nor body, but nothing can be written that way.
    body = b"" if record.key is None and record.value is None else record.value
    return Record(record.key, body, headers)


async def publish_letters(publisher: Publisher, topic: str, letters: Sequence[Record]) -> None:
    """Write dead letters; return when they are acknowledged. Raises what `Publisher.publish` does, but for refusals.

    A record that fitted into its topic may not fit with our headers: then its body stays at its origin, and a header says so.
    """
    try:
        await publisher.publish(topic, letters)
    except REFUSED:
        for one in letters:
            try:
                await publisher.publish(topic, [one])
            except REFUSED:
                note = f"too large ({len(one.value or b'')} bytes), to be found at its origin".encode()
                await publisher.publish(topic, [Record(one.key, b"", [*one.headers, (BODY, note)])])
