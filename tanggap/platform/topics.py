"""Topics: made before anything is published, never by accident (brokers have auto-creation off).

`python -m tanggap.platform.topics` makes them on the Kafka of KAFKA_BOOTSTRAP_SERVERS, for a stack that starts from nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from tanggap.platform.logs import get_logger
from tanggap.platform.settings import environment

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be. `config`: Kafka's own names and values; unless it says else, the broker's clock stamps records."""

    name: str
    partitions: int
    replication_factor: int = 1
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, str]:
        """All of Kafka's settings with which it is made."""
        return {**_ALWAYS, **self.config}


COMPLAINTS = "complaints"
DEAD_LETTERS = "complaints.dlq"
INBOX = "complaints.inbox"

_KEEP_FOR_EVER = {"retention.ms": "-1"}
# Others write to the inbox, with whatever compression they like; the broker turns it into one that our readers know.
_READABLE = {"compression.type": "gzip"}

LOCAL_TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(COMPLAINTS, 12, config=_KEEP_FOR_EVER),
    TopicSpec(DEAD_LETTERS, 1, config=_KEEP_FOR_EVER),
    TopicSpec(INBOX, 3, config=_READABLE),
)
"""The topics of one machine. The log keeps every complaint's whole life, so its records don't expire."""

# Above every body that HTTP lets in (1 MiB), so that no event of ours can be too large for the log.
_ALWAYS = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "4194304"}


async def ensure_topics(bootstrap: str, specs: Sequence[TopicSpec] = LOCAL_TOPICS) -> list[str]:
    """Create what is missing and return the names that were created.

    A topic that exists is left as it is: more partitions would move keys, and with them the order of what is already
    written. Where it has another number of partitions than wanted, that is logged. Raises `aiokafka.errors.KafkaError`.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="tanggap-topics")
    await admin.start()
    try:
        present = {topic["topic"]: topic for topic in await admin.describe_topics([spec.name for spec in specs])}
        missing = []
        for spec in specs:
            found = present.get(spec.name)
            if found is None or found["error_code"]:
                missing.append(spec)
            elif len(found["partitions"]) != spec.partitions:
                log.warning(
                    "topic has another number of partitions than wanted; it is left so, since changing it would move keys",
                    topic=spec.name,
                    partitions=len(found["partitions"]),
                    wanted=spec.partitions,
                )
        if not missing:
            return []
        response = await admin.create_topics(
            [NewTopic(spec.name, spec.partitions, spec.replication_factor, topic_configs=dict(spec.settings)) for spec in missing]
        )
        created = []
        for name, code, *message in response.topic_errors:
            error = for_code(code)
            if not code:
                created.append(name)
            elif error is not TopicAlreadyExistsError:
                raise error(f"topic {name}: {message[0] if message else error.description}")
        return created
    finally:
        await admin.close()


def main() -> None:
    """Make what is missing. Exit codes: 0 all topics are there, 1 Kafka would not, 2 a bad setting."""
    bootstrap = environment("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    try:
        created = asyncio.run(ensure_topics(bootstrap))
    except (KafkaError, OSError) as trouble:
        sys.stderr.write(f"topics could not be made at {bootstrap}: {trouble}\n")
        sys.exit(1)
    sys.stdout.write("".join(f"created {name}\n" for name in created) or "all topics are there\n")


__all__ = ["COMPLAINTS", "DEAD_LETTERS", "INBOX", "LOCAL_TOPICS", "KafkaError", "TopicSpec", "ensure_topics"]

if __name__ == "__main__":
    main()
