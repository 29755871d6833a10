"""Mail goes out through one SMTP provider (RFC 5321): connections are kept and used again, answers told apart by meaning."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from dataclasses import dataclass, field
from enum import IntEnum

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected, SMTPTimeoutError

from services.notifier.retry import Result

# After so long unused a connection is asked whether it still lives: providers drop idle ones, firewalls do so silently.
FRESH_SECONDS = 20.0
NOOP_PATIENCE_SECONDS = 3.0

SERVICE_CLOSING = 421
FIRST_PERMANENT = 500
# Answers to RCPT that speak of us (bad sequence, authentication wanted), not of the recipient.
ABOUT_US = frozenset({500, 502, 503, 530, 535})
LONGEST_DETAIL_CHARS = 300
_ADDRESS = re.compile(r"[^\s<>()@,;:]+@[^\s<>()@,;:]+")


@dataclass(frozen=True, slots=True)
class Server:
    """Where the provider is. `tls`: from the first byte; otherwise STARTTLS where it is offered, and always where there is a login."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one attempt: `detail` is the provider's answer, or ours, in one line."""

    result: Result
    detail: str


class _Stage(IntEnum):
    """How far an attempt got; it decides what a lost connection means."""

    CONNECTING = 0
    SENDER = 1
    RECIPIENT = 2
    HANDED_OVER = 3


class Provider:
    """An SMTP provider. Needs no start; opens connections as they are wanted and keeps them.

    `attempt_seconds` bounds one attempt from its first byte to the last answer.
    """

    def __init__(self, server: Server, *, attempt_seconds: float) -> None:
        self._server = server
        self._attempt_seconds = attempt_seconds
        self._idle: list[tuple[float, SMTP]] = []
        self._running: set[asyncio.Timeout] = set()
        self._closing = False

    async def send(self, sender: str, recipient: str, message: bytes) -> Reply:
        """Try once to send `message`. Never raises for anything that the provider or the network does."""
        stage = _Stage.CONNECTING
        client: SMTP | None = None
        try:
            async with asyncio.timeout(self._attempt_seconds) as limit:
                self._running.add(limit)
                if self._closing:
                    limit.reschedule(0)
                try:
                    client = await self._connection()
                    stage = _Stage.SENDER
                    await client.mail(sender)
                    stage = _Stage.RECIPIENT
                    await client.rcpt(recipient)
                    stage = _Stage.HANDED_OVER
                    answer = await client.data(message)
                finally:
                    self._running.discard(limit)
            self._keep(client)
            return Reply(Result.SENT, _line(f"{answer.code} {answer.message}"))
        except SMTPResponseException as refusal:
            if client is not None:
                await self._reset(client)
            return Reply(_refused(refusal.code, stage), _line(f"{refusal.code} {refusal.message}"))
        except (ValueError, UnicodeError) as wrong:
            if client is not None:
                client.close()
            return Reply(Result.PERMANENT, _line(f"the address can't be written to: {type(wrong).__name__}"))
        except (SMTPException, OSError, TimeoutError) as trouble:
            if client is not None:
                client.close()
            return Reply(_lost(stage), _line(_what_happened(trouble, stage)))
        except BaseException:
            if client is not None:
                client.close()
            raise

    async def close(self) -> None:
        """Cut short what is under way (each attempt then ends with its true result) and close the connections."""
        self._closing = True
        for limit in self._running:
            limit.reschedule(0)
        while self._idle:
            _, client = self._idle.pop()
            try:
                await asyncio.wait_for(client.quit(), 1.0)
            except (SMTPException, OSError, TimeoutError):
                client.close()

    async def _connection(self) -> SMTP:
        """Take a connection that lives, or open one."""
        while self._idle:
            used_at, client = self._idle.pop()
            if client.is_connected and time.monotonic() - used_at < FRESH_SECONDS:
                return client
            try:
                await client.noop(timeout=NOOP_PATIENCE_SECONDS)
            except (SMTPException, OSError, TimeoutError):
                client.close()
            else:
                return client
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            # A login must not go out in clear: who could strip STARTTLS from the greeting would have it.
            start_tls=True if server.username is not None and not server.tls else None,
            username=server.username,
            password=server.password,
            timeout=self._attempt_seconds,
            # The default looks the name up in DNS, which may take seconds where there is none.
            local_hostname=socket.gethostname() or "localhost",
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client

    async def _reset(self, client: SMTP) -> None:
        """Make a connection that was refused something ready for the next mail."""
        try:
            await client.rset(timeout=NOOP_PATIENCE_SECONDS)
        except (SMTPException, OSError, TimeoutError):
            client.close()
        else:
            self._keep(client)

    def _keep(self, client: SMTP) -> None:
        if self._closing:
            client.close()
        else:
            self._idle.append((time.monotonic(), client))


def _refused(code: int, stage: _Stage) -> Result:
    if code == SERVICE_CLOSING or stage < _Stage.RECIPIENT or (stage is _Stage.RECIPIENT and code in ABOUT_US):
        return Result.AWAY
    return Result.PERMANENT if code >= FIRST_PERMANENT else Result.TEMPORARY


def _lost(stage: _Stage) -> Result:
    match stage:
        case _Stage.CONNECTING | _Stage.SENDER:
            return Result.AWAY
        case _Stage.RECIPIENT:
            # Some providers ask the recipient's host before they answer: that one may hang, and others must not wait for it.
            return Result.TEMPORARY
        case _Stage.HANDED_OVER:
            return Result.UNKNOWN


def _what_happened(trouble: BaseException, stage: _Stage) -> str:
    where = {
        _Stage.CONNECTING: "connecting",
        _Stage.SENDER: "naming the sender",
        _Stage.RECIPIENT: "naming the recipient",
        _Stage.HANDED_OVER: "after the mail was handed over",
    }[stage]
    if isinstance(trouble, SMTPServerDisconnected):
        what = "connection lost"
    elif isinstance(trouble, TimeoutError | SMTPTimeoutError):
        what = "no answer in time"
    else:
        what = str(trouble) or type(trouble).__name__
    return f"{what} ({where})"


def _line(text: str) -> str:
    """Put a provider's answer in one line without addresses: many repeat the recipient's, and the line is logged."""
    return _ADDRESS.sub("(address)", " ".join(text.split()))[:LONGEST_DETAIL_CHARS]
