"""Ends what aiokafka leaves open: its own `stop` closes what it knows of at its beginning, and none where it is cut short.

And says in words what it says in classes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.errors import KafkaConnectionError


def trouble_with(servers: str, trouble: Exception) -> str:
    """One line for an operator, of a Kafka at these addresses (KAFKA_BOOTSTRAP_SERVERS) that does not do what it should."""
    if isinstance(trouble, KafkaConnectionError):
        # Its own text is the class's name twice and an address family.
        return f"Kafka at {servers} can't be reached: is it up, and is that its address (KAFKA_BOOTSTRAP_SERVERS)?"
    return f"Kafka at {servers} does not serve this: {type(trouble).__name__}: {trouble}".rstrip(": ")


def cut(client: Any) -> None:
    """Close every connection that an `AIOKafkaClient` still has. It must not be asked for anything afterwards."""
    for connection in list(client._conns.values()):  # noqa: SLF001 - aiokafka has no way to end a client without waiting
        connection.close()


def answer_metadata(client: Any) -> None:
    """Tell whoever waits for the metadata of a closed `AIOKafkaClient` that there are none: its own `close` leaves them waiting."""
    waiting, client._md_update_fut = client._md_update_fut, None  # noqa: SLF001 - as above
    if waiting is not None and not waiting.done():
        waiting.set_result(False)


async def settle(starting: asyncio.Task[Any], seconds: float) -> None:
    """Let a client's start come to its end, and cancel it only where it takes longer. What it raises is not raised here.

    A start that is cancelled while it asks the first server forgets that connection without closing it.
    """
    _, late = await asyncio.wait({starting}, timeout=seconds)
    if late:
        starting.cancel()
        await asyncio.wait(late)
    if not starting.cancelled():
        # Looked at, or asyncio complains that nobody did.
        starting.exception()
