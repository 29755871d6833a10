"""The headers of a record, CloudEvents binary mode."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from tanggap.platform import cloudevents
from tests.support.plumbing import Happened

EVENT = Happened(
    event_id=UUID(int=1),
    thing_id=UUID(int=2),
    number=3,
    occurred_at=datetime(2026, 11, 24, 9, 5, tzinfo=timezone(timedelta(hours=7))),
)


def test_every_attribute_is_a_header_and_the_time_is_utc():
    assert dict(cloudevents.of(EVENT, "intake")) == {
        "ce_specversion": b"1.0",
        "ce_id": b"00000000-0000-0000-0000-000000000001",
        "ce_type": b"thing.happened",
        "ce_source": b"/tanggap/intake",
        "ce_subject": b"00000000-0000-0000-0000-000000000002",
        "ce_time": b"2026-11-24T02:05:00Z",
        "ce_dataschema": b"thing.happened.v1.json",
        "content-type": b"application/json",
    }


def test_the_trace_is_a_header_where_there_is_one_and_stands_where_readers_look_first():
    names = [name for name, _ in cloudevents.of(EVENT, "intake", "00-aa-bb-01")]
    assert names[:2] == ["ce_type", "traceparent"]


def test_two_services_with_the_same_type_keep_their_own_source():
    assert cloudevents.header(cloudevents.of(EVENT, "intake"), "ce_source") == "/tanggap/intake"
    assert cloudevents.header(cloudevents.of(EVENT, "routing"), "ce_source") == "/tanggap/routing"


def test_microseconds_survive():
    assert cloudevents.timestamp(datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)) == "2026-01-02T03:04:05.678901Z"


def test_a_header_that_is_missing_null_or_no_text_is_none():
    assert cloudevents.header([("a", b"\xff"), ("b", None)], "a") is None
    assert cloudevents.header([("a", b"\xff"), ("b", None)], "b") is None
    assert cloudevents.header([], "c") is None
