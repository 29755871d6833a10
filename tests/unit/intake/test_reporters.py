"""A reporter's contact can be read with its own key and the master key, and with nothing else."""

import base64
from dataclasses import replace
from uuid import uuid4

import pytest

from services.intake.reporters import Unreadable, Vault, master_key
from services.intake.submission import Reporter

MASTER = bytes(range(32))
CONTACT = Reporter(name="Siti Nurbaya 🌷", phone="+62 812 3456", email="siti@warga.example")


def test_what_was_sealed_can_be_opened():
    vault, complaint_id = Vault(MASTER), uuid4()
    assert vault.open(complaint_id, vault.seal(complaint_id, CONTACT)) == CONTACT


def test_a_partial_contact_comes_back_as_it_was():
    vault, complaint_id = Vault(MASTER), uuid4()
    contact = Reporter(phone="0812345")
    assert vault.open(complaint_id, vault.seal(complaint_id, contact)) == contact


def test_the_sealed_contact_shows_nothing():
    sealed = Vault(MASTER).seal(uuid4(), CONTACT)
    assert b"Siti" not in sealed.contact
    assert b"812 3456" not in sealed.contact


def test_each_contact_has_a_key_and_a_nonce_of_its_own():
    vault, complaint_id = Vault(MASTER), uuid4()
    one, other = vault.seal(complaint_id, CONTACT), vault.seal(complaint_id, CONTACT)

    assert one.wrapped_key != other.wrapped_key
    assert one.contact[:12] != other.contact[:12]
    with pytest.raises(Unreadable):
        vault.open(complaint_id, replace(one, wrapped_key=other.wrapped_key))


def test_a_contact_can_not_be_moved_to_another_complaint():
    vault = Vault(MASTER)
    with pytest.raises(Unreadable):
        vault.open(uuid4(), vault.seal(uuid4(), CONTACT))


@pytest.mark.parametrize("place", [0, 12, -1])
def test_a_contact_that_was_tampered_with_is_not_opened(place: int):
    vault, complaint_id = Vault(MASTER), uuid4()
    sealed = vault.seal(complaint_id, CONTACT)
    changed = bytearray(sealed.contact)
    changed[place] ^= 1
    with pytest.raises(Unreadable):
        vault.open(complaint_id, replace(sealed, contact=bytes(changed)))


def test_another_master_key_opens_nothing_and_is_told_apart():
    complaint_id = uuid4()
    sealed = Vault(MASTER).seal(complaint_id, CONTACT)
    with pytest.raises(Unreadable, match="master key"):
        Vault(bytes(32)).open(complaint_id, sealed)


@pytest.mark.parametrize(
    ("text", "words"), [("@@@", "base64"), ("", "0 bytes"), (base64.b64encode(b"short").decode(), "5 bytes, not 32")]
)
def test_a_bad_master_key_is_named_without_being_shown(text: str, words: str):
    with pytest.raises(ValueError, match=words) as caught:
        master_key(text)
    assert not text or text not in str(caught.value)
