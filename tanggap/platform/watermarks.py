"""Watermarks: up to which moment is everything on a partition known to be handled?

Who judges that something did not happen in time must know that it has read all that happened until then.
"""

from __future__ import annotations

from datetime import datetime

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from tanggap.platform.clock import Now
from tanggap.platform.reader import Reader

ASK_SECONDS = 0.5
"""How often the partitions' ends are asked for."""


class Watermarks:
    """Watermarks of the partitions that this process reads.

    A handled record moves its partition's to the record's stamp. Where all up to the partition's end is handled, it moves to the
    moment at which the end was asked for: what is written later is later.
    """

    def __init__(self, now: Now) -> None:
        self._now = now
        self._moments: dict[int, datetime] = {}
        self._handled: dict[int, int] = {}
        self.wanted = False
        """Has anyone ever asked? Until then, no ends are asked for."""

    def get(self, partition: int) -> datetime | None:
        """Where the partition's stands; `None` where nothing is known."""
        self.wanted = True
        return self._moments.get(partition)

    def handled(self, partition: int, next_offset: int, stamp: datetime) -> None:
        """All records before `next_offset` are handled; the last was stamped so."""
        self._handled[partition] = next_offset
        self._move(partition, stamp)

    def forget(self) -> None:
        """The partitions are no longer ours, or are ours anew."""
        self._moments.clear()
        self._handled.clear()

    async def ask(self, reader: Reader) -> None:
        """Ask for the ends, and move the watermarks of what is read to its end. A Kafka that does not answer moves nothing."""
        partitions = reader.partitions()
        asked_at = self._now()
        if not partitions:
            return
        try:
            ends: dict[TopicPartition, int] = await reader.end_offsets(partitions)
        except (KafkaError, OSError, TimeoutError):
            return
        for partition, end in ends.items():
            # Of a partition that is not in hand, all that was handed out is handled.
            in_hand = partition in reader.in_hand
            done = self._handled.get(partition.partition) if in_hand else reader.next_offset(partition)
            if done is not None and done >= end:
                self._move(partition.partition, asked_at)

    def _move(self, partition: int, moment: datetime) -> None:
        known = self._moments.get(partition)
        if known is None or moment > known:
            self._moments[partition] = moment
