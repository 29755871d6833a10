"""The consumer against a real broker."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import structlog
from aiokafka.errors import KafkaError
from aiokafka.record.util import calc_crc32c

from tanggap.platform import consumer as consumer_module
from tanggap.platform import hold
from tanggap.platform.consumer import Consumer
from tanggap.platform.errors import Fatal, Poison
from tests.support.plumbing import (
    DECODERS,
    committed,
    eventually,
    happened,
    headers_of,
    plumbing_settings,
    producing,
    publish,
    read_all,
    record_headers,
    running,
    thing,
)


class Inbox:
    """A handler that keeps what it gets; `fail` may raise for a batch, `gate` may keep it waiting."""

    def __init__(self, fail=None):
        self.received = []
        self.batches = []
        self.entered = 0
        self.fail = fail
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, records):
        self.entered += 1
        await self.gate.wait()
        if self.fail is not None:
            self.fail(records)
        self.batches.append(list(records))
        self.received += records

    @property
    def numbers(self):
        return [one.event.number for one in self.received]


def make(topics, handle, **settings):
    return Consumer(
        plumbing_settings(kafka=topics.bootstrap, **settings),
        topic=topics.complaints,
        decoders=DECODERS,
        handle=handle,
        group=topics.group,
        dead_letters=topics.dead_letters,
    )


async def write(topics, *events, partition=0):
    await publish(topics.bootstrap, topics.complaints, *events, partition=partition)


async def done(topics, partition=0):
    """How far the group has committed."""
    return await committed(topics.bootstrap, topics.group, topics.complaints, partition)


async def all_committed(topics, count, partition=0):
    async def reached():
        return await done(topics, partition) == count

    await eventually(reached)


async def test_a_new_group_gets_all_that_was_written_before_it_in_each_keys_order(topics):
    await write(topics, *(happened(n, thing(n % 7)) for n in range(200)), partition=None)
    inbox = Inbox()

    async with running(make(topics, inbox)):
        await eventually(lambda: len(inbox.received) == 200)

    for key in range(7):
        numbers = [one.event.number for one in inbox.received if one.event.thing_id == thing(key)]
        assert numbers == sorted(numbers)


async def test_the_next_one_of_the_group_goes_on_where_it_ended(topics):
    await write(topics, *(happened(n) for n in range(5)))
    first, second = Inbox(), Inbox()
    async with running(make(topics, first)):
        await all_committed(topics, 5)

    await write(topics, *(happened(n) for n in range(5, 8)))
    async with running(make(topics, second)):
        await eventually(lambda: len(second.received) == 3)

    assert first.numbers == [0, 1, 2, 3, 4]
    assert second.numbers == [5, 6, 7]


async def test_batches_are_no_larger_than_allowed_and_come_one_at_a_time(topics):
    await write(topics, *(happened(n) for n in range(50)))
    inbox = Inbox()
    async with running(make(topics, inbox, consumer_max_records=20)):
        await eventually(lambda: len(inbox.received) == 50)
    assert max(map(len, inbox.batches)) <= 20
    assert inbox.numbers == list(range(50))


async def test_other_types_are_passed_over_and_committed(topics):
    await write(topics, happened(0), *(happened(n, type="thing.unknown") for n in range(1, 5)), happened(5))
    inbox = Inbox()
    async with running(make(topics, inbox)):
        await all_committed(topics, 6)
    assert inbox.numbers == [0, 5]
    assert await read_all(topics.bootstrap, topics.dead_letters) == []


ODD = [
    (b"{", b"key", [("ce_type", b"thing.happened")], "Invalid JSON"),
    (b"{}", b"key", [("ce_type", b"thing.happened"), ("x", b"\xff\xfe")], "event_id: Field required"),
    (b"{}", b"key", [], "has no ce_type header"),
    (None, b"key", [("ce_type", b"thing.happened")], "can't be decoded"),
    (b"{}", None, [("ce_type", b"thing.happened")], "can't be decoded"),
    (b"", None, [("ce_type", b"thing.happened")], "can't be decoded"),
    (b"\x00\xff" * 10, b"\xff", [("ce_type", b"thing.happened"), ("ce_type", b"again")], "can't be decoded"),
]


async def test_records_that_can_not_be_read_go_to_the_dead_letters_whole_and_stop_nothing(topics, logged_faults):
    logged_faults.expect("a record was dead-lettered")
    async with producing(topics.bootstrap) as producer:
        for body, key, headers, _ in ODD:
            await producer.send_and_wait(topics.complaints, body, key, 0, headers=headers)
    await write(topics, happened(7))
    inbox = Inbox()

    async with running(make(topics, inbox)):
        await all_committed(topics, len(ODD) + 1)

    assert inbox.numbers == [7]
    letters = await read_all(topics.bootstrap, topics.dead_letters)
    assert len(letters) == len(ODD)
    for offset, (letter, (body, key, headers, reason)) in enumerate(zip(letters, ODD, strict=True)):
        assert (letter.value, letter.key) == (body, key)
        assert list(letter.headers[: len(headers)]) == headers
        told = headers_of(letter)
        assert told["dlq_origin"] == f"{topics.complaints}/0/{offset}"
        assert reason in told["dlq_reason"]
        assert told["dlq_service"] == "plumbing"
        assert datetime.fromisoformat(told["dlq_time"]).tzinfo is not None


async def test_a_header_without_a_value_stops_nothing(topics, logged_faults):
    """The client writes none, but other programs may; and what is read so must be written somehow."""
    logged_faults.expect("a record was dead-lettered")
    async with producing(topics.bootstrap) as producer:
        await producer.send_and_wait(topics.complaints, b"x", b"k", 0, headers=[("empty", None), ("ce_type", b"thing.happened")])
    async with running(make(topics, Inbox())):
        await all_committed(topics, 1)
    (letter,) = await read_all(topics.bootstrap, topics.dead_letters)
    assert headers_of(letter)["empty"] == ""


async def test_a_poisoned_record_is_dead_lettered_alone_and_the_rest_of_its_batch_is_handled(topics, logged_faults):
    logged_faults.expect("a record was dead-lettered")
    await write(topics, *(happened(n) for n in range(20)))

    def poisoned(records):
        if any(one.event.number == 13 for one in records):
            raise Poison("thirteen is not taken")

    inbox = Inbox(poisoned)
    async with running(make(topics, inbox)):
        await all_committed(topics, 20)

    assert inbox.numbers == [n for n in range(20) if n != 13]
    (letter,) = await read_all(topics.bootstrap, topics.dead_letters)
    assert headers_of(letter)["dlq_reason"] == "thirteen is not taken"
    assert headers_of(letter)["ce_subject"] == str(thing())


async def test_trouble_that_passes_holds_the_batch_in_place_and_loses_nothing(topics, monkeypatch):
    monkeypatch.setattr(hold, "FIRST_PAUSE_SECONDS", 0.02)
    await write(topics, *(happened(n) for n in range(10)))
    trouble = [ConnectionRefusedError(111, "PostgreSQL is away")] * 4

    def away(_records):
        if trouble:
            raise trouble.pop()

    inbox = Inbox(away)
    reader = make(topics, inbox)
    async with running(reader):
        await eventually(lambda: "PostgreSQL is away" in reader.state)
        assert reader.check()[0] is False
        assert reader.check()[2] is True, "an outage, not a fault of this process"
        await all_committed(topics, 10)
        await eventually(lambda: reader.check()[0])

    assert inbox.numbers == list(range(10))
    assert inbox.entered == 5
    assert await read_all(topics.bootstrap, topics.dead_letters) == []


async def test_a_batch_that_is_held_too_long_is_fetched_again_so_that_kafka_sees_a_living_reader(topics, monkeypatch):
    monkeypatch.setattr(hold, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(hold, "LIMIT_SECONDS", 0.05)
    await write(topics, *(happened(n) for n in range(10)))
    trouble = [ConnectionRefusedError(111, "away")] * 7

    def away(_records):
        if trouble:
            raise trouble.pop()

    inbox = Inbox(away)
    reader = make(topics, inbox)
    async with running(reader):
        polls = []
        await eventually(lambda: reader._reader and reader._joined_at)
        give_back = reader._reader.give_back
        monkeypatch.setattr(reader._reader, "give_back", lambda records: (polls.append(1), give_back(records)))
        await all_committed(topics, 10)

    assert polls, "it was given back at least once"
    assert inbox.numbers == list(range(10))


async def test_too_many_bad_records_in_a_row_stop_it_before_they_are_committed(topics, logged_faults):
    logged_faults.expect("consumption is stopped")
    await write(topics, *(happened(n) for n in range(3)))
    async with producing(topics.bootstrap) as producer:
        for _ in range(5):
            await producer.send_and_wait(topics.complaints, b"garbage", b"k", 0, headers=[("ce_type", b"thing.happened")])
    await write(topics, happened(8))
    inbox = Inbox()
    reader = make(topics, inbox, dead_letter_limit=5)

    async with running(reader):
        await eventually(lambda: "stopped: 5 bad records in a row" in reader.state)
        well, why, outage = reader.check()
        assert (well, outage) == (False, False)
        assert "DEAD_LETTER_LIMIT" in why
        assert "tanggap dlq" in why
        await eventually(lambda: reader.assigned() == frozenset())
        assert reader.check()[1] == why, "it stays up, and goes on saying so"

    assert await done(topics) in (None, 3), "nothing bad was committed"
    assert await read_all(topics.bootstrap, topics.dead_letters) == []

    logged_faults.expect("a record was dead-lettered")
    again = Inbox()
    async with running(make(topics, again, dead_letter_limit=6)):
        await all_committed(topics, 9)
    assert again.numbers[-1] == 8
    assert len(await read_all(topics.bootstrap, topics.dead_letters)) == 5


async def test_bad_records_with_good_ones_between_never_stop_it(topics, logged_faults):
    logged_faults.expect("a record was dead-lettered")
    async with producing(topics.bootstrap) as producer:
        for number in range(10):
            event = happened(number)
            body = event.model_dump_json().encode() if number % 2 else b"garbage"
            await producer.send_and_wait(topics.complaints, body, b"k", 0, headers=record_headers(event))
    inbox = Inbox()
    async with running(make(topics, inbox, dead_letter_limit=2)):
        await all_committed(topics, 10)
    assert inbox.numbers == [1, 3, 5, 7, 9]


async def test_nothing_is_committed_before_its_dead_letters_are_acknowledged(topics, logged_faults, monkeypatch):
    logged_faults.expect("a record was dead-lettered")
    monkeypatch.setattr("tanggap.platform.publisher.PRODUCER_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr("tanggap.platform.publisher.STUCK_AFTER", 1000)
    missing = f"{topics.complaints}.missing"
    async with producing(topics.bootstrap) as producer:
        await producer.send_and_wait(topics.complaints, b"garbage", b"k", 0, headers=[("ce_type", b"thing.happened")])
    reader = make(topics, Inbox())
    reader.dead_letters = missing

    async with running(reader):
        await eventually(lambda: "held" in reader.state)
        assert await done(topics) is None
        await topics.make(missing, 1)
        await all_committed(topics, 1)

    assert len(await read_all(topics.bootstrap, missing)) == 1


async def test_on_stop_the_batch_in_hand_is_finished_and_committed(topics):
    await write(topics, *(happened(n) for n in range(10)))
    inbox = Inbox()
    inbox.gate.clear()
    async with running(reader := make(topics, inbox)) as stop:
        await eventually(lambda: inbox.entered)
        stop.set()
        await eventually(lambda: reader._stopping)
        inbox.gate.set()

    assert inbox.numbers == list(range(10))
    assert await done(topics) == 10


async def test_on_stop_a_batch_that_is_held_is_given_up_at_once_and_read_again_by_the_next(topics, monkeypatch):
    monkeypatch.setattr(hold, "FIRST_PAUSE_SECONDS", 5.0)
    await write(topics, *(happened(n) for n in range(10)))

    def away(_records):
        raise ConnectionRefusedError(111, "away")

    held = make(topics, Inbox(away))
    async with running(held) as stop:
        await eventually(lambda: "away" in held.state)
        began = asyncio.get_running_loop().time()
        stop.set()
    assert asyncio.get_running_loop().time() - began < 3
    assert await done(topics) is None

    inbox = Inbox()
    async with running(make(topics, inbox)):
        await eventually(lambda: len(inbox.received) == 10)


async def test_a_batch_that_does_not_end_in_time_is_cut_off_and_read_again(topics):
    await write(topics, happened(1))
    inbox, again = Inbox(), Inbox()
    inbox.gate.clear()
    async with running(make(topics, inbox, drain_seconds=0.2)) as stop:
        await eventually(lambda: inbox.entered)
        began = asyncio.get_running_loop().time()
        stop.set()
    assert asyncio.get_running_loop().time() - began < 4
    assert inbox.received == []

    async with running(make(topics, again)):
        await eventually(lambda: again.numbers == [1])


async def test_when_another_joins_the_batch_in_hand_is_finished_first_and_no_record_is_handled_by_both(topics):
    for partition in range(3):
        await write(topics, *(happened(n, thing(partition)) for n in range(30)), partition=partition)
    one, two = Inbox(), Inbox()
    one.gate.clear()
    first, second = make(topics, one, consumer_max_records=10), make(topics, two, consumer_max_records=10)

    async with running(first):
        await eventually(lambda: one.entered)
        async with running(second):
            await eventually(first._hold.interrupt.is_set)  # it asked to join while the batch is in hand
            assert two.received == []
            one.gate.set()
            await eventually(lambda: len(one.received) + len(two.received) >= 90)
            await eventually(lambda: first.assigned() and second.assigned())
            assert first.assigned() | second.assigned() == {0, 1, 2}
            assert not first.assigned() & second.assigned()

    places = [(got.partition, got.offset) for inbox in (one, two) for got in inbox.received]
    assert sorted(places) == [(partition, offset) for partition in range(3) for offset in range(30)]
    for partition in range(3):
        for inbox in (one, two):
            offsets = [got.offset for got in inbox.received if got.partition == partition]
            assert offsets == sorted(offsets)


async def test_a_batch_that_is_held_lets_its_partitions_go(topics, monkeypatch):
    monkeypatch.setattr(hold, "FIRST_PAUSE_SECONDS", 5.0)
    await write(topics, *(happened(n) for n in range(10)))

    def away(_records):
        raise ConnectionRefusedError(111, "away")

    stuck, well = Inbox(away), Inbox()
    async with running(make(topics, stuck)) as stop:
        await eventually(lambda: stuck.entered)
        async with running(second := make(topics, well)):
            await eventually(second.assigned, seconds=8)
            stop.set()
            await eventually(lambda: well.numbers == list(range(10)))


async def test_a_watermark_follows_the_clock_where_all_is_read_and_the_last_record_where_it_is_not(topics):
    inbox = Inbox()
    reader = make(topics, inbox, consumer_max_records=1)
    assert reader.watermark(0) is None
    async with running(reader):
        began = datetime.now(UTC)
        await eventually(lambda: (reader.watermark(0) or datetime.min.replace(tzinfo=UTC)) >= began)
        assert reader.watermark(2) is not None
        assert reader.watermark(3) is None, "there is no such partition"

        inbox.gate.clear()
        await write(topics, happened(1), happened(2))
        await eventually(lambda: inbox.entered == 1)
        written = datetime.now(UTC)
        await eventually(lambda: reader.watermark(1) > written + timedelta(seconds=1))
        assert reader.watermark(0) <= written, "it does not pass what is not handled, while another partition's goes on"

        inbox.gate.set()
        await eventually(lambda: reader.watermark(0) > written + timedelta(seconds=1))
    assert reader.watermark(0) is None, "no longer ours"


async def test_while_it_lags_the_watermark_is_the_stamp_of_the_last_record_that_was_handled(topics):
    await write(topics, happened(1))
    await write(topics, happened(2))
    inbox = Inbox()
    reader = make(topics, inbox, consumer_max_records=1)

    def second_waits(_records):
        inbox.gate.clear()

    inbox.fail = second_waits
    async with running(reader) as stop:
        await eventually(lambda: inbox.entered == 2)
        written = datetime.now(UTC)
        await eventually(lambda: (reader.watermark(1) or written) > written)
        assert reader.watermark(0) == inbox.received[0].timestamp
        stop.set()
        inbox.gate.set()


async def test_readiness_tells_partitions_lag_and_the_last_batch(topics):
    await write(topics, happened(1))
    reader = make(topics, Inbox())
    assert reader.check() == (False, "not connected: not started", True)
    async with running(reader):
        await all_committed(topics, 1)
        await eventually(lambda: reader.check()[0])
        assert reader.state == "partitions: 0, 1, 2; lag 0; last batch 0 s ago"
        assert reader.last_batch_age < 10


async def test_reading_that_fails_for_good_ends_the_process(topics, monkeypatch):
    monkeypatch.setattr(consumer_module, "STUCK_SECONDS", 0.2)
    reader = make(topics, Inbox())
    task = asyncio.create_task(reader.run(asyncio.Event()))
    await eventually(lambda: reader.check()[0])

    def broken():
        raise KafkaError("Unexpected error during coordination")

    monkeypatch.setattr(reader._reader._coordinator, "check_errors", broken)
    await eventually(lambda: "reading fails" in reader.state)

    with pytest.raises(Fatal, match="Unexpected error during coordination"):
        await asyncio.wait_for(task, 20)


async def test_a_fault_of_its_own_ends_the_process_and_commits_nothing(topics, monkeypatch, logged_faults):
    logged_faults.expect("the consumer itself failed")
    await write(topics, happened(1))
    reader = make(topics, Inbox())

    async def broken(_batch):
        raise RuntimeError("oops")

    monkeypatch.setattr(reader, "_commit", broken)
    with pytest.raises(Fatal, match="oops"):
        await asyncio.wait_for(reader.run(asyncio.Event()), 20)
    assert await done(topics) is None


async def test_a_record_of_its_own_is_logged_with_its_complaint_and_trace(topics):
    trace = f"00-{'c' * 32}-{'d' * 16}-01"
    key = uuid4()
    seen = {}

    async def handle(_records):
        seen.update(structlog.contextvars.get_contextvars())

    await publish(topics.bootstrap, topics.complaints, happened(1, key), partition=0, traceparent=trace)
    async with running(make(topics, handle)):
        await all_committed(topics, 1)
    assert seen == {"complaint_id": str(key), "trace_id": "c" * 32}


def misnamed(batch):
    """Give the batch's first header a name that is not UTF-8, which no client of ours would write but Kafka keeps."""
    build = batch._build

    def built():
        buffer = bytearray(build())
        at = buffer.index(b"spoilt")
        buffer[at : at + 6] = b"\xff\xfepoi\xff"
        # The sum stands at byte 17 and covers all that follows it.
        buffer[17:21] = calc_crc32c(buffer[21:]).to_bytes(4, "big")
        return buffer

    batch._build = built


