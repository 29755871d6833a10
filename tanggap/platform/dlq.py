"""`tanggap dlq`: look at the records that could not be handled, and send them round again.

A dead letter is known by its offset in the dead-letter topic. The topic is a log, so nothing is taken out of it: who redrives a
record also writes a mark beside it, and marked ones are no longer listed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from tanggap.platform import dead_letters
from tanggap.platform.cloudevents import header
from tanggap.platform.connections import trouble_with
from tanggap.platform.publisher import Record
from tanggap.platform.reader import Raw
from tanggap.platform.settings import PRODUCER_TIMEOUT_SECONDS, environment
from tanggap.platform.terminal import visible
from tanggap.platform.topics import DEAD_LETTERS

commands = typer.Typer(no_args_is_help=True, help="The dead-letter topic: records that could not be handled.")

Topic = Annotated[str, typer.Option(help="The dead-letter topic.")]
Id = Annotated[list[str] | None, typer.Argument(help="Dead letters, as `list` names them: offset, or partition/offset.")]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of the dead-letter topic. `redriven`: it was sent round again before."""

    record: Raw
    redriven: bool = False

    @property
    def id(self) -> str:
        """Its place in the dead-letter topic; the partition is left out where it is the first."""
        return _id(self.record.partition, self.record.offset)

    def header(self, name: str) -> str:
        """A header as text, `-` where it is missing."""
        return header(self.record.headers, name) or "-"

    @property
    def origin(self) -> tuple[str, int, int] | None:
        """Topic, partition and offset at which the record stood; `None` where the header is missing or not ours."""
        topic, _, rest = self.header(dead_letters.ORIGIN).partition("/")
        partition, _, offset = rest.partition("/")
        return (topic, int(partition), int(offset)) if partition.isdecimal() and offset.isdecimal() else None

    def original(self) -> Record:
        """The record as it was: its key, its body, its headers without ours."""
        headers = [(name, value or b"") for name, value in self.record.headers if name not in dead_letters.OWN_HEADERS]
        return Record(self.record.key, self.record.value, headers)


@dataclass(slots=True)
class Redriven:
    """What `redrive` did: per dead letter where it went, or why it did not."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


async def read(bootstrap: str, topic: str = DEAD_LETTERS) -> list[DeadLetter]:
    """Every dead letter, in the topic's order. Raises `aiokafka.errors.KafkaError`, `OSError` or `TimeoutError`."""
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await reader.start()
        reader.subscribe([topic])
        async with asyncio.timeout(PRODUCER_TIMEOUT_SECONDS):
            while not reader.assignment():
                await reader.getmany(timeout_ms=50)
        ends: Mapping[TopicPartition, int] = await reader.end_offsets(reader.assignment())
        await reader.seek_to_beginning()
        records: list[Raw] = []
        for partition, end in ends.items():
            while await reader.position(partition) < end:
                for some in (await reader.getmany(partition, timeout_ms=500)).values():
                    records += some
    finally:
        await reader.stop()
    return list(letters(records))


def letters(records: Iterable[Raw]) -> Iterable[DeadLetter]:
    """Dead letters among records of the topic, each with whether a mark says that it was redriven."""
    everything = sorted(records, key=lambda record: (record.partition, record.offset))
    marks = {mark for record in everything if (mark := header(record.headers, dead_letters.REDRIVEN)) is not None}
    for record in everything:
        if header(record.headers, dead_letters.REDRIVEN) is None:
            yield DeadLetter(record, redriven=f"{record.partition}/{record.offset}" in marks)


async def redrive(bootstrap: str, chosen: Sequence[DeadLetter], topic: str = DEAD_LETTERS) -> Redriven:
    """Publish dead letters to the topics they came from, as they were, and mark them; each is acknowledged before the next."""
    done = Redriven()
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_request_size=8 * 1024 * 1024
    )
    try:
        await producer.start()
        for one in chosen:
            origin = one.origin
            if origin is None:
                done.refused.append((one.id, f"its header {dead_letters.ORIGIN} does not say where it came from"))
                continue
            if one.header(dead_letters.BODY) != "-":
                done.refused.append((one.id, f"its body is {one.header(dead_letters.BODY)}: {'/'.join(map(str, origin))}"))
                continue
            record = one.original()
            async with asyncio.timeout(PRODUCER_TIMEOUT_SECONDS):
                # By its key it finds its partition, as it did before; a record without key goes where it stood.
                where = await producer.send_and_wait(
                    origin[0], record.value, record.key, origin[1] if record.key is None else None, headers=list(record.headers)
                )
                mark = f"{one.record.partition}/{one.record.offset}".encode()
                await producer.send_and_wait(
                    topic, b"", one.record.key, one.record.partition, headers=[(dead_letters.REDRIVEN, mark)]
                )
            done.sent.append((one.id, f"{where.topic}/{where.partition}/{where.offset}"))
    finally:
        await producer.stop()
    return done


