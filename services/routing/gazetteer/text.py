"""A text as the gazetteer reads it: its words and what parts them. Total: every text has an answer, in bounded time."""

from __future__ import annotations

import re
import unicodedata
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
_WORDS: Final = re.compile(r"[^\W_]+|[,;:()!?\n/|]|\.(?<=[^\W\d_]{5}\.)(?=\s|$)|[-–—](?<=\s[-–—])(?=\s)")
_WORDS_PLAIN: Final = re.compile(r"[a-zA-Z0-9]+|[,;:()!?\n/|]|\.(?<=[a-zA-Z]{5}\.)(?=\s|$)|-(?<=\s-)(?=\s)")
"""The same in plain text, quicker."""
_STRETCHED: Final = re.compile(r"(?!\bIII\b)([^\W\d_])\1\1+", re.IGNORECASE)  # "Jl. Tebet Barat III" is another than I


def words(text: str, *, stretched: bool = True) -> list[str]:
    """The words of a text and its separators, in order, as they are written, but for stretched letters: they are written once.

    `stretched`: whether it may have such; False where whoever asks has looked (`may_be_stretched`).
    """
    if len(text) > MOST:
        text = text[:MOST]
    if not text.isascii():
        text = INVISIBLE.sub("", unicodedata.normalize("NFKD", text))[:MOST]
        found: list[str] = _WORDS.findall(_STRETCHED.sub(r"\1", text))
    else:
        if stretched and may_be_stretched(text):
            text = _STRETCHED.sub(r"\1", text)
        found = _WORDS_PLAIN.findall(text)
    return found


def squash(name: str) -> str:
    """A name without spaces, signs and capitals: Kramat Jati and Kramatjati are one."""
    return "".join(word.lower() for word in words(name) if word not in SEPARATORS)
