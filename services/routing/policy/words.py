"""The words of a complaint as a rule of the policy may ask for them: without case, marks and the sloppiness of phones. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from services.routing.invisible import INVISIBLE

_TRIPLED: Final = re.compile(r"([^\W\d_])\1\1+")
_TRIPLED_PLAIN: Final = re.compile(r"([a-z])\1\1+")
_WORD: Final = re.compile(r"[^\W_]+")

ENDING: Final = "nya"
"""Indonesian's the/its/their: apinya is asked for as api."""
_SHORTEST_STEM: Final = 3
"""The ending is taken off where so many letters are left: not from hanya or punya."""

# What parts words in plain text; translating and splitting takes a third of the time that an expression does.
_PARTS: Final = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})


def phrase_of(text: str) -> str:
    """The words of a text in a row: small letters, compatible forms made one (NFKC), without marks, stretched letters once, no -nya."""
    return " ".join(map(_stem, _tokens(text)))


class Said:
    """A complaint's text, of which rules ask words. It is taken apart when the first does, since for most complaints none does."""

    __slots__ = ("_phrase", "_tokens", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self._tokens: list[str] | None = None
        self._phrase: str | None = None

    @property
    def tokens(self) -> list[str]:
        """Its words as they stand in it, with their endings."""
        if self._tokens is None:
            self._tokens = _tokens(self.text)
        return self._tokens

    @property
    def phrase(self) -> str:
        """All its words in a row, without endings, a space at either end."""
        if self._phrase is None:
            self._phrase = f" {' '.join(map(_stem, self.tokens))} "
        return self._phrase


class Wanted:
    """Words of a rule, of which a text must have one; a phrase counts where all its words stand in a row."""

    __slots__ = ("_first", "_phrases", "_single", "phrases")

    def __init__(self, phrases: Iterable[str]) -> None:
        self.phrases: Final = frozenset(phrases)
        self._single: Final = _with_ending(phrase for phrase in self.phrases if " " not in phrase)
        self._phrases: Final = tuple(f" {phrase} " for phrase in sorted(self.phrases) if " " in phrase)
        self._first: Final = _with_ending(phrase.split()[0] for phrase in self._phrases)

    def in_(self, said: Said) -> bool:
        """Whether the text has one of them."""
        tokens = said.tokens
        if not self._single.isdisjoint(tokens):
            return True
        return not self._first.isdisjoint(tokens) and any(phrase in said.phrase for phrase in self._phrases)

    def found(self, said: Said) -> list[str]:
        """Those that the text has."""
        return [phrase for phrase in sorted(self.phrases) if f" {phrase} " in said.phrase]


def _tokens(text: str) -> list[str]:
    if text.isascii():
        text = text.lower()
        if _TRIPLED_PLAIN.search(text):
            text = _TRIPLED_PLAIN.sub(r"\1", text)
        return text.translate(_PARTS).split()
    # Decomposed first, so that a mark goes whether it was written into its letter or after it.
    text = INVISIBLE.sub("", unicodedata.normalize("NFKD", text))
    text = _TRIPLED.sub(r"\1", unicodedata.normalize("NFKC", text).casefold())
    return _WORD.findall(text)


def _stem(word: str) -> str:
    return word[: -len(ENDING)] if word.endswith(ENDING) and len(word) >= _SHORTEST_STEM + len(ENDING) else word


def _with_ending(words: Iterable[str]) -> frozenset[str]:
    """These words, and each with the ending where it would be taken off: so that a text's words need not be stemmed one by one."""
    found = set(words)
    return frozenset(found | {word + ENDING for word in found if len(word) >= _SHORTEST_STEM})
