"""PostgreSQL: one pool per process, named SQL, and what kind of trouble passes by itself."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import gaierror
from typing import TYPE_CHECKING, Any

import aiosql
import asyncpg
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiosql.queries import Queries

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = Any
    Pool = Any

CONNECT_PATIENCE_SECONDS = 2.0
"""How long a caller waits for a PostgreSQL that is just being restarted, before it is told."""

COMMAND_TIMEOUT_SECONDS = 30.0
"""No statement of ours takes so long: one that does is stuck, and its caller tries again."""

_TRANSIENT_CLASSES = (
    "08",  # connection exceptions
    "40",  # transaction rollback: serialization failure, deadlock
    "53",  # insufficient resources: disk full, out of memory, too many connections
    "57P",  # operator intervention: shutdown, crash, cannot connect now
    "58",  # system error: input or output
)
_TRANSIENT_CODES = frozenset({"55P03", "25006", "57014"})  # lock not available, read-only (a failover), query canceled

_TRANSIENT_ERRNOS = frozenset(
    {
        errno.EAGAIN,
        errno.EDQUOT,
        errno.EHOSTUNREACH,
        errno.EMFILE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOSPC,
        errno.ETIMEDOUT,
    }
)


class Database:
    """The connections of one service to its own schema.

    Opens lazily: a process may start while PostgreSQL is away, and goes on by itself when it is back.
    """

    def __init__(self, dsn: str, schema: str, *, min_size: int = 1, max_size: int = 10) -> None:
        self.dsn = dsn
        self.schema = schema
        self._min_size = min_size
        self._max_size = max_size
        self._pool: Pool | None = None
        self._starting = asyncio.Lock()

    def server_settings(self) -> dict[str, str]:
        """Session settings of every connection. The JIT is off: our statements are short, compiling them would cost more."""
        return {"search_path": self.schema, "application_name": f"tanggap-{self.schema}", "jit": "off"}

    @property
    def pool(self) -> Pool:
        """The pool. Raises `RuntimeError` before `start`."""
        if self._pool is None:
            raise RuntimeError("the database is not started: `await database.start()` first")
        return self._pool

    async def start(self) -> None:
        """Make the pool; connects nothing yet, so PostgreSQL may be away."""
        async with self._starting:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.dsn,
                    min_size=0,
                    max_size=self._max_size,
                    server_settings=self.server_settings(),
                    command_timeout=COMMAND_TIMEOUT_SECONDS,
                    timeout=5.0,
                    max_inactive_connection_lifetime=300.0,
                    reset=_reset,
                )

    async def stop(self) -> None:
        """Close the connections: waits 5 s for those in use, then cuts them."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                await asyncio.wait_for(pool.close(), 5.0)
            except TimeoutError:
                pool.terminate()

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection of one's own, outside the pool: for a session lock or for LISTEN. The caller closes it."""
        return await asyncpg.connect(
            self.dsn,
            server_settings={
                **self.server_settings(),
                # A host that vanished must not hold a lock for hours.
                "tcp_keepalives_idle": "10",
                "tcp_keepalives_interval": "5",
                "tcp_keepalives_count": "3",
            },
            timeout=5.0,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection from the pool. Waits up to 2 s for a PostgreSQL that is being restarted, then raises what is wrong."""
        pool = self.pool
        connection = await self._acquire(pool)
        try:
            yield connection
        finally:
            await pool.release(connection)

    async def _acquire(self, pool: Pool) -> PoolConnectionProxy[asyncpg.Record]:
        deadline = time.monotonic() + CONNECT_PATIENCE_SECONDS
        while True:
            try:
                return await pool.acquire()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as trouble:
                if not is_transient(trouble) or time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(0.1)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection within a transaction: committed at the end, rolled back on an exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def ping(self) -> None:
        """Raise what is wrong with the database, if anything is; at most 2 s."""
        async with asyncio.timeout(2.0):
            async with self.pool.acquire() as connection:
                await connection.fetchval("SELECT 1")


def load_queries(path: Path) -> Any:
    """The named blocks of an `.sql` file (or of all in a folder), as aiosql makes them for asyncpg.

    `await QUERIES.name(connection, arg=...)` runs one; `QUERIES.name.sql` is its text for hot paths. Untyped, since its
    methods are the file's.
    """
    queries: Queries = aiosql.from_path(path, "asyncpg", kwargs_only=False, mandatory_parameters=False)
    return queries


async def _reset(connection: asyncpg.Connection) -> None:
    """What the pool does before a connection is lent again.

    Nothing here changes a session (settings, locks and listeners live on connections outside the pool), so the round trip that would
    reset one is spared; only a transaction that somebody left open is rolled back.
    """
    if connection.is_in_transaction():
        await connection.reset()


def is_transient(exc: BaseException) -> bool:
    """Does this trouble pass by itself?

    Yes for lost or refused connections, a server that starts, stops or fails over, serialization failures and deadlocks,
    exhausted resources (connections, memory, disk), timeouts, and whatever Kafka calls retriable.
    """
    if isinstance(exc, asyncpg.PostgresError):
        code = exc.sqlstate or ""
        return code.startswith(_TRANSIENT_CLASSES) or code in _TRANSIENT_CODES
    # A connection cut in the midst of a call leaves the client in a state that it did not expect: not an InterfaceError.
    if isinstance(exc, asyncpg.InternalClientError):
        return True
    if isinstance(exc, asyncpg.InterfaceError):
        # asyncpg says "connection is closed", "pool is closing", "another operation is in progress" with one class.
        return "clos" in str(exc)
    if isinstance(exc, KafkaError):
        return bool(exc.retriable) or isinstance(exc, KafkaTimeoutError)
    if isinstance(exc, ConnectionError | TimeoutError):
        return True
    # Several addresses that all refuse come as one OSError without a number.
    return isinstance(exc, OSError) and (exc.errno is None or exc.errno in _TRANSIENT_ERRNOS or isinstance(exc, gaierror))
