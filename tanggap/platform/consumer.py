"""The consumer: reads the log in batches, keeps each partition's order, never loses a record and never stops at one.

FastStream reads (a batch subscriber, one batch in hand at a time); what becomes of a batch is decided here:

- A record's `ce_type` is looked at before its body. Types that the service does not read are skipped.
- A body that can't be decoded goes to the dead-letter topic, with where it came from and why.
- The handler returns: done. It raises `Poison`: the record goes to the dead-letter topic. It raises trouble that passes: the
  batch is held and tried again, after 0.1 s x 2^n, at most 5 s. It raises anything else: the batch is halved until the
  records that fail alone are found; those go to the dead-letter topic, the others are done.
- Offsets are committed after that, and by name: those of this batch. Dead letters are acknowledged before.
- `dead_letter_limit` bad records in a row stop the consumer before it commits them: it is more likely that this program is
  wrong than that they all are.

Handlers see a record again after a kill or a rebalance, so they must be idempotent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from typing_extensions import override

from tanggap.platform import logs, metrics
from tanggap.platform.batches import Batch, Decoder, Isolation, Received
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.connections import settle
from tanggap.platform.dead_letter_limit import Halted, bad_in_a_row
from tanggap.platform.dead_letters import letter, publish_letters, topic_for
from tanggap.platform.errors import Fatal
from tanggap.platform.hold import Abandoned, Hold, pause_seconds
from tanggap.platform.publisher import Publisher
from tanggap.platform.reader import Raw, Reader
from tanggap.platform.settings import ServiceSettings
from tanggap.platform.topics import COMPLAINTS
from tanggap.platform.watermarks import ASK_SECONDS, Watermarks

log = logs.get_logger(__name__)

T = TypeVar("T")

BATCH_WAIT_MS = 20
"""How long a fetch waits for records; FastStream sleeps so long again when there were none."""

REVOKE_SECONDS = 20.0
"""How long a batch in hand may take to finish when its partitions are given to another consumer."""

LAST_COMMIT_SECONDS = 3.0
"""How long a commit may take when the process stops or its partitions are taken away."""

LEAVE_SECONDS = 3.0
"""How long Kafka may take to hear that this consumer leaves its group."""

STUCK_SECONDS = 60.0
"""Consumption that has failed for so long, and not because Kafka is away, ends the process."""

SILENCE_SECONDS = 10.0
"""Kafka answers a fetch at least every half second; after so long without an answer it counts as away."""

SLOW_BATCH_SECONDS = 30.0
"""A batch in hand for longer fails readiness."""


class Consumer(Generic[T]):
    """Reads a topic in a group named after the service and hands batches to `handle`.

    `decoders`: how to read each `ce_type`; a decoder raises for a body that is not its event. `handle` gets at most
    `settings.consumer_max_records` records, each partition's in order; it never gets an empty batch. `group` and
    `dead_letters` are there for tests, which share a broker.
    """

    name = "consumer"

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        topic: str = COMPLAINTS,
        decoders: Mapping[str, Callable[[bytes], T]],
        handle: Callable[[Sequence[Received[T]]], Awaitable[None]],
        now: Now = utc_now,
        group: str | None = None,
        dead_letters: str | None = None,
    ) -> None:
        self.settings = settings
        self.topic = topic
        self.group = group or settings.service
        self.dead_letters = dead_letters or topic_for(topic)
        self._decoder = Decoder(decoders, self.group)
        self._handle = handle
        self._now = now
        self._publisher = Publisher(settings)
        self._hold = Hold()
        self._watermarks = Watermarks(now)
        self._reader: Reader | None = None
        self._joined_at: float | None = None
        # Set while no batch is in hand.
        self._idle = asyncio.Event()
        self._idle.set()
        self._taken_at = 0.0
        self._batch_ended_at: float | None = None
        self._bad_in_a_row = 0
        self._unconnected = "not started"
        self._stopping = False
        self._ended = asyncio.Event()
        self._halted: str | None = None
        self._fatal: Fatal | None = None

    # What others ask

    @property
    def reads(self) -> frozenset[str]:
        """The `ce_type`s that reach the handler."""
        return self._decoder.types

    def assigned(self) -> frozenset[int]:
        """The partitions that this process reads now."""
        if self._reader is None or self._joined_at is None:
            return frozenset()
        return frozenset(one.partition for one in self._reader.partitions())

    def watermark(self, partition: int) -> datetime | None:
        """Moment up to which all records of a partition are known to be handled.

        While the partition is read to its end this stays less than about a second behind the clock; while it is not, it is the
        stamp of the last record handled. `None` where nothing is known (yet), or the partition is not ours.
        """
        moment = self._watermarks.get(partition)
        return moment if partition in self.assigned() else None

    @property
    def last_batch_age(self) -> float | None:
        """Seconds since a batch was last done with; `None` before the first."""
        return None if self._batch_ended_at is None else time.monotonic() - self._batch_ended_at

    @property
    def state(self) -> str:
        """In one line: what it does, or why it does not."""
        return self.check()[1]

    def check(self) -> tuple[bool, str, bool]:
        """For /readyz: is it well, in words, and is a failure only Kafka's or PostgreSQL's absence?"""
        trouble = self._trouble()
        if trouble is not None:
            return False, trouble, self._halted is None and self._fatal is None
        which = ", ".join(map(str, sorted(self.assigned()))) or "none, other processes of this service read all"
        age = self.last_batch_age
        last = "no batch yet" if age is None else f"last batch {age:.0f} s ago"
        return True, f"partitions: {which}; lag {self._reader.lag() if self._reader else 0}; {last}", False

    def _trouble(self) -> str | None:  # noqa: PLR0911 - one line per kind of trouble
        reader = self._reader
        if self._halted is not None:
            return self._halted
        if self._fatal is not None:
            return str(self._fatal)
        if reader is None:
            return f"not connected: {self._unconnected}"
        if self._hold.why is not None:
            return f"a batch is held for {self._hold.seconds:.0f} s: {self._hold.why}"
        if reader.failing is not None:
            return f"reading fails: {reader.failing}"
        if self._joined_at is None:
            return "no partitions assigned yet"
        if not self._idle.is_set():
            in_hand = time.monotonic() - self._taken_at
            return f"a batch has been in hand for {in_hand:.0f} s" if in_hand > SLOW_BATCH_SECONDS else None
        silence = self._silence(reader)
        return f"Kafka has not answered for {silence:.0f} s" if silence > SILENCE_SECONDS else None

    def _silence(self, reader: Reader) -> float:
        """Seconds since Kafka last answered a fetch; 0 where nothing is fetched because nothing is assigned."""
        if not reader.partitions():
            return 0.0
        answered = reader.answered_at()
        return time.time() - answered if answered is not None else time.monotonic() - (self._joined_at or time.monotonic())

    # Its life

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then finish the batch in hand. Raises `Fatal` when it can't go on.

        Past the dead-letter limit it leaves the group and waits for `stop`: a restart would only come to the same records again.
        """
        self._stopping = False
        self._ended.clear()
        stopper = asyncio.create_task(stop.wait())
        stopper.add_done_callback(self._begin_stop)
        beside: list[asyncio.Task[None]] = []
        broker = None
        try:
            broker = await self._connect(stop)
            if broker is None:
                return
            beside = [asyncio.create_task(self._watch()), asyncio.create_task(self._mark())]
            await _first(self._ended.wait(), stop.wait(), *beside)
            for task in beside:
                if task.done():
                    task.result()
            if self._fatal is not None:
                raise self._fatal
            await self._disconnect(broker)
            broker = None
            await stop.wait()
        finally:
            stopper.cancel()
            for task in beside:
                task.cancel()
            if broker is not None:
                await self._disconnect(broker)
            await self._publisher.close()

    def _begin_stop(self, stopper: asyncio.Task[bool]) -> None:
        if not stopper.cancelled():
            self._stopping = True
            self._hold.interrupt.set()

    def _end(self, fatal: Fatal | None = None) -> None:
        self._fatal = fatal
        self._ended.set()

    async def _connect(self, stop: asyncio.Event) -> KafkaBroker | None:
        """A broker that reads; tries until it can, or `stop` is set."""
        attempt = 0
        while not stop.is_set():
            broker = self._make_broker()
            starting = asyncio.create_task(self._start(broker))
            try:
                await _first(stop.wait(), starting)
                if starting.done():
                    starting.result()
                    log.info("reading the log", topic=self.topic, group=self.group)
                    return broker
            except (KafkaError, OSError) as trouble:
                self._unconnected = _words(trouble)
                attempt += 1
                if attempt == 1:
                    log.warning("the log can't be read yet", topic=self.topic, why=self._unconnected)
            finally:
                await settle(starting, LEAVE_SECONDS)
            await self._disconnect(broker, self._unconnected)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_seconds(attempt)):
                    await stop.wait()
        return None

    def _make_broker(self) -> KafkaBroker:
        broker = KafkaBroker(
            self.settings.bootstrap_servers,
            client_id=f"tanggap-{self.settings.service}",
            logger=None,
            apply_types=False,
            consumer_only=True,
            allow_auto_create_topics=False,
            # The batch in hand was waited for before the broker is stopped.
            graceful_timeout=0.5,
        )
        broker.subscriber(
            self.topic,
            batch=True,
            max_records=self.settings.consumer_max_records,
            batch_timeout_ms=BATCH_WAIT_MS,
            ack_policy=AckPolicy.MANUAL,
            parser=_parse,
            decoder=self._decode,
            listener=_Rebalances(self),
            **{**self.settings.consumer_params(), "group_id": self.group},
        )(self._on_batch)
        return broker

    async def _start(self, broker: KafkaBroker) -> None:
        await broker.connect()
        usual = broker.config.broker_config.builder

        def make(**options: Any) -> Reader:
            options = {**(usual.keywords if isinstance(usual, partial) else {}), **options}
            self._reader = Reader(on_batch=self._take, **options)
            return self._reader

        broker.config.broker_config.builder = make
        await broker.start()

    def _take(self) -> None:
        self._idle.clear()
        self._taken_at = time.monotonic()

    async def _disconnect(self, broker: KafkaBroker, why: str = "stopped") -> None:
        """Finish the batch in hand and leave the group; a Kafka that does not answer is not waited for."""
        try:
            async with asyncio.timeout(self.settings.drain_seconds):
                await self._idle.wait()
        except TimeoutError:
            log.warning("the batch in hand did not finish in time; it will be read again", group=self.group)
        reader = self._reader
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await broker.stop()
                if reader is not None:
                    await reader.stop()
        except Exception as trouble:  # noqa: BLE001 - it ends anyway, and Kafka finds out by itself
            log.warning("did not leave the consumer group properly", group=self.group, why=_words(trouble))
        finally:
            if reader is not None:
                reader.cut()
        self._reader = None
        self._unconnected = why
        self._forget()

    async def _watch(self) -> None:
        """Show figures; end consumption that has failed for long though the failure is not Kafka's absence."""
        while True:
            await asyncio.sleep(1.0)
            reader = self._reader
            if reader is None:
                continue
            metrics.CONSUMER_ASSIGNED.set(len(self.assigned()))
            metrics.CONSUMER_LAG.set(reader.lag())
            now = time.monotonic()
            if reader.failing is not None and reader.failing_for_good and now - reader.failing_since > STUCK_SECONDS:
                raise Fatal(f"reading has failed for {STUCK_SECONDS:.0f} s: {reader.failing}")
            if self._idle.is_set() and self._joined_at is not None and now - reader.polled_at > STUCK_SECONDS:
                raise Fatal(f"nothing was asked of Kafka for {STUCK_SECONDS:.0f} s")
            if self._joined_at is not None and reader.failing is None and self._silence(reader) < 1.0:
                logs.kafka_outage.over()

    async def _mark(self) -> None:
        while True:
            await asyncio.sleep(ASK_SECONDS)
            if self._watermarks.wanted and self._reader is not None and self._joined_at is not None:
                await self._watermarks.ask(self._reader)

    def _forget(self) -> None:
        self._joined_at = None
        self._hold.forget()
        self._watermarks.forget()
        metrics.CONSUMER_ASSIGNED.set(0)

    async def revoked(self) -> None:
        """Partitions go to another consumer: finish the batch in hand, or give it up if it is held."""
        self._hold.interrupt.set()
        try:
            async with asyncio.timeout(REVOKE_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            log.warning("a batch in hand was not finished when its partitions were taken away; it will be handled again")
        finally:
            if not self._stopping:
                self._hold.interrupt.clear()
            self._forget()

    def joined(self) -> None:
        """Partitions were assigned."""
        self._forget()
        self._joined_at = time.monotonic()

    # A batch

    async def _decode(self, message: KafkaMessage) -> Batch[T]:
        """FastStream's decoder."""
        records = message.raw_message
        return self._decoder.read(records if isinstance(records, tuple) else (records,))

    async def _on_batch(self, batch: Batch[T]) -> None:
        """FastStream's handler. It never raises: FastStream would pass the batch over."""
        try:
            if self._stopping or self._ended.is_set():
                return
            await self._work(batch)
        except Abandoned:
            if not self._stopping and self._reader is not None:
                self._reader.give_back(batch.records)
        except Halted as halted:
            self._halted = str(halted)
            log.error("consumption is stopped", why=self._halted)  # noqa: TRY400 - the reason is in the line
            self._end()
        except Fatal as fatal:
            self._end(fatal)
        except Exception as bug:
            log.exception("the consumer itself failed; nothing of the batch was committed")
            self._end(Fatal(f"the consumer itself failed: {_words(bug)}"))
        finally:
            for span in batch.spans:
                span.end()
            if self._reader is not None:
                self._reader.in_hand = frozenset()
            self._idle.set()

    async def _work(self, batch: Batch[T]) -> None:
        limit = self.settings.dead_letter_limit
        await Isolation(batch, self._handle, self._hold, limit).run()
        row = bad_in_a_row(batch.records, batch.raw, batch.bad, self._bad_in_a_row, limit)
        if batch.bad:
            await self._bury(batch)
        await self._commit(batch)
        self._bad_in_a_row = row
        self._batch_ended_at = time.monotonic()
        metrics.batch_done(
            seconds=self._batch_ended_at - batch.arrived,
            oldest=min(record.timestamp for record in batch.records) / 1000,
            handled=len(batch.records) - batch.skipped - len(batch.bad),
            skipped=batch.skipped,
            dead_lettered=len(batch.bad),
        )

    async def _bury(self, batch: Batch[T]) -> None:
        """Write the bad records to the dead-letter topic; returns when they are acknowledged."""
        letters = [letter(bad, self.settings.service, self._now) for bad in batch.bad]
        await self._hold.until_done(
            lambda: publish_letters(self._publisher, self.dead_letters, letters), began=batch.arrived, passes=_kafkas
        )
        for bad in batch.bad:
            key = bad.record.key
            log.error(
                "a record was dead-lettered",
                origin=bad.origin,
                reason=bad.reason,
                topic=self.dead_letters,
                complaint_id=key.decode("utf-8", "replace") if key is not None else None,
            )

    async def _commit(self, batch: Batch[T]) -> None:
        """Commit the offsets of this batch, by name: a plain commit takes whatever the positions are by then."""
        reader = self._reader
        if reader is None:
            return
        last: dict[int, Raw] = {record.partition: record for record in batch.records}
        offsets = {TopicPartition(self.topic, partition): record.offset + 1 for partition, record in last.items()}
        try:
            await self._hold.until_done(lambda: self._commit_once(reader, offsets), began=batch.arrived, passes=_kafkas)
        except (CommitFailedError, IllegalStateError) as taken:
            log.info(
                "the batch was handled, but its partitions had been taken away; another will see it again", why=_words(taken)
            )
            return
        for partition, record in last.items():
            self._watermarks.handled(partition, record.offset + 1, datetime.fromtimestamp(record.timestamp / 1000, UTC))

    async def _commit_once(self, reader: Reader, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit; a Kafka that is away is waited for, but after an interruption only shortly."""
        committing = asyncio.create_task(reader.commit(dict(offsets)))
        try:
            await _first(self._hold.interrupt.wait(), committing)
            if not committing.done():
                await asyncio.wait({committing}, timeout=LAST_COMMIT_SECONDS)
            if not committing.done():
                raise Abandoned
            committing.result()
        finally:
            committing.cancel()


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """Lets the batch in hand finish before its partitions are given away."""

    def __init__(self, consumer: Consumer[Any]) -> None:
        self.consumer = consumer

    @override
    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self.consumer.revoked()

    @override
    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.consumer.joined()
        log.info("partitions assigned", topic=self.consumer.topic, partitions=sorted(one.partition for one in assigned))


async def _parse(records: tuple[Raw, ...]) -> KafkaMessage:
    """FastStream's parser. Its own decodes every header, so that one that is not UTF-8 would stop the partition for ever."""
    return KafkaMessage(raw_message=records, body=b"", message_id="-", correlation_id="-", consumer=FAKE_CONSUMER)


async def _first(*awaitables: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
    """Wait until one of them is done. Coroutines are cancelled then; tasks go on."""
    ours = [asyncio.ensure_future(one) for one in awaitables if not isinstance(one, asyncio.Task)]
    theirs = [one for one in awaitables if isinstance(one, asyncio.Task)]
    try:
        await asyncio.wait([*ours, *theirs], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in ours:
            task.cancel()


def _kafkas(trouble: Exception) -> bool:
    """Is it trouble with Kafka, so that there is nothing else to do than to try again? A partition taken away is none."""
    return isinstance(trouble, KafkaError | OSError | TimeoutError) and not isinstance(
        trouble, CommitFailedError | IllegalStateError
    )


def _words(trouble: BaseException) -> str:
    return f"{type(trouble).__name__}: {trouble}".rstrip(": ")


__all__ = ["Consumer", "Received"]
