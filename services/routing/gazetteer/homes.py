"""Where somebody lives, and where another clause says that it is: "saya tinggal di Tebet tapi banjirnya di Kemang". Language, no city."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from services.routing.gazetteer.marks import MARKS
from services.routing.gazetteer.text import SEPARATORS

Role = Literal["", "home", "there"]
"""What a name says beside the others of its text: where somebody lives (`home`), or in another clause than that where something is
(`there`); or neither."""

_OF_PEOPLE: Final = frozenset(("warga", "penduduk", "penghuni", "resident", "residents"))
_LIVES: Final = frozenset(("tinggal", "menetap", "domisili", "berdomisili", "ngontrak", "ngekos", "live", "living")) | _OF_PEOPLE
_HOUSES: Final = frozenset(("rumah", "rmh", "rumahku", "kos", "kost", "kosan", "kontrakan", "house", "home"))
_HIS: Final = frozenset(("saya", "sy", "sya", "kami", "kita", "aku", "gue", "gua", "gw", "ane", "i", "we", "my", "our"))
_BETWEEN: Final = _HIS | {"is", "are", "a", "of"}
SAYS_HOME: Final = _LIVES | _HOUSES
"""A text without any of these says nothing of where somebody lives."""
_TURNS: Final = frozenset(
    (
        *("tapi", "tetapi", "tp", "tpi", "namun", "cuma", "cuman", "sedangkan", "mau", "ingin", "hendak", "but", "want"),
        *("lapor", "laporan", "melapor", "laporin", "laporkan", "melaporkan", "mengadu", "ngadu", "mengadukan", "report"),
    )
)
"""What begins a clause, as a comma does."""
_FAR: Final = 12
"""So many words before its name the word may stand that says that somebody lives there: "warga RT 03 / RW 05 Kel. X"."""


class _Home(NamedTuple):
    """A name that is where somebody lives. `start`: of the words that say so. `own`: the writer's. `house`: said of a house."""

    start: int
    own: bool
    house: bool


def roles_of(lows: list[str], spans: Sequence[tuple[int, int]]) -> list[Role]:
    """What the names in `lows[slice(*span)]` say of home and place, by the words around them."""
    roles: list[Role] = [""] * len(spans)
    for at in range(len(spans)):
        home = None if roles[at] else _home(lows, spans[at][0])
        if home is None:
            continue
        roles[at] = "home"
        last = at
        while last + 1 < len(spans) and _goes_on(lows[spans[last][1] : spans[last + 1][0]]):
            last += 1
            roles[last] = "home"
        end = spans[last][1]
        if not home.house or _turns(lows[end : end + 1]):  # "rumah saya di Tebet kebanjiran" is about that house
            for other in range(last + 1, len(spans)):
                if _turns(lows[end : spans[other][0]]) and _is_there(lows[spans[other - 1][1] : spans[other][0]]):
                    roles[other] = roles[other] or "there"
        if home.own:
            for other in range(at):
                before = spans[other - 1][1] if other else 0
                if _turns(lows[spans[other][1] : home.start]) and _is_there(lows[before : spans[other][0]]):
                    roles[other] = roles[other] or "there"
    return roles


def _home(lows: list[str], start: int) -> _Home | None:
    """What says that the name at `start` is where somebody lives; None where nothing does."""
    at = start - 1
    least = max(0, start - _FAR)
    while at >= least and lows[at] not in SAYS_HOME and (lows[at] in _BETWEEN or _is_of_address(lows, at)):
        at -= 1
    if at < least or lows[at] not in SAYS_HOME:
        return None
    own = lows[at + 1] in _HIS or (at > 0 and lows[at - 1] in _HIS) or lows[at] == "rumahku"
    house = lows[at] in _HOUSES
    if house and not own:
        return None  # "rumah di Tebet" is any house
    return _Home(at, own or lows[at] not in _OF_PEOPLE, house)


def _is_of_address(lows: list[str], at: int) -> bool:
    """Whether a word belongs to what stands before a place's name: "di", "RT 03/RW 05", "Kel."."""
    word = lows[at]
    if word in SEPARATORS:
        return at > 0 and (lows[at - 1].isdigit() or MARKS.get(lows[at - 1]) == "rt")
    return word.isdigit() or MARKS.get(word) in ("kelurahan", "kecamatan", "kota", "rt", "at")


def _goes_on(between: list[str]) -> bool:
    """Whether the next name is of the same address: "Kel. Petamburan, Kec. Tanah Abang"."""
    return all(
        word in SEPARATORS or word.isdigit() or MARKS.get(word) in ("kelurahan", "kecamatan", "kota", "rt") for word in between
    )


def _turns(words: list[str]) -> bool:
    return any(word in SEPARATORS or word in _TURNS for word in words)


def _is_there(before: list[str]) -> bool:
    """Whether something is said to be at the name that `before` stands before: "di Kemang", "dekat Kel. Kemang", "di pasar Kemang"."""
    for at in reversed(range(len(before))):
        mark = MARKS.get(before[at])
        if mark in ("at", "near") and before[at] not in _OF_PEOPLE:
            return True
        if mark != "thing" and not _is_of_address(before, at):
            return False
    return False
