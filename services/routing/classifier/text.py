"""A complaint's text as the classifier reads it: its words brought to one spelling each, and the pairs that they make. Pure and total.

A word is found as it stands, without its reduplication, without Indonesian's affixes (menggali, digali, galian: one word), or, if it is
long, at one letter's distance from a known word. What is said first counts more, and what follows `tolong`; what follows `depan`, `Jl.`
and their like names a place and counts less, as does what follows `jadi`: it is what comes of it. What follows `bukan` counts against.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, Protocol, TypeVar, cast

from services.routing.tokens import SIGNS

Cue = Literal["", "place", "ask", "result", "denial", "name", "end"]

LONGEST: Final = 24
"""A longer string of letters is no word."""
REMEMBERED: Final = 20_000
"""Spellings kept with the word that they stand for; beyond, all are forgotten, so that the memory stays bounded."""

PLACE_WORDS: Final = 2
"""How many words after one like `depan` name the place."""
ASKED_WORDS: Final = 5
"""How many words after one like `tolong` say what is asked for."""
RESULT_WORDS: Final = 4
"""How many words after one like `jadi` say what comes of it."""
DENIED_WORDS: Final = 2
"""How many words after one like `bukan` are taken back."""
FIRST_WORDS: Final = 6
"""So many words of a text come first."""
PLACE_FACTOR: Final = 0.35
ASKED_FACTOR: Final = 1.4
RESULT_FACTOR: Final = 0.6
DENIED_FACTOR: Final = -0.4
FIRST_FACTOR: Final = 1.2
"""How much such words count, beside others: chosen on `quality/texts.csv`, where the neighbouring values do nearly as well."""

ENDS: Final = frozenset((*SIGNS, "\n"))
"""Tokens that end a clause."""
SHORTEST: Final = 3
"""A stem has so many letters or more."""
_TYPED: Final = 5
"""A word of so many letters or more may have been mistyped."""

_PREFIXES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    # What stands before the stem, and the letters that it may have swallowed. Longest first.
    ("memper", ("",)),
    ("diper", ("",)),
    ("menge", ("",)),
    ("penge", ("",)),
    ("meng", ("", "k")),
    ("peng", ("", "k")),
    ("meny", ("s",)),
    ("peny", ("s",)),
    ("mem", ("", "p")),
    ("pem", ("", "p")),
    ("men", ("", "t")),
    ("pen", ("", "t")),
    ("nge", ("",)),
    ("ber", ("",)),
    ("ter", ("",)),
    ("per", ("",)),
    ("ng", ("", "k")),
    ("ny", ("s", "c")),
    ("me", ("",)),
    ("di", ("",)),
    ("ke", ("",)),
    ("se", ("",)),
    ("pe", ("",)),
    ("be", ("",)),
    ("te", ("",)),
    ("n", ("t", "")),
    ("m", ("p", "")),
)
_WEAK: Final = frozenset({"se", "pe", "be", "te", "n", "m", "ke", "per"})
"""Prefixes that many stems begin with by chance: a longer stem must be left."""
_SUFFIXES: Final = (
    "", "nya", "ny", "kan", "in", "an", "i", "lah", "kah", "pun", "ku", "mu",
    "annya", "kannya", "innya", "anny", "inlah", "kanlah", "ankah",
)  # fmt: skip
_SHORT_SUFFIXES: Final = frozenset({"an", "i", "in", "ku", "mu", "annya", "anny"})
"""As `_WEAK`, for suffixes."""

_ENGLISH: Final = ("s", "es", "ing", "ed")

_DOUBLED: Final = re.compile(r"([a-z])\1")
_DIGITS: Final = re.compile(r"(?<=[a-z]{3})[0-9]+$")


Root = TypeVar("Root")
"""A word that a model knows something of, as whoever reads wishes to have it: the word itself, or what is known of it."""


class After(Protocol[Root]):
    """The pairs that begin with a word."""

    def get(self, second: Root, /) -> Root | None:
        """The pair that it makes with a second one; None where that is none."""


class _Joined:
    """Every pair that begins with a word, of a reader whose roots are words."""

    def __init__(self, first: str) -> None:
        self._first: Final = first

    def get(self, second: str, /) -> str:
        """As `After`."""
        return f"{self._first} {second}"


Word = tuple[Root | None, Cue, After[Root] | None]
"""What a spelling stands for: the root, None where it says nothing of a subject; what it does to those after it; and its pairs.

