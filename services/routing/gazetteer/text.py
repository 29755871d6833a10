"""A text as the gazetteer reads it: its words and what parts them. Total: every text has an answer, in bounded time."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from services.routing.invisible import INVISIBLE
from services.routing.tokens import may_be_stretched

MOST: Final = 4_000
"""Only so many characters of a text are read: whoever says where it is says so before that, and the time stays bounded."""

SEPARATORS: Final = frozenset(",;:()!?\n/|-–—.")
"""What parts two places. `words` gives a `.`, `-`, `–` or `—` only where it parts something, so none of them is part of a name."""

DASHES: Final = frozenset("-–—")

# A word is letters and digits of any script. A full stop parts where it ends a sentence: after a word of five letters or more,
# since shorter ones are abbreviated ("Kec. Kb. Jeruk"). A dash parts where it stands free ("Tebet - Jakarta Selatan").
# What is before a full stop or a dash is asked for after it was found: asked for first, it would be at every letter.
_WORDS: Final = re.compile(r"[^\W_]+|[,;:()!?\n/|]|\.(?<=[^\W\d_]{5}\.)(?=\s)|[-–—](?<=\s[-–—])(?=\s)")
_STRETCHED: Final = re.compile(r"(?!\bIII\b)([^\W\d_])\1\1+", re.IGNORECASE)  # "Jl. Tebet Barat III" is another than I
_SIGNS: Final = re.compile(r"[^\w\s\x00-\x7f–—]")
"""What of other characters than plain ones is neither word nor space nor dash, as most of them are that are read: 😭, ’."""
_A_SIGN: Final = "*"

_KEPT: Final = ".:\n-"
"""Separators that are read by themselves; for any other one a comma will do."""
_NO_SPACE: Final = "\t"
"""What becomes of a sign that parts words and no places: a full stop or a dash beside it does not stand free."""


def _parting(*, lower: bool) -> bytes:
    """A table that leaves of plain text its words, its separators and spaces; in small letters, where `lower`."""
    table = bytearray(_NO_SPACE * 256, "ascii")
    for code, sign in enumerate(map(chr, range(128))):
        if sign.isalnum():
            table[code] = ord(sign.lower() if lower else sign)
        elif sign in _KEPT:
            table[code] = code
        elif sign in SEPARATORS:
            table[code] = ord(",")
        elif sign.isspace():
            table[code] = ord(" ")
    return bytes(table)


_AS_WRITTEN: Final = _parting(lower=False)
_LOWERED: Final = _parting(lower=True)


def words(text: str, *, stretched: bool = True) -> list[str]:
    """The words of a text and its separators, in order, as they are written, but for stretched letters: they are written once.

    Only a colon, a line break and a dash are sure to be given as they are: for any other separator a comma may stand.
    `stretched`: whether it may have such; False where whoever asks has looked (`may_be_stretched`).
    """
    return _words(text, stretched, _AS_WRITTEN)


def small_words(text: str, *, stretched: bool = True) -> list[str]:
    """The same in small letters: what stands there as a word stands at the same place in `words`."""
    return _words(text, stretched, _LOWERED)


def _words(text: str, stretched: bool, table: bytes) -> list[str]:  # noqa: FBT001 - quicker
    """The words by translating and splitting, which is quicker than the expression; a line break or a free dash is left to that."""
    if len(text) > MOST:
        text = text[:MOST]
    if not text.isascii():
        text, stretched = _SIGNS.sub(_A_SIGN, INVISIBLE.sub("", unicodedata.normalize("NFKD", text))[:MOST]), True
        if not text.isascii():
            found: list[str] = _WORDS.findall(_STRETCHED.sub(r"\1", text))
            return found if table is _AS_WRITTEN else list(map(str.lower, found))
    if stretched and may_be_stretched(text):
        text = _STRETCHED.sub(r"\1", text)
    parted = text.encode().translate(table).decode()
    if "\n" in parted or " - " in parted:
        return _WORDS.findall(text if table is _AS_WRITTEN else text.lower())
    at = parted.find(". ")
    while at >= 0:
        if at > 4 and parted[at - 5 : at].isalpha():  # noqa: PLR2004 - five letters
            parted = f"{parted[:at]},{parted[at + 1 :]}"
        at = parted.find(". ", at + 1)
    if ":" in parted:
        parted = parted.replace(":", " : ")
    return parted.replace(",", " , ").replace(".", " ").replace("-", " ").split()


@lru_cache(maxsize=4096)
def squash(name: str) -> str:
    """A name without spaces, signs and capitals: Kramat Jati and Kramatjati are one. Kept, since names share their words."""
    return "".join(word.lower() for word in words(name) if word not in SEPARATORS)
