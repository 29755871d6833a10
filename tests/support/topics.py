"""Topics of its own for every test, since the broker is shared by all."""

import secrets
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient

from tanggap.platform.topics import TopicSpec, ensure_topics


@dataclass
class Topics:
    """Fresh topics with names that no other test has. `group` is a consumer group nobody else is in."""

    bootstrap: str
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    made: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> str:
        return f"complaints-{self.mark}"

    @property
    def dead_letters(self) -> str:
        return f"{self.complaints}.dlq"

    @property
    def inbox(self) -> str:
        return f"{self.complaints}.inbox"

    @property
    def group(self) -> str:
        return f"group-{self.mark}"

    async def make(self, name: str, partitions: int) -> str:
        """Make one more topic; it is gone after the test."""
        await ensure_topics(self.bootstrap, [TopicSpec(name, partitions)])
        self.made.append(name)
        return name

    async def close(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics(self.made)
        finally:
            await admin.close()