A plain tuple, since CPython 3.11 takes a named one apart through an iterator.
"""

Clause = tuple[list[str], list[list[str]], bool]
"""The tokens of a clause; the same parted where a word like `dan` stands, without those; whether one like `juga` is among them."""

SILENT: Final[Word[Any]] = (None, "", None)
_END: Final[Word[Any]] = (None, "end", None)


@dataclass(frozen=True, slots=True)
class Spellings:
    """How words are spelt. `variants`: spelling to word. The others: sets of words, as `spellings.yaml` tells of them."""

    variants: Mapping[str, str]
    whole: frozenset[str]
    places: frozenset[str]
    asks: frozenset[str]
    results: frozenset[str]
    denials: frozenset[str]
    also: frozenset[str]
    joins: frozenset[str]
    everyday: frozenset[str]
    names: frozenset[str]
    """Places' names of two words, of which one is a word of complaints too (Lubang Buaya, Kali Baru)."""


def stems(token: str) -> Iterator[str]:
    """What a word may be without its affixes, the likeliest first; without an English ending last."""
    for suffix in _SUFFIXES:
        if token.endswith(suffix):
            base = token[: len(token) - len(suffix)]
            least = SHORTEST + (suffix in _SHORT_SUFFIXES)
            if suffix and len(base) >= least:
                yield base
            yield from _without_prefix(base, least)
    for ending in _ENGLISH:
        if token.endswith(ending) and len(token) - len(ending) > SHORTEST:
            yield token[: -len(ending)]


def _without_prefix(base: str, least: int) -> Iterator[str]:
    """What is left of so many letters or more, with the letter that the prefix may have swallowed."""
    for prefix, swallowed in _PREFIXES:
        if base.startswith(prefix):
            rest = base[len(prefix) :]
            for letter in swallowed:
                if len(letter) + len(rest) >= least + (prefix in _WEAK):
                    yield letter + rest


def clauses(tokens: Sequence[str], joins: AbstractSet[str], also: AbstractSet[str]) -> list[Clause]:
    """The clauses of a text's `tokens_of` that have a word. `joins`: words like `dan`; `also`: words like `juga`."""
    found: list[Clause] = []
    for whole in _parted(tokens, ENDS):
        pieces = _parted(whole, joins)
        if pieces:
            found.append((whole, pieces, not also.isdisjoint(whole)))
    return found


def _parted(tokens: Sequence[str], by: AbstractSet[str]) -> list[list[str]]:
    """What stands between certain tokens: each part that has any."""
    if by.isdisjoint(tokens):  # often, and soon asked
        return [list(tokens)] if tokens else []
    found: list[list[str]] = []
    start = 0
    for at in [at for at, token in enumerate(tokens) if token in by]:
        if at > start:
            found.append(list(tokens[start:at]))
        start = at + 1
    return [*found, list(tokens[start:])] if start < len(tokens) else found


