"""Whatever cuts a client's end short, no connection to Kafka stays open: a service that connects anew again and again must not run dry."""

import asyncio

import pytest

from tanggap.platform import publisher as publishers
from tanggap.platform.consumer import Consumer
from tanggap.platform.publisher import Publisher
from tests.support.plumbing import DECODERS, eventually, plumbing_settings, running


def open_connections(client):
    return [one for one in client._conns.values() if one.connected()]


async def never(*args, **kwargs):
    await asyncio.Event().wait()


@pytest.fixture
def settings(topics):
    return plumbing_settings(kafka=topics.bootstrap)


@pytest.mark.parametrize("end", [publishers._close, publishers._abort])
async def test_a_producer_whose_end_hangs_leaves_no_connection_open(settings, monkeypatch, end):
    publisher = Publisher(settings)
    producer = await publisher._connected()
    assert open_connections(producer.client)
    stop, close = producer.stop, producer.client.close
    monkeypatch.setattr(publishers, "_CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(producer, "stop", never)
    monkeypatch.setattr(producer.client, "close", never)

    await end(producer)

    assert not open_connections(producer.client)
    monkeypatch.undo()
    await close()
    producer._closed = False
    await stop()


async def test_a_reader_whose_end_hangs_leaves_no_connection_open(settings, topics, monkeypatch):
    async def handle(records):
        pass

    consumer = Consumer(
        settings, topic=topics.complaints, group=topics.group, dead_letters=topics.dead_letters, decoders=DECODERS, handle=handle
    )
    monkeypatch.setattr("tanggap.platform.consumer.LEAVE_SECONDS", 0.05)
    async with running(consumer):
        await eventually(lambda: bool(consumer.assigned()))
        reader = consumer._reader
        client, close = reader._client, reader._client.close
        assert open_connections(client)
        monkeypatch.setattr(client, "close", never)
    assert not open_connections(client)
    await close()
