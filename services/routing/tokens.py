"""A complaint's text as its words, which the classifier and the rules of a policy both start from. Pure and total."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from services.routing.invisible import INVISIBLE

MOST: Final = 4_000
"""The classifier reads only so many characters of a text: a complaint has said what it is about before that, and the time stays
bounded."""
MOST_WORDS: Final = 400
"""As `MOST`, for words."""
SIGNS: Final = ".,!?;"
"""What ends a clause: each is a token of its own."""

_TRIPLED: Final = re.compile(r"([^\W\d_])\1\1+")
_TRIPLED_PLAIN: Final = re.compile(r"([a-z])\1\1+")
_TOKEN: Final = re.compile(r"[^\W_]+|[.,!?;\n]")
_WORD: Final = re.compile(r"[^\W_]+")
_QUOTES: Final = {ord(sign): None for sign in "'\u2018\u2019\u02bc`"}


def _parting(kept: str) -> bytes:
    """A table that makes a space of each plain character that is no letter, no digit and not `kept`.

    Translating bytes and splitting is quicker than an expression.
    """
    return bytes(code if code < 128 and (chr(code).isalnum() or chr(code) in kept) else ord(" ") for code in range(256))  # noqa: PLR2004 - ASCII


_PARTS: Final = _parting("")
_PARTS_BUT_SIGNS: Final = _parting(SIGNS)


def tokens_of(text: str, *, stretched: bool = True) -> list[str]:
    """The words of a text and the signs that end a clause, in small letters, stretched letters once.

    `stretched`: whether it may have such; False where whoever asks has looked (`may_be_stretched`).
    """
    if len(text) > MOST:
        text = text[:MOST]
    if text.isascii():
        text = (_lowered(text) if stretched else text.lower()).encode().translate(_PARTS_BUT_SIGNS, b"'").decode()
        for sign in SIGNS:
            if sign in text:
                text = text.replace(sign, f" {sign} ")
        found = text.split()
    else:
        # Decomposed first, so that a mark goes whether it was written into its letter or after it.
        text = INVISIBLE.sub("", unicodedata.normalize("NFKD", text)[:MOST].translate(_QUOTES))
        text = _TRIPLED.sub(r"\1", unicodedata.normalize("NFKC", text).casefold())
        found = _TOKEN.findall(text)
    return found if len(found) <= MOST_WORDS else found[:MOST_WORDS]


def words_of(text: str) -> list[str]:
    """The words of a whole text: small letters, compatible forms made one (NFKC), without marks, stretched letters once."""
    if text.isascii():
        return _lowered(text).encode().translate(_PARTS).decode().split()
    # Decomposed first, so that a mark goes whether it was written into its letter or after it.
    text = INVISIBLE.sub("", unicodedata.normalize("NFKD", text))
    text = _TRIPLED.sub(r"\1", unicodedata.normalize("NFKC", text).casefold())
    return _WORD.findall(text)


def are_words_and_signs(tokens: list[str], text: str) -> bool:
    """Whether the `tokens_of` a text are its `words_of` with signs among them: so it is with most, of which one reading will do."""
    return len(tokens) < MOST_WORDS and len(text) <= MOST and text.isascii() and "'" not in text


def _lowered(text: str) -> str:
    """Plain text in small letters, stretched letters once."""
    text = text.lower()
    return _TRIPLED_PLAIN.sub(r"\1", text) if _has_tripled(text.encode()) else text


def may_be_stretched(text: str) -> bool:
    """Whether a letter stands three times in a row in a text, whatever its case, or other signs than plain ones may hide that."""
    return not text.isascii() or _has_tripled(text.lower().encode())


def _has_tripled(raw: bytes) -> bool:
    """Whether a character stands three times in a row: then each is as the one before it, twice running.

    All are compared at once, as one great number, which is quicker than an expression with a back reference.
    """
    number = int.from_bytes(raw, "big")
    return b"\0\0" in (number ^ (number >> 8)).to_bytes(len(raw), "big")
