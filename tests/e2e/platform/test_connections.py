"""Whatever cuts a client's end short, no connection to Kafka stays open: a service that connects anew again and again must not run dry."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from tanggap.platform import publisher as publishers
from tanggap.platform.consumer import Consumer
from tanggap.platform.publisher import Publisher, Record
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


def of_the_sender():
    return [task for task in asyncio.all_tasks() if task.get_coro().__qualname__.startswith("Sender.")]


async def test_a_producer_given_up_while_it_asks_who_leads_leaves_no_task_behind(settings, topics, monkeypatch):
    publisher = Publisher(settings)
    await publisher.publish(topics.complaints, [Record(b"key", b"{}", ())])
    client = publisher._producer.client
    asked = asyncio.Event()
    wait = client._maybe_wait_metadata

    async def refuse(*args, **kwargs):
        raise NotLeaderForPartitionError

    async def wait_for_metadata():
        asked.set()
        await wait()

    monkeypatch.setattr(client, "send", refuse)
    monkeypatch.setattr(client, "_metadata_update", never)
    monkeypatch.setattr(client, "_maybe_wait_metadata", wait_for_metadata)

    publishing = asyncio.create_task(publisher.publish(topics.complaints, [Record(b"key", b"{}", ())]))
    await asked.wait()
    assert of_the_sender()
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing

    assert not of_the_sender()


async def test_a_producer_given_up_while_a_request_hangs_leaves_no_task_behind(settings, topics, monkeypatch):
    publisher = Publisher(settings)
    await publisher.publish(topics.complaints, [Record(b"key", b"{}", ())])
    monkeypatch.setattr(publishers, "_CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(publishers, "PRODUCER_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(publisher._producer.client, "send", never)

    with pytest.raises(TimeoutError):
        await publisher.publish(topics.complaints, [Record(b"key", b"{}", ())])

    await eventually(lambda: not of_the_sender())


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


@asynccontextmanager
async def held_up(bootstrap):
    """A way to Kafka that passes one answer on and keeps the next: its address, and events that say it is kept and let it go."""
    kept, go = asyncio.Event(), asyncio.Event()
    host, _, port = bootstrap.rpartition(":")
    carriers = []

    async def pump(source, sink, passed):
        while data := await source.read(65536):
            if passed == 0:
                kept.set()
                await go.wait()
            passed -= 1
            sink.write(data)
            await sink.drain()
        sink.close()

    async def carry(reader, writer):
        carriers.append(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, far_writer, -1), pump(far_reader, writer, 1))

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", kept, go
    finally:
        go.set()
        server.close()
        _, open_still = await asyncio.wait(carriers, timeout=5)
        for carrier in open_still:
            carrier.cancel()
    assert not open_still, "its client left a connection open"


async def test_a_reader_told_to_stop_while_it_connects_leaves_no_connection_open(topics):
    async def handle(records):
        pass

    async def let_go(stop):
        await stop.wait()
        go.set()

    async with held_up(topics.bootstrap) as (address, kept, go):
        consumer = Consumer(
            plumbing_settings(kafka=address),
            topic=topics.complaints,
            group=topics.group,
            dead_letters=topics.dead_letters,
            decoders=DECODERS,
            handle=handle,
        )
        async with running(consumer) as stop:
            await kept.wait()
            letting = asyncio.create_task(let_go(stop))
        await letting


async def test_a_producer_given_up_while_it_connects_leaves_no_connection_open(topics):
    async with held_up(topics.bootstrap) as (address, kept, go):
        publisher = Publisher(plumbing_settings(kafka=address))
        publishing = asyncio.create_task(publisher.publish(topics.complaints, []))
        await kept.wait()
        publishing.cancel()
        asyncio.get_running_loop().call_soon(go.set)
        with pytest.raises(asyncio.CancelledError):
            await publishing
