"""What becomes of a batch: picked by header, parsed, isolated."""

import time
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanggap.platform.batches import Batch, Decoder, Isolation
from tanggap.platform.dead_letter_limit import Halted, bad_in_a_row
from tanggap.platform.dead_letters import Bad
from tanggap.platform.errors import Fatal, Poison
from tanggap.platform.hold import Hold
from tests.support.plumbing import DECODERS, happened, record_headers


@dataclass
class Raw:
    value: bytes | None
    headers: tuple = ()
    key: bytes | None = b"key"
    offset: int = 0
    partition: int = 0
    topic: str = "things"
    timestamp: int = 1_764_000_000_500


def raw(number, **changes):
    event = happened(number)
    return Raw(
        **{"value": event.model_dump_json().encode(), "headers": tuple(record_headers(event)), "offset": number, **changes}
    )


def read(*records, decoders=DECODERS):
    return Decoder(decoders, "group").read(records)


def test_other_types_are_skipped_before_their_body_is_looked_at():
    def never(body):
        raise AssertionError("the body was parsed")

    batch = read(raw(1), decoders={"another.type": never})

    assert (batch.skipped, batch.good, batch.bad) == (1, [], [])


def test_the_type_counts_and_not_the_place_of_its_header():
    headers = (("x", b"\xff"), ("traceparent", b"junk"), ("y", None), ("ce_type", b"thing.happened"))
    batch = read(raw(1, headers=headers))
    assert [one.event.number for one in batch.good] == [1]
    assert batch.good[0].traceparent is None


def test_place_stamp_and_trace_come_with_the_event():
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    event = happened(5)
    batch = read(raw(5, headers=tuple(record_headers(event, trace)), partition=3))

    (one,) = batch.good

    assert (one.partition, one.offset, one.traceparent) == (3, 5, trace)
    assert one.timestamp.isoformat() == "2025-11-24T16:00:00.500000+00:00"


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (raw(1, headers=()), "has no ce_type header"),
        (raw(1, headers=(("ce_type", None),)), "has no ce_type header"),
        (raw(1, value=b"{"), "can't be decoded: body: Invalid JSON"),
        (raw(1, value=None), "can't be decoded"),
        (raw(1, value=b"\xff\xfe"), "can't be decoded"),
        (raw(1, value=b'{"number": "seven"}'), "event_id: Field required"),
    ],
)
def test_what_can_not_be_decoded_is_set_apart_with_the_reason(record, says):
    batch = read(raw(0), record, raw(2))

    assert [one.event.number for one in batch.good] == [0, 2]
    assert says in batch.bad[0].reason
    assert batch.bad[0].record is record


def test_a_decoder_that_breaks_breaks_nothing_else():
    def broken(body):
        raise RuntimeError("oops")

    batch = read(raw(1), decoders={"thing.happened": broken})
    assert batch.bad[0].reason == "can't be decoded: RuntimeError: oops"


@dataclass
class Handler:
    """Fails batches that hold a bad number; keeps what it handled, in order."""

    bad: dict = field(default_factory=dict)
    handled: list = field(default_factory=list)
    calls: int = 0

    async def __call__(self, records):
        self.calls += 1
        for one in records:
            if (fault := self.bad.get(one.event.number)) is not None:
                raise fault
        self.handled += [one.event.number for one in records]


async def isolate(handler, count, limit=20):
    batch = read(*(raw(n) for n in range(count)))
    await Isolation(batch, handler, Hold(), limit).run()
    return batch


async def test_a_batch_that_goes_well_is_one_call():
    handler = Handler()
    await isolate(handler, 50)
    assert handler.calls == 1
    assert handler.handled == list(range(50))


async def test_one_poisoned_record_is_found_in_few_calls_and_all_others_are_handled_in_order():
    handler = Handler({137: Poison("it can't be")})

    batch = await isolate(handler, 500)

    assert [(bad.record.offset, bad.reason) for bad in batch.bad] == [(137, "it can't be")]
    assert handler.handled == [n for n in range(500) if n != 137]
    assert handler.calls <= 2 * 9 + 1