def choose(found: Sequence[DeadLetter], ids: Sequence[str], reason: str | None, event_type: str | None) -> list[DeadLetter]:
    """The dead letters with these ids, or, without ids, those that were not redriven and fit the filters.

    Raises `LookupError` naming the first id that is not there.
    """
    by_id = {one.id: one for one in found}
    for wanted in ids:
        if _normal(wanted) not in by_id:
            raise LookupError(wanted)
    if ids:
        return [by_id[_normal(wanted)] for wanted in ids]
    return [
        one
        for one in found
        if not one.redriven
        and (reason is None or reason in one.header(dead_letters.REASON))
        and (event_type is None or event_type == one.header("ce_type"))
    ]


def _id(partition: int, offset: int) -> str:
    return f"{partition}/{offset}" if partition else str(offset)


def _normal(given: str) -> str:
    return given.removeprefix("0/")


def _servers() -> str:
    return environment("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")


def _run(work: Any) -> Any:
    """Run against Kafka; trouble with it is one line and exit 1."""
    try:
        return asyncio.run(work)
    except (KafkaError, OSError, TimeoutError) as trouble:
        typer.echo(trouble_with(_servers(), trouble), err=True)
        raise typer.Exit(1) from trouble


def _chosen(topic: str, ids: Sequence[str], reason: str | None = None, event_type: str | None = None) -> list[DeadLetter]:
    try:
        return choose(_run(read(_servers(), topic)), ids, reason, event_type)
    except LookupError as missing:
        typer.echo(f"no dead letter {missing} in {topic}; `tanggap dlq list --redriven` shows all", err=True)
        raise typer.Exit(1) from missing


@commands.command("list")
def list_(
    topic: Topic = DEAD_LETTERS,
    *,
    redriven: Annotated[bool, typer.Option("--redriven", help="Those that were sent round again, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the dead letters that nobody has redriven yet."""
    found: list[DeadLetter] = _run(read(_servers(), topic))
    shown = [one for one in found if redriven or not one.redriven]
    for one in shown:
        line = {
            "id": one.id,
            "time": one.header(dead_letters.TIME),
            "service": one.header(dead_letters.SERVICE),
            "type": one.header("ce_type"),
            "subject": one.header("ce_subject"),
            "origin": one.header(dead_letters.ORIGIN),
            "reason": one.header(dead_letters.REASON),
        }
        if as_json:
            typer.echo(json.dumps({**line, "redriven": one.redriven}, ensure_ascii=False))
        else:
            typer.echo(visible("  ".join([*line.values(), *(["(redriven)"] if one.redriven else [])])))
    if not as_json:
        again = len(found) - len(shown)
        typer.echo(f"{len(shown)} dead letters" + (f", and {again} that were redriven" if again else ""), err=True)


@commands.command()
def show(ids: Id = None, topic: Topic = DEAD_LETTERS) -> None:
    """Show dead letters whole: every header and the body. A body may hold a citizen's words."""
    for one in _chosen(topic, ids or []):
        typer.echo(f"dead letter {one.id}" + (" (redriven)" if one.redriven else ""))
        typer.echo(f"  key: {_readable(one.record.key)}")
        for name, value in one.record.headers:
            typer.echo(f"  {visible(name)}: {_readable(value)}")
        typer.echo(f"  body: {_readable(one.record.value)}")


@commands.command("redrive")
def redrive_(
    ids: Id = None,
    topic: Topic = DEAD_LETTERS,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that were not redriven yet.")] = False,
    reason: Annotated[str | None, typer.Option(help="Those whose reason holds these words.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Those of this ce_type.")] = None,
) -> None:
    """Send dead letters round again: to the topic they came from, with their own key, body and headers.

    Every service that reads the topic sees them once more; those that handled them before change nothing.
    """
    if not (ids or everything or reason or event_type):
        typer.echo("say which: ids, --reason, --type or --all", err=True)
        raise typer.Exit(2)
    done: Redriven = _run(redrive(_servers(), _chosen(topic, ids or [], reason, event_type), topic))
    for which, where in done.sent:
        typer.echo(f"dead letter {which} sent to {where}")
    for which, why in done.refused:
        typer.echo(f"dead letter {which} not sent: {why}", err=True)
    typer.echo(f"{len(done.sent)} redriven" + (f", {len(done.refused)} not" if done.refused else ""), err=True)
    if done.refused:
        raise typer.Exit(1)


def _readable(data: bytes | None) -> str:
    """A value as a person reads it: whoever wrote it, the terminal obeys nothing in it."""
    if data is None:
        return "none"
    try:
        return visible(data.decode())
    except UnicodeDecodeError:
        return repr(data)
