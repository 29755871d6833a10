"""Mails in a SQLite file: committed before the sender is told that they were taken, so that a kill loses none."""

import email
import html
import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any

_TABLE = """
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    links TEXT NOT NULL,
    raw BLOB NOT NULL
)
"""
_COLUMNS = "id, received_at, message_id, sender, recipients, subject, text, html, links"
_HREF = re.compile(r"""<a\s[^>]*?href\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_BARE = re.compile(r"https?://[^\s<>\"')\]]+")
_END_OF_SENTENCE = ".,;:!?"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it came. `to`: the envelope's recipients; `links`: every address in it, in order, each once."""

    id: int
    received_at: str  # ISO 8601, UTC
    message_id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    links: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what `/messages.json` tells of it."""
        facts = asdict(self)
        facts["from"] = facts.pop("sender")
        return facts


class Store:
    """All mails, in `folder`/mails.sqlite. One process writes; closing is not needed for safety, only for tidiness."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "mails.sqlite", isolation_level=None)
        # A commit in the write-ahead log outlives the process at once, the machine's power after the next checkpoint.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_TABLE)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(self, sender: str, recipients: Sequence[str], content: bytes, received_at: datetime) -> int:
        """Keep a mail and return its number; it is safe once this returns."""
        # The plain old parser: the modern policies cost ten times as much, and a sink needs two headers only.
        message = email.message_from_bytes(content)
        text, markup = _part(message, "text/plain"), _part(message, "text/html")
        row = self._database.execute(
            "INSERT INTO mails (received_at, message_id, sender, recipients, subject, text, html, links, raw)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                received_at.astimezone(UTC).isoformat(),
                _header(message, "Message-ID"),
                sender,
                json.dumps(list(recipients)),
                _header(message, "Subject"),
                text,
                markup,
                json.dumps(links(text, markup)),
                content,
            ),
        ).fetchone()
        return int(row[0])

    def find(
        self, *, to: str = "", words: str = "", since: datetime | None = None, after: int = 0, limit: int = 5000
    ) -> list[Mail]:
        """Return mails, the oldest first: to an address, with words in subject or text, since then, numbered above `after`."""
        moment = since.astimezone(UTC).isoformat() if since else ""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM mails WHERE id > ? AND received_at >= ?"  # noqa: S608 - our own column names
            " AND (? = '' OR EXISTS (SELECT 1 FROM json_each(recipients) WHERE lower(value) = lower(?)))"
            " AND (? = '' OR instr(lower(subject || ' ' || text), lower(?)))"
            " ORDER BY id LIMIT ?",
            (after, moment, to, to, words, words, limit),
        )
        return [_mail(row) for row in rows]

    def newest(self, *, words: str = "", before: int | None = None, limit: int = 50) -> tuple[int, list[Mail]]:
        """Return how many mails have these words in recipient or subject, and the newest of them with a number below `before`."""
        condition = "(? = '' OR instr(lower(subject || ' ' || recipients), lower(?)))"
        (count,) = self._database.execute(f"SELECT count(*) FROM mails WHERE {condition}", (words, words)).fetchone()  # noqa: S608
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM mails WHERE {condition} AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",  # noqa: S608
            (words, words, before, before, limit),
        )
        return int(count), [_mail(row) for row in rows]

    def get(self, number: int) -> Mail | None:
        """Return one mail, or none."""
        row = self._database.execute(f"SELECT {_COLUMNS} FROM mails WHERE id = ?", (number,)).fetchone()  # noqa: S608
        return _mail(row) if row else None

    def raw(self, number: int) -> bytes | None:
        """Return a mail's own bytes, or none."""
        row = self._database.execute("SELECT raw FROM mails WHERE id = ?", (number,)).fetchone()
        return bytes(row[0]) if row else None


def links(text: str, markup: str) -> list[str]:
    """Return every http address in a mail's parts, in order, each once."""
    found = [html.unescape(link) for link in _HREF.findall(markup)] + [
        link.rstrip(_END_OF_SENTENCE) for link in _BARE.findall(text)
    ]
    return list(dict.fromkeys(link for link in found if link.startswith(("http://", "https://"))))


def _part(message: Message, kind: str) -> str:
    """Return the first part of this kind that isn't an attachment."""
    for part in message.walk():
        if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
            payload = part.get_payload(decode=True)
            body = payload if isinstance(payload, bytes) else str(payload).encode()
            try:
                return body.decode(part.get_content_charset("utf-8"), "replace")
            except LookupError:  # a charset that nobody knows: a sink takes what comes
                return body.decode("utf-8", "replace")
    return ""


def _header(message: Message, name: str) -> str:
    value = message.get(name, "")
    try:
        return " ".join(str(make_header(decode_header(value))).split())
    except (LookupError, UnicodeError, HeaderParseError):
        return str(value)


def _mail(row: tuple[Any, ...]) -> Mail:
    number, received_at, message_id, sender, recipients, subject, text, markup, found = row
    to = tuple(json.loads(recipients))
    return Mail(number, received_at, message_id, sender, to, subject, text, markup, tuple(json.loads(found)))