async def test_any_other_exception_is_the_records_with_its_text():
    batch = await isolate(Handler({3: KeyError("street")}), 8)
    assert batch.bad[0].reason == "the handler failed: KeyError: 'street'"


async def test_a_single_record_is_not_tried_twice():
    handler = Handler({0: Poison("no")})
    batch = await isolate(handler, 1)
    assert handler.calls == 1
    assert len(batch.bad) == 1


async def test_fatal_is_nobodys_record():
    with pytest.raises(Fatal):
        await isolate(Handler({1: Fatal("end")}), 4)


async def test_as_many_failures_in_a_row_as_the_limit_stop_it_at_once():
    handler = Handler({n: KeyError(n) for n in range(100)})

    with pytest.raises(Halted, match=r"5 bad records in a row.*DEAD_LETTER_LIMIT.*things/0/4.*tanggap dlq list"):
        await isolate(handler, 100, limit=5)

    assert handler.handled == []
    assert handler.calls < 25


async def test_failures_with_good_ones_between_never_stop_it():
    handler = Handler({n: KeyError(n) for n in range(0, 100, 2)})
    batch = await isolate(handler, 100, limit=2)
    assert len(batch.bad) == 50
    assert handler.handled == list(range(1, 100, 2))


@given(st.sets(st.integers(0, 39)), st.integers(1, 40))
async def test_whatever_fails_exactly_the_failing_are_bad_and_the_rest_are_handled_once_in_order(failing, count):
    handler = Handler({n: Poison(str(n)) for n in failing})
    batch = await isolate(handler, count, limit=1000)
    assert sorted(bad.record.offset for bad in batch.bad) == sorted(n for n in failing if n < count)
    assert handler.handled == [n for n in range(count) if n not in failing]


def outcomes(text, before, limit=3):
    """A batch of which `b` is bad, `g` good, `s` skipped."""
    records = [raw(n) for n in range(len(text))]
    batch = Batch(tuple(records))
    for record, letter in zip(records, text, strict=True):
        if letter == "b":
            batch.bad.append(Bad(record, "bad"))
        elif letter == "g":
            batch.good.append(record)
            batch.raw.append(record)
    return bad_in_a_row(batch.records, batch.raw, batch.bad, before, limit)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("gg", 2, 0),
        ("bg", 1, 0),
        ("gb", 2, 1),
        ("bb", 0, 2),
        ("sss", 2, 2),
        ("sbs", 1, 2),
        ("gbbg", 0, 0),
        ("bsb", 0, 2),
        ("", 1, 1),
    ],
)
def test_bad_ones_in_a_row_are_counted_over_batches_and_a_good_one_ends_the_row(text, before, after):
    assert outcomes(text, before) == after


@pytest.mark.parametrize(("text", "before"), [("bbb", 0), ("b", 2), ("sbsb", 1), ("gbbbg", 0)])
def test_at_the_limit_it_stops_even_if_good_ones_follow(text, before):
    with pytest.raises(Halted):
        outcomes(text, before)


def test_a_record_that_the_handler_refused_is_not_counted_as_good():
    """It stands among the decoded and among the bad."""
    record = raw(1)
    batch = Batch((record,))
    batch.raw.append(record)
    batch.bad.append(Bad(record, "refused"))
    assert bad_in_a_row(batch.records, batch.raw, batch.bad, 1, 5) == 2


def test_skipping_a_type_costs_next_to_nothing():
    """Readers of few types read the whole log: skipping must not parse, nor log, nor allocate much."""
    records = tuple(raw(n) for n in range(500))
    decoder = Decoder({"another.type": None}, str(uuid4()))
    began = time.process_time()
    for _ in range(20):
        decoder.read(records)
    assert (time.process_time() - began) / 10_000 < 10e-6
