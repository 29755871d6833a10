"""Where a complaint is by its words: kelurahan, kecamatan and kota, landmarks, and how sure that is.

A point goes before words (`places.py`); words count where there is no point, at a border, and to notice that they contradict it.
Nothing here keeps or repeats what a citizen wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from services.routing.gazetteer.file import Book, read
from services.routing.gazetteer.homes import SAYS_HOME, roles_of
from services.routing.gazetteer.judge import NOTHING, Heard, Judge, Named
from services.routing.gazetteer.marks import ROUTES, Mark, capital, ends_street, mark_of
from services.routing.gazetteer.names import Name, Names
from services.routing.gazetteer.text import small_words, words
from services.routing.gazetteer.ways import LONGEST, way_of
from tanggap.contracts.city import City

__all__ = ["NOTHING", "Gazetteer", "Named"]

_MOST_NAMES: Final = 24
"""So many names of a text are weighed: a text with more is no help, and the time stays bounded."""
_SAYS_PLACE: Final = frozenset[Mark](("kelurahan", "kecamatan", "rt", "at", "part"))
_NO_PLACE: Final = frozenset[Mark](("never", "time", "person"))
_BARE: Final[Mark] = "bare"
_NUMBER: Final = frozenset(("no", "nomor", "kav", "rt"))
_LEVELS: Final = frozenset[Mark](("kelurahan", "kecamatan"))
_LONG: Final = 9
"""A misspelt word of so many letters is no common word that happens to be near: checked against 30,000 of them and their derivatives."""


class Gazetteer:
    """The places of one city by their names. `version`: the sum of its data, so that equal versions are equal gazetteers."""

    def __init__(self, book: Book, city: City) -> None:
        self.version: Final = book.version
        self._names = Names(book.names, book.spellings, book.ordinary)
        self._judge = Judge(city)

    @classmethod
    def load(cls, folder: Path, city: City) -> Self:
        """The gazetteer of the city in `folder`. Raises `CityFaults`, which names every fault of its files."""
        return cls(read(folder, city), city)

    def find(self, address: str | None, text: str, *, stretched: bool = True) -> Named:
        """The place that an address and a description name. Total: any text has an answer.

        `stretched`: whether letters of the description may be; False where whoever asks has looked (`may_be_stretched`).
        """
        heard: list[Heard] = []
        if address:
            self._hear(address, heard, False, True)  # noqa: FBT003 - quicker
        if text:
            self._hear(text, heard, True, stretched)  # noqa: FBT003 - quicker
        return self._judge.judge(heard) if heard else NOTHING

    def _hear(self, text: str, heard: list[Heard], told: bool, stretched: bool) -> None:  # noqa: FBT001 - quicker
        lows = tokens = small_words(text, stretched=stretched)
        most = len(heard) + _MOST_NAMES
        spans: list[tuple[int, int]] = []
        goes_on, chain = -1, _BARE
        for name, start, end, typo, level in self._names.find(lows):
            mark = level or mark_of(lows, start, end, address=not told)
            if start == goes_on and (chain == "away" or mark == "bare"):
                mark = chain  # "Jl. Cakung Cilincing", "jurusan Tanah Abang Kebayoran Lama"
            if mark == "street" or (mark == "away" and (start == goes_on or lows[start - 1] in ROUTES)):
                goes_on, chain = end, mark
            if name.within is not None and mark in _LEVELS:
                name = name.within  # noqa: PLW2901 - "Kecamatan Makassar" is this city's Makasar
            within = start, end
            meant = _is_meant(name, mark, end - start) if name.guard else True
            if tokens is lows and (typo or meant is None):  # only of such a name capitals say something
                tokens = words(text, stretched=stretched)
            if _is_no_place(name, mark, lows, within, told) or (typo and end - start == 1 and not _is_read(mark, tokens[start])):
                continue
            near = spans and start - spans[-1][1] <= LONGEST
            way = way_of(lows, spans[-1], start, text, at=heard[-1].mark == "at") if near else ""
            if goes_on == end and chain == "away" and not way:
                way = "route"
            heard.append(Heard(name, mark, typo, _is_capital(name, tokens, lows, within) if meant is None else meant, told, way))
            spans.append(within)
            if len(heard) >= most:
                break
        if told and len(spans) > 1:
            _note_homes(heard, lows, spans)


def _note_homes(heard: list[Heard], lows: list[str], spans: list[tuple[int, int]]) -> None:
    """Note of the names at `spans`, which are the last that were heard, where somebody lives and where something else is."""
    if SAYS_HOME.isdisjoint(lows[: spans[-1][0]]):
        return
    first = len(heard) - len(spans)
    heard[first:] = [one._replace(role=role) for one, role in zip(heard[first:], roles_of(lows, spans), strict=True)]


def _is_no_place(name: Name, mark: Mark, lows: list[str], within: tuple[int, int], told: bool) -> bool:  # noqa: FBT001 - quicker
    """Whether a name that was found is none here: a fruit's, a person's, a day's or a house's, or the end of a street's name."""
    start, end = within
    if mark in _NO_PLACE:
        return bool(name.guard) or (mark == "never" and name.parts == 1)
    if name.guard == "marked" and (mark == "street" or (mark == "bare" and not told)) and ends_street(lows, start):
        return True
    # "Blok M No. 5"
    return len(lows[end - 1]) == 1 and end < len(lows) and (lows[end].isdigit() or lows[end] in _NUMBER)


def _is_read(mark: Mark, token: str) -> bool:
    """Whether one misspelt word may be taken for a name: the shorter, and the less marked, the likelier it is another word."""
    if mark in _SAYS_PLACE and mark != "at":
        return True
    return len(token) >= _LONG or (mark == "at" and token[0].isupper())


def _is_meant(name: Name, mark: Mark, count: int) -> bool | None:
    """Whether a name of `count` words that is a common one too is taken for a place without its kecamatan or kota beside it.

    None: its capitals say.
    """
    if mark == "kecamatan":
        return bool(name.kecamatan)
    if name.guard == "marked":
        return None if mark == "rt" else mark == "kelurahan"
    return True if mark in _SAYS_PLACE or count < name.parts else None


def _is_capital(name: Name, tokens: list[str], lows: list[str], within: tuple[int, int]) -> bool:
    """The same by its capitals."""
    start, end = within
    if name.guard == "marked":
        return tokens[start].istitle()
    return capital(tokens, lows, start, end) and not _shouts(tokens)


def _shouts(tokens: list[str]) -> bool:
    """Whether a text is all in capitals."""
    return all(token.isupper() for token in tokens if token.isalpha())