async def test_a_record_that_the_client_can_not_parse_is_dead_lettered_and_no_other_batch_suffers(topics, logged_faults):
    logged_faults.expect("a record was dead-lettered")
    good = [happened(number, thing(number)) for number in range(9)]
    async with producing(topics.bootstrap) as producer:
        batch = producer.create_batch()
        for event in good[:3]:
            batch.append(key=None, value=event.model_dump_json().encode(), timestamp=None, headers=record_headers(event))
        batch.append(key=b"k", value=b"{}", timestamp=None, headers=[("spoilt", b"x")])
        for event in good[3:5]:
            batch.append(key=None, value=event.model_dump_json().encode(), timestamp=None, headers=record_headers(event))
        batch.close()
        misnamed(batch)
        await (await producer.send_batch(batch, topics.complaints, partition=1))
        for number, event in enumerate(good[5:]):
            await producer.send_and_wait(
                topics.complaints, event.model_dump_json().encode(), partition=(0, 2)[number % 2], headers=record_headers(event)
            )
    inbox = Inbox()

    async with running(make(topics, inbox)):
        await eventually(lambda: set(inbox.numbers) == {0, 1, 2, 5, 6, 7, 8})
        await publish(topics.bootstrap, topics.complaints, happened(9, thing(9)), partition=1)
        await eventually(lambda: 9 in inbox.numbers)

    assert sorted(inbox.numbers) == [0, 1, 2, 5, 6, 7, 8, 9], "each once, but for what stood behind it in its own batch"
    told = [headers_of(letter) for letter in await read_all(topics.bootstrap, topics.dead_letters)]
    assert [one["dlq_origin"] for one in told] == [f"{topics.complaints}/1/{offset}" for offset in (3, 4, 5)]
    for one in told:
        assert "can't be read by the Kafka client: UnicodeDecodeError" in one["dlq_reason"]
        assert one["dlq_body"].startswith("at its origin")
    assert await committed(topics.bootstrap, topics.group, topics.complaints, 1) == 7
