"""The SMTP side of the sink, which can also play a mail server that is in trouble."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from stack.mail.store import Mail, Store
from stack.ports import LOCALHOST

_HANG_SECONDS = 3600
_SIZE_LIMIT_BYTES = 32 * 1024 * 1024


class Fault(StrEnum):
    """How a mail server may fail. `hang` keeps the sender waiting for its answer; `lose_answer` takes the mail and hangs up."""

    NONE = "none"
    DEFER = "defer"  # 451: try again later
    REFUSE = "refuse"  # 550: no such mailbox
    HANG = "hang"
    LOSE_ANSWER = "lose_answer"


class MailSink:
    """An SMTP server on 127.0.0.1 that keeps every mail in `folder`; set `fault` at any time to make it fail.

    `async with MailSink(folder) as sink:` listens on `sink.port`; `sink.messages()` are the mails taken. With `choose_fault`
    each mail's fault may depend on its recipient.
    """

    def __init__(self, folder: Path, *, port: int = 0, fault: Fault = Fault.NONE) -> None:
        self.store = Store(folder)
        self.port = port
        self.fault = fault
        self.choose_fault: Callable[[str], Fault] | None = None
        self.attempts = 0  # mails offered, taken or not
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Return the address to send to."""
        return f"smtp://{LOCALHOST}:{self.port}"

    def messages(self, to: str = "") -> list[Mail]:
        """Return the mails taken, the oldest first; to one address if given."""
        return self.store.find(to=to)

    async def start(self) -> None:
        """Listen; port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, LOCALHOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and close the store; a sender in the midst of a mail gets no answer and must send again."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self.store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    def _session(self) -> SMTP:
        return SMTP(self, hostname="tanggap.mail.sink", enable_SMTPUTF8=True, data_size_limit=_SIZE_LIMIT_BYTES, timeout=300)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd calls it so
        """Take a mail, or fail as the fault says; the answer 250 goes out only when it is kept."""
        self.attempts += 1
        recipient = envelope.rcpt_tos[0]
        match self.choose_fault(recipient) if self.choose_fault else self.fault:
            case Fault.DEFER:
                return "451 4.3.2 The sink was told to be in trouble; try again later"
            case Fault.REFUSE:
                return "550 5.1.1 The sink was told that this mailbox does not exist"
            case Fault.HANG:
                await asyncio.sleep(_HANG_SECONDS)
                return "451 4.3.2 The sink was told to hang"
            case Fault.LOSE_ANSWER:
                self._keep(envelope)
                if isinstance(server.transport, asyncio.WriteTransport):
                    server.transport.abort()
                return "421 4.3.0 The line is cut"
            case Fault.NONE:
                try:
                    number = self._keep(envelope)
                except sqlite3.OperationalError as trouble:  # a full disk: any other answer than 4xx would lose the mail for good
                    return f"452 4.3.1 Can't be kept at the moment: {trouble}"
                return f"250 2.0.0 Kept as {number}"

    def _keep(self, envelope: Envelope) -> int:
        content = envelope.content
        body = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content or b""
        return self.store.add(envelope.mail_from or "", envelope.rcpt_tos, body, datetime.now(UTC))
