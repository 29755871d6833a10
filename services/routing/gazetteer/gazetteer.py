"""Where a complaint is by its words: kelurahan, kecamatan and kota, landmarks, and how sure that is.

A point goes before words (`places.py`); words count where there is no point, at a border, and to notice that they contradict it.
Nothing here keeps or repeats what a citizen wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from services.routing.gazetteer.file import Book, read
from services.routing.gazetteer.judge import Heard, Judge, Named
from services.routing.gazetteer.marks import ROUTES, Mark, capital, mark_of
from services.routing.gazetteer.names import Match, Names
from services.routing.gazetteer.text import DASHES, words
from tanggap.contracts.city import City

__all__ = ["Gazetteer", "Named"]

_MOST_NAMES: Final = 24
"""So many names of a text are weighed: a text with more is no help, and the time stays bounded."""
_SAYS_PLACE: Final = frozenset[Mark](("kelurahan", "kecamatan", "rt", "at", "part"))
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
            self._hear(address, heard, told=False, stretched=True)
        if text:
            self._hear(text, heard, told=True, stretched=stretched)
        return self._judge.judge(heard)

    def _hear(self, text: str, heard: list[Heard], *, told: bool, stretched: bool) -> None:
        tokens = words(text, stretched=stretched)
        lows = list(map(str.lower, tokens))
        most = len(heard) + _MOST_NAMES
        street = route = last = -1
        for match in self._names.find(lows):
            mark = match.level or mark_of(lows, match.start, match.end, address=not told)
            if mark == "bare" and match.start == street:
                mark = "street"  # "Jl. Cakung Cilincing"
            elif match.start == route:
                mark = "away"  # "jurusan Tanah Abang Kebayoran Lama"
            if mark == "street":
                street = match.end
            elif mark == "away" and (match.start == route or lows[match.start - 1] in ROUTES):
                route = match.end
            if match.name.within is not None and mark in _LEVELS:
                match = match._replace(name=match.name.within)  # noqa: PLW2901 - "Kecamatan Makassar" is this city's Makasar
            if not _is_no_place(match, mark, tokens, lows):
                dashed = match.start == last + 1 and lows[last] in DASHES
                heard.append(Heard(match.name, mark, match.typo, _is_meant(match, mark, tokens, lows), told, dashed))
                last = match.end
                if len(heard) >= most:
                    return


def _is_no_place(match: Match, mark: Mark, tokens: list[str], lows: list[str]) -> bool:
    """Whether a name that was found is none here: a fruit's, a person's, a day's, a house's, or another word."""
    name, start, end, typo, _level = match
    if mark == "never":
        return name.parts == 1 or bool(name.guard)
    if mark in ("time", "person"):
        return bool(name.guard)
    if len(lows[end - 1]) == 1 and not typo and end < len(lows) and (lows[end].isdigit() or lows[end] in _NUMBER):
        return True  # "Blok M No. 5"
    return typo and end - start == 1 and not _is_read(mark, tokens[start])


def _is_read(mark: Mark, token: str) -> bool:
    """Whether one misspelt word may be taken for a name: the shorter, and the less marked, the likelier it is another word."""
    if mark in _SAYS_PLACE and mark != "at":
        return True
    return len(token) >= _LONG or (mark == "at" and token[0].isupper())


def _is_meant(match: Match, mark: Mark, tokens: list[str], lows: list[str]) -> bool:
    """Whether a name is taken for a place without its kecamatan or kota beside it."""
    name, start, end, _typo, _level = match
    if not name.guard:
        return True
    if mark == "kecamatan":
        return bool(name.kecamatan)
    if name.guard == "marked":
        return mark == "kelurahan" or (mark == "rt" and tokens[start].istitle())
    if mark in _SAYS_PLACE or end - start < name.parts:
        return True
    return not _shouts(tokens) and capital(tokens, lows, start, end)


def _shouts(tokens: list[str]) -> bool:
    """Whether a text is all in capitals."""
    return all(token.isupper() for token in tokens if token.isalpha())
