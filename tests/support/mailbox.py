"""A mail provider for tests: a real SMTP server in the test's own loop, which can be told to refuse, to hang and to drop."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Mail:
    """One mail as it came in."""

    sender: str
    recipient: str
    message: EmailMessage

    @property
    def text(self) -> str:
        return self.message.get_body(("plain",)).get_content()

    @property
    def html(self) -> str:
        return self.message.get_body(("html",)).get_content()

    @property
    def link(self) -> str:
        """The path of the one link to the page."""
        found = {word[word.index("/c/") :] for word in self.text.split() if "/c/" in word}
        assert len(found) == 1, f"one link was expected, not {found}"
        return found.pop()


Answer = Callable[[str], str | None]
"""From a recipient to the reply that refuses it; null takes the mail."""


@dataclass
class Mailbox:
    """What the provider took, and how it behaves: `refuse_sender` answers MAIL, `refuse` RCPT, `refuse_body` the mail."""

    mails: list[Mail] = field(default_factory=list)
    refuse: Answer = lambda _recipient: None
    refuse_sender: Answer = lambda _sender: None
    refuse_body: Answer = lambda _recipient: None
    hang: set[str] = field(default_factory=set)
    drop_after_body: int = 0
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _transports: set[asyncio.BaseTransport] = field(default_factory=set)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Protocol(self), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Go away, connections and all; `start` comes back on the same port."""
        self.released.set()
        assert self._server is not None
        self._server.close()
        for transport in list(self._transports):
            transport.abort()
        await self._server.wait_closed()

    async def wait_for(self, count: int, seconds: float = 20) -> list[Mail]:
        """The mails, once there are so many."""
        async with asyncio.timeout(seconds):
            while len(self.mails) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.mails

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if "EHLO" in self.hang:
            await self.released.wait()
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (refusal := self.refuse_sender(address)) is not None:
            return refusal
        envelope.mail_from = address
        return "250 OK"

    def drop_connections(self) -> None:
        """Close what is open, as providers do with idle connections."""
        for transport in list(self._transports):
            transport.close()

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if address in self.hang:
            await self.released.wait()
        if (refusal := self.refuse(address)) is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        if (refusal := self.refuse_body(recipient)) is not None:
            return refusal
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(Mail(envelope.mail_from, recipient, message))
        self._arrived.set()
        if self.drop_after_body:
            self.drop_after_body -= 1
            server.transport.abort()
        return "250 taken"


class _Protocol(SMTP):
    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox, hostname="sink.example", ident="sink", loop=asyncio.get_running_loop())
        self.mailbox = mailbox

    def connection_made(self, transport):
        super().connection_made(transport)
        self.mailbox._transports.add(transport)
        self.mailbox.connections += 1
        self.mailbox.open_now += 1
        self.mailbox.most_open = max(self.mailbox.most_open, self.mailbox.open_now)

    def connection_lost(self, error):
        self.mailbox.open_now -= 1
        super().connection_lost(error)


@asynccontextmanager
async def open_mailbox() -> AsyncIterator[Mailbox]:
    """A provider that takes everything, until told otherwise."""
    mailbox = Mailbox()
    await mailbox.start()
    try:
        yield mailbox
    finally:
        await mailbox.stop()
