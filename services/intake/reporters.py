"""The reporter's contact: sealed on receipt, in this service's schema only, readable until it is erased.

Each contact is sealed with a random key of its own (AES-256-GCM, the complaint's id as associated data, so that a sealed
contact can't be moved to another complaint). That key is wrapped by the master key (AES key wrap, RFC 3394) and stands in a
table of its own: deleting its row erases the person, wherever copies of the sealed contact may be.

`wrapped_by` names the master key by a piece of its hash, so that a wrong one is told apart from a broken row.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from services.intake.queries import QUERIES
from services.intake.submission import Reporter
from tanggap.platform.database import Connection

KEY_BYTES = 32
_NONCE_BYTES = 12


class Unreadable(Exception):  # noqa: N818 - what the contact is
    """The contact can't be opened: it was erased, sealed under another master key, or tampered with."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A contact as it is stored. `contact`: nonce and ciphertext; `wrapped_key` goes to its own table."""

    contact: bytes
    wrapped_key: bytes
    wrapped_by: str


def master_key(text: str) -> bytes:
    """The 32 bytes of a master key written in base64. Raises `ValueError` saying what is wrong, never the key."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"holds {len(key)} bytes, not {KEY_BYTES}")
    return key


class Vault:
    """Seals and opens contacts under one master key. `random(n)` gives n random bytes."""

    def __init__(self, master: bytes, *, random: Callable[[int], bytes] = os.urandom) -> None:
        self._master = master
        self._random = random
        self._name = sha256(master).hexdigest()[:16]

    def seal(self, complaint_id: UUID, contact: Reporter) -> Sealed:
        """Seal `contact` for this complaint and no other."""
        key, nonce = self._random(KEY_BYTES), self._random(_NONCE_BYTES)
        ciphertext = AESGCM(key).encrypt(nonce, contact.model_dump_json(exclude_none=True).encode(), complaint_id.bytes)
        return Sealed(nonce + ciphertext, aes_key_wrap(self._master, key), self._name)

    def open(self, complaint_id: UUID, sealed: Sealed) -> Reporter:
        """What `seal` sealed. Raises `Unreadable`."""
        if sealed.wrapped_by != self._name:
            raise Unreadable(f"sealed under the master key {sealed.wrapped_by}, not {self._name}")
        try:
            key = aes_key_unwrap(self._master, sealed.wrapped_key)
            nonce, ciphertext = sealed.contact[:_NONCE_BYTES], sealed.contact[_NONCE_BYTES:]
            said = AESGCM(key).decrypt(nonce, ciphertext, complaint_id.bytes)
        except (InvalidUnwrap, InvalidTag):
            raise Unreadable("the key or the contact was changed") from None
        # Not validated again: rules may have become stricter since, and an error would show what it refuses.
        return Reporter.model_construct(**json.loads(said))


async def contact_of(connection: Connection, vault: Vault, complaint_id: UUID) -> Reporter | None:
    """The reporter's contact; `None` where none was given. Raises `Unreadable`, also when it was erased."""
    row = await QUERIES.sealed_contact(connection, complaint_id=complaint_id)
    if row is None:
        return None
    if row["contact"] is None or row["wrapped_key"] is None:
        raise Unreadable("erased")
    return vault.open(complaint_id, Sealed(row["contact"], row["wrapped_key"], row["wrapped_by"]))


async def erase(connection: Connection, complaint_id: UUID, now: datetime) -> bool:
    """Erase the reporter of a complaint for good. False: there was none, or they were erased before."""
    return bool(await QUERIES.erase_contact(connection, complaint_id=complaint_id, erased_at=now))
