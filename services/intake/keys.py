"""Keys of upstream apps: `tgp_` and 43 random letters and digits (256 bits), shown once.

Kept is only the SHA-256 of the whole key; with 256 random bits there is nothing to guess, so a slow hash would only slow each
request. The first twelve characters are public: they name the key in lists and find it in the table.
"""

from __future__ import annotations

import asyncio
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

from services.intake.queries import QUERIES
from tanggap.platform.database import Database

MARK = "tgp_"
PREFIX_CHARACTERS = 12
"""`tgp_` and eight more: public."""

MAX_AGE_SECONDS = 3.0
"""How long a revoked key may go on working."""

_ALPHABET = string.ascii_letters + string.digits
_RANDOM_CHARACTERS = 43  # 43 * log2(62) = 256 bits


@dataclass(frozen=True, slots=True)
class Key:
    """A new key. `secret` is for its app only and is kept nowhere."""

    secret: str
    prefix: str
    hash: bytes


def generate() -> Key:
    """A key that nobody has."""
    secret = MARK + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return Key(secret, secret[:PREFIX_CHARACTERS], hashed(secret))


def hashed(secret: str) -> bytes:
    """What is kept of a key."""
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


class Unknown(Exception):  # noqa: N818 - an answer to "whose key is this", not a fault of ours
    """No key, or one that nobody was given."""


class Revoked(Exception):  # noqa: N818 - as above
    """The key was good once."""


@dataclass(frozen=True, slots=True)
class _Known:
    app: str
    hash: bytes
    revoked: bool


class Keyring:
    """All keys, read again when older than `MAX_AGE_SECONDS`, so that a request asks the database nothing about its key.

    A city has tens of apps. A key that isn't known is looked for once more in a reading begun after it came, since it may be
    new; such readings are one at a time, so a flood of made-up keys costs one small query at a time.
    """

    def __init__(self, database: Database, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._seconds = seconds
        self._keys: dict[str, _Known] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def app_of(self, secret: str) -> str:
        """The app that was given this key.

        Raises `Unknown` or `Revoked`, or the database's trouble.
        """
        asked_at = self._seconds()
        if asked_at - self._read_at > MAX_AGE_SECONDS:
            await self._read(newer_than=asked_at - MAX_AGE_SECONDS)
        prefix, digest = secret[:PREFIX_CHARACTERS], hashed(secret)
        known = self._keys.get(prefix)
        if known is None and secret.startswith(MARK):
            await self._read(newer_than=asked_at)
            known = self._keys.get(prefix)
        if known is None or not compare_digest(known.hash, digest):
            raise Unknown
        if known.revoked:
            raise Revoked
        return known.app

    async def _read(self, *, newer_than: float) -> None:
        async with self._reading:
            if self._read_at > newer_than:
                return
            begun = self._seconds()
            async with self._database.connection() as connection:
                rows = [row async for row in QUERIES.list_keys(connection)]
            self._keys = {row["prefix"]: _Known(row["app"], row["hash"], row["revoked_at"] is not None) for row in rows}
            self._read_at = begun