def deletions(word: str) -> Iterator[str]:
    """The word with each of its letters left out."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


class Reader(Generic[Root]):
    """Reads texts with the spellings and the roots of a model.

    `roots`: what its words are read as. `pairs`: those that are read, by their first root and their second; where None, all: then
    roots are words.
    """

    __slots__ = ("_known", "_mistyped", "_names", "_remembered", "_whole")

    def __init__(self, spellings: Spellings, roots: Mapping[str, Root], pairs: Mapping[Root, After[Root]] | None = None) -> None:
        known: dict[str, Word[Root]] = dict.fromkeys(spellings.everyday, SILENT)
        for word, root in roots.items():
            known[word] = root, "", cast("After[Root]", _Joined(word)) if pairs is None else pairs.get(root)
        cues: tuple[tuple[Cue, frozenset[str]], ...] = (
            ("place", spellings.places),
            ("ask", spellings.asks),
            ("result", spellings.results),
            ("denial", spellings.denials),
            ("name", frozenset(name.split()[1] for name in spellings.names)),
        )
        for cue, words in cues:
            for word in words:
                root_, _, after = known.get(word, SILENT)
                known[word] = root_, cue, after
        known.update((spelling, known[word]) for spelling, word in spellings.variants.items() if word in known)
        known.update(dict.fromkeys(ENDS, _END))
        self._known: Final = known
        self._names: Final = spellings.names
        self._whole: Final = spellings.whole
        self._mistyped: Final = _mistyped(sorted(roots))
        self._remembered: dict[str, Word[Root]] = {}

    def read(self, tokens: Sequence[str], first: int = FIRST_WORDS) -> dict[Root, float]:  # noqa: C901, PLR0912, PLR0915 - one walk, for every complaint
        """The words and pairs of a text's `tokens_of`, each with how much it counts. `first`: so many words count as those said first."""
        found: dict[Root, float] = {}
        before: Root | None = None
        after: After[Root] | None = None  # the pairs that begin with `before`
        joined: Root | None = None  # the pair that ends with it
        had = joined_had = 0.0  # what either counted before
        factor, left, spelt = 1.0, 0, ""
        remembered = self._remembered.get
        for token in tokens:
            word = remembered(token) or self._resolve(token)
            if word is SILENT:  # often, so it comes first
                spelt = token
                if left:
                    left -= 1
                    if not left:
                        factor = 1.0
                continue
            root, cue, pairs = word
            if cue == "name":
                cue = ""
                if f"{spelt} {token}" in self._names:
                    if self.root(spelt) is not None:  # its first word has counted as `before`
                        _put(found, before, had)
                        _put(found, joined, joined_had)
                    before, after, root, token = None, None, None, ""  # noqa: PLW2901 - it is no name's first word any more
            spelt = token
            if root is not None:
                counts = factor
                if first:
                    first -= 1
                    counts *= FIRST_FACTOR
                if root in found:
                    had = found[root]
                    if counts > had or counts < 0:
                        found[root] = counts
                else:
                    had = 0.0
                    found[root] = counts
                joined = None
                if after is not None:
                    joined = after.get(root)
                    if joined is not None:
                        joined_had = found.get(joined, 0.0)
                        if counts > joined_had or counts < 0:
                            found[joined] = counts
                before, after = root, pairs
            if left:
                left -= 1
                if not left:
                    factor = 1.0
            if cue:
                if cue == "end":
                    factor, left, before, after = 1.0, 0, None, None
                elif cue == "place":
                    factor, left, before, after = PLACE_FACTOR, PLACE_WORDS, root, pairs
                elif cue == "ask":
                    factor, left = ASKED_FACTOR, ASKED_WORDS
                elif cue == "result":
                    factor, left = RESULT_FACTOR, RESULT_WORDS
                elif cue == "denial":
                    factor, left, before, after = DENIED_FACTOR, DENIED_WORDS, None, None
        return found

    def root(self, token: str) -> Root | None:
        """What a spelling stands for, mistyped ones apart; None where it says nothing."""
        return (self._found(token) or SILENT)[0]

    def _resolve(self, token: str) -> Word[Root]:
        """What a spelling stands for, from now on remembered."""
        word = self._found(token) or self._guess(token)
        if len(token) <= LONGEST:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[token] = word
        return word

    def _found(self, token: str) -> Word[Root] | None:
        known = self._known
        word = known.get(token)
        if word is not None:
            return word
        if len(token) < SHORTEST or len(token) > LONGEST or not token.isascii() or token in self._whole or token.isdigit():
            return SILENT
        silent: Word[Root] | None = None
        for form in dict.fromkeys((token, _DIGITS.sub("", token), _DOUBLED.sub(r"\1", token))):
            word = known.get(form)
            if word is not None:
                return word
            if form in self._whole:
                continue
            for stem in stems(form):
                word = known.get(stem)
                if word is not None and word[0] is not None:
                    return word[0], "", word[2]
                silent = silent or word
        return SILENT if silent else None

    def _guess(self, token: str) -> Word[Root]:
        """A known word at one letter's distance: one left out, one too many, another one, or two that changed places."""
        if len(token) < _TYPED:
            return SILENT
        mistyped = self._mistyped
        right = mistyped.get(token)
        if right is None and len(token) > _TYPED:
            right = next((mistyped[short] for short in deletions(token) if short in mistyped), None)
        if right is None or right[0] != token[0]:
            return SILENT
        return self._known[right]


def _put(found: dict[Root, float], root: Root | None, counts: float) -> None:
    """Have a root, if any, count as much as it did; not at all where that is nothing."""
    if root is not None:
        found.pop(root, None)
        if counts:
            found[root] = counts


def _mistyped(roots: Sequence[str]) -> dict[str, str]:
    """Every long root with one of its letters left out, to the root; and the root itself."""
    found: dict[str, str] = {}
    for root in roots:
        if len(root) >= _TYPED:
            for short in deletions(root):
                found.setdefault(short, root)
    return found | {root: root for root in roots if len(root) >= _TYPED}
