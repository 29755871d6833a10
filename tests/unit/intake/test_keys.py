"""Keys are random, and what is kept of them does not give them away."""

from hashlib import sha256

from services.intake.keys import generate, hashed


def test_a_key_is_marked_and_holds_256_random_bits():
    key = generate()

    assert key.secret.startswith("tgp_")
    assert len(key.secret) == 4 + 43
    assert key.secret[4:].isalnum()
    assert key.secret[4:].isascii()


def test_no_two_keys_are_alike():
    assert len({generate().secret for _ in range(1000)}) == 1000


def test_only_the_public_beginning_and_the_hash_are_kept():
    key = generate()

    assert key.prefix == key.secret[:12]
    assert key.hash == sha256(key.secret.encode()).digest()


def test_what_is_no_text_has_a_hash_too():
    assert len(hashed("tgp_\udcff")) == 32
