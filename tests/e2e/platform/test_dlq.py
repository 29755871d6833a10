"""`tanggap dlq` against a real broker: what is there, what it holds, and back again as it was."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from tanggap.platform import dlq
from tanggap.platform.consumer import Consumer
from tanggap.platform.errors import Poison
from tests.support.plumbing import (
    DECODERS,
    eventually,
    happened,
    headers_of,
    plumbing_settings,
    producing,
    publish,
    read_all,
    running,
    thing,
)


@pytest.fixture
def tanggap(topics, monkeypatch):
    """Run `tanggap dlq ...` on this test's topic."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", topics.bootstrap)

    async def run(*arguments, topic=topics.dead_letters):
        return await asyncio.to_thread(CliRunner().invoke, dlq.commands, [*arguments, "--topic", topic])

    return run


@pytest.fixture
async def dead(topics, logged_faults):
    """Three records that a handler refused, each for a reason of its own."""
    logged_faults.expect("a record was dead-lettered")
    events = [happened(n, thing(n), text="Jalan rusak") for n in range(3)]

    async def refuse(records):
        raise Poison(f"number {records[0].event.number} is not taken" if len(records) == 1 else "one of many")

    await publish(topics.bootstrap, topics.complaints, *events, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    consumer = Consumer(
        plumbing_settings(kafka=topics.bootstrap), topic=topics.complaints, decoders=DECODERS, handle=refuse, group=topics.group
    )

    async def all_there():
        return len(await read_all(topics.bootstrap, topics.dead_letters)) == len(events)

    async with running(consumer):
        await eventually(all_there)
    return events


async def test_an_empty_topic_is_said_to_be_so(tanggap):
    result = await tanggap("list")
    assert result.exit_code == 0
    assert "0 dead letters" in result.output


async def test_the_list_says_what_where_from_and_why(tanggap, topics, dead):
    result = await tanggap("list", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]

    assert [one["id"] for one in found] == ["0", "1", "2"]
    assert {one["subject"] for one in found} == {str(event.thing_id) for event in dead}
    for one in found:
        assert one["type"] == "thing.happened"
        assert one["service"] == "plumbing"
        assert one["origin"].startswith(f"{topics.complaints}/")
        assert one["reason"].endswith("is not taken")
        assert one["redriven"] is False


async def test_one_is_shown_whole(tanggap, dead):
    result = await tanggap("show", "1")
    assert result.exit_code == 0
    assert "dlq_reason: " in result.output
    assert "Jalan rusak" in result.output


async def test_a_redriven_record_is_back_where_it_came_from_as_it_was(tanggap, topics, dead):
    before = await read_all(topics.bootstrap, topics.complaints)
    letters = await read_all(topics.bootstrap, topics.dead_letters)
    chosen = letters[1]

    result = await tanggap("redrive", "1")

    assert result.exit_code == 0, result.output
    after = await read_all(topics.bootstrap, topics.complaints)
    (again,) = [
        record for record in after if (record.partition, record.offset) not in {(one.partition, one.offset) for one in before}
    ]
    (original,) = [record for record in before if record.key == chosen.key]
    assert (again.key, again.value, again.headers) == (original.key, original.value, original.headers)
    assert again.partition == original.partition
    assert f"dead letter 1 sent to {topics.complaints}/{again.partition}/{again.offset}" in result.output


async def test_what_was_redriven_is_no_longer_listed_and_not_sent_again_with_all(tanggap, topics, dead):
    await tanggap("redrive", "1")

    assert "2 dead letters, and 1 that were redriven" in (await tanggap("list")).output
    assert "(redriven)" in (await tanggap("list", "--redriven")).output
    assert "2 redriven" in (await tanggap("redrive", "--all")).output
    assert "0 redriven" in (await tanggap("redrive", "--all")).output
    assert len(await read_all(topics.bootstrap, topics.complaints)) == len(dead) * 2


async def test_those_of_one_reason_can_be_chosen(tanggap, topics, dead):
    result = await tanggap("redrive", "--reason", "number 2 is")
    assert "1 redriven" in result.output
    (again,) = await read_all_after(topics, len(dead))
    assert again.key == str(thing(2)).encode()


async def read_all_after(topics, count):
    """The records of the topic that were written last, but for its first `count`."""
    records = sorted(await read_all(topics.bootstrap, topics.complaints), key=lambda record: record.timestamp)
    return records[count:]


async def test_the_wrong_type_chooses_none(tanggap, dead):
    assert "0 redriven" in (await tanggap("redrive", "--type", "another.type")).output


async def test_without_a_choice_nothing_is_sent(tanggap, topics, dead):
    result = await tanggap("redrive")
    assert result.exit_code == 2
    assert "--all" in result.output
    assert len(await read_all(topics.bootstrap, topics.complaints)) == len(dead)


async def test_one_that_is_not_there_is_named(tanggap, dead):
    result = await tanggap("show", "99")
    assert result.exit_code == 1
    assert "no dead letter 99" in result.output


async def test_a_stranger_in_the_topic_is_not_sent_and_named(tanggap, topics):
    async with producing(topics.bootstrap) as producer:
        await producer.send_and_wait(topics.dead_letters, b"x", b"k")
    result = await tanggap("redrive", "--all")
    assert result.exit_code == 1
    assert "does not say where it came from" in result.output


async def test_one_whose_body_stayed_behind_is_not_sent_empty(tanggap, topics):
    headers = [
        ("dlq_origin", f"{topics.complaints}/0/7".encode()),
        ("dlq_body", b"too large (9 bytes), to be found at its origin"),
    ]
    async with producing(topics.bootstrap) as producer:
        await producer.send_and_wait(topics.dead_letters, b"", b"k", headers=headers)
    result = await tanggap("redrive", "--all")
    assert result.exit_code == 1
    assert f"{topics.complaints}/0/7" in result.output
    assert await read_all(topics.bootstrap, topics.complaints) == []


async def test_a_redriven_record_is_handled_by_a_mended_service(tanggap, topics, dead):
    await tanggap("redrive", "--all")
    seen = set()

    async def mended(records):
        seen.update(one.event.number for one in records)

    consumer = Consumer(
        plumbing_settings(kafka=topics.bootstrap), topic=topics.complaints, decoders=DECODERS, handle=mended, group=topics.group
    )
    async with running(consumer):
        await eventually(lambda: seen == {0, 1, 2})


async def test_a_record_too_large_for_its_dead_letter_headers_is_told_without_its_body(topics, logged_faults):
    logged_faults.expect("a record was dead-lettered")
    room = 4 * 1024 * 1024 - 200
    consumer = Consumer(
        plumbing_settings(kafka=topics.bootstrap), topic=topics.complaints, decoders=DECODERS, handle=None, group=topics.group
    )
    consumer._publisher._params["max_request_size"] = room
    async with producing(topics.bootstrap) as producer:
        await producer.send_and_wait(topics.complaints, b"x" * 900_000, b"k", 0, headers=[("ce_type", b"thing.happened")])
    consumer._publisher._params["max_request_size"] = 900_100

    async def told():
        return await read_all(topics.bootstrap, topics.dead_letters)

    async with running(consumer):
        (letter,) = await eventually(told)
    assert letter.value == b""
    assert "900000 bytes" in headers_of(letter)["dlq_body"]


async def test_kafka_out_of_reach_is_one_line(monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    result = await asyncio.to_thread(CliRunner().invoke, dlq.commands, ["list"])
    assert result.exit_code == 1
    assert "Kafka at 127.0.0.1:1" in result.output
