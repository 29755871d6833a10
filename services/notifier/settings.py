"""What the notifier must be told."""

from __future__ import annotations

from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated, ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr

from services.notifier.smtp import Server
from tanggap.platform.settings import ServiceSettings

SHORTEST_SECRET_CHARS = 32


def _smtp_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError("must begin with smtp:// or smtps://")
    if not parts.hostname:
        raise ValueError("names no host")
    try:
        parts.port  # noqa: B018 - asking for it checks it
    except ValueError:
        raise ValueError("has a port that is no number") from None
    return value


def _mailbox(value: str) -> str:
    _, address = parseaddr(value)
    if address.count("@") != 1 or not all(address.split("@")):
        raise ValueError("is no mail address")
    return value


def _secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SHORTEST_SECRET_CHARS:
        raise ValueError(f"is shorter than {SHORTEST_SECRET_CHARS} characters: whoever guesses it can answer for any official")
    return value


class Settings(ServiceSettings):
    """The notifier's environment."""

    service: ClassVar[str] = "notifier"

    notifier_smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] = Field(examples=["smtp://localhost:1025"])
    """`smtp://host:port`; STARTTLS where the server offers it; with `user:password@` it must. `smtps://` is TLS from the first byte."""
    notifier_mail_from: Annotated[str, AfterValidator(_mailbox)] = Field(examples=["Tanggap Jakarta <tanggap@jakarta.example>"])
    notifier_link_secret: Annotated[SecretStr, AfterValidator(_secret)] = Field(examples=["(output of: openssl rand -hex 32)"])
    notifier_link_days: int = Field(45, ge=1, le=366)
    """How long the link in an alert opens the complaint. The longest usual clock is 7 days; a reopened complaint lives longer."""
    notifier_lease_seconds: float = Field(60.0, ge=1, le=3600)
    """How long an alert that is being sent is left to the process that took it. After that another sends it."""
    notifier_connections: int = Field(8, ge=1, le=64)
    """Connections to the provider, so the most alerts on their way at once."""
    notifier_attempt_seconds: float = Field(20.0, gt=0)
    """Longest that one attempt may take; held below the lease in any case."""

    @property
    def attempt_seconds(self) -> float:
        """Longest that one attempt may take. Well below the lease: nobody else may send what is still being sent here."""
        return min(self.notifier_attempt_seconds, self.notifier_lease_seconds * 0.6)

    @property
    def sender(self) -> Address:
        """Who the mails come from."""
        name, address = parseaddr(self.notifier_mail_from)
        return Address(display_name=name, addr_spec=address)

    @property
    def smtp(self) -> Server:
        """The provider."""
        parts = urlsplit(self.notifier_smtp_url.get_secret_value())
        return Server(
            host=parts.hostname or "localhost",
            port=parts.port or (465 if parts.scheme == "smtps" else 25),
            tls=parts.scheme == "smtps",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )
