"""What makes two names the ends of a way: "Tebet - Menteng", "Tebet s/d Menteng", "antara Tebet dan Menteng". Language, no city."""

from __future__ import annotations

from typing import Final, Literal

from services.routing.gazetteer.text import DASHES

Way = Literal["", "link", "between", "route"]
"""How a name stands to the one before it: as the other end of a way, by what is between them (`link`) or also by a word before both
(`between`); or not so. `route`: it is where a vehicle goes by a word before it ("angkot jurusan Senen")."""

_TO: Final = frozenset((("ke",), ("to",)))
_UP_TO: Final = frozenset(
    tuple(link.split())
    for link in (
        "sampai",
        "sampai ke",
        "sampai dengan",
        "sampe",
        "sampe ke",
        "smp",
        "hingga",
        "s / d",
        "s , d",
        "s d",
        "until",
        "till",
    )
)
_BETWEEN: Final = frozenset(("antara", "between"))
_AND: Final = frozenset(("dan", "dengan", "dgn", "dg", "sama", "and"))
LONGEST: Final = 3
"""No link has more words: of names farther apart nothing need be asked."""


def way_of(lows: list[str], first: tuple[int, int], second: int, text: str, *, at: bool) -> Way:
    """How the name from `second` on stands to the one before it, `lows[slice(*first)]`. `at`: that one stands after "di" or its like.

    `text`: what `lows` are the words of.
    """
    start, end = first
    link = lows[end:second]
    if not link:
        # A dash without spaces is no word of its own, since it may stand within a name (Kebon-Pala).
        return "link" if _is_tight(lows[end - 1], lows[end], text) else ""
    if len(link) > LONGEST:
        return ""
    if link[0] in _AND and len(link) <= 2:  # noqa: PLR2004 - "antara Kel. Bukit Duri dan Kel. Kampung Melayu"
        return "between" if not _BETWEEN.isdisjoint(lows[max(0, start - 2) : start]) else ""
    if tuple(link) in _UP_TO or (len(link) == 1 and link[0] in DASHES):
        return "link"
    # "macet di Tebet ke Menteng" says where, and where to.
    return "link" if tuple(link) in _TO and not at else ""


def _is_tight(word: str, other: str, text: str) -> bool:
    """Whether two words stand somewhere in a text with nothing but a dash between them, and are whole words there."""
    low = ""
    for dash in DASHES:
        if dash in text:
            low = low or f" {text.lower()} "
            at = low.find(f"{word}{dash}{other}")
            if at > 0 and not (low[at - 1].isalnum() or low[at + len(word) + 1 + len(other)].isalnum()):
                return True
    return False
