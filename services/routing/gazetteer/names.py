"""The names that the gazetteer knows, found in a list of words: exactly, in one word or several, or with one letter wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress, product, repeat
from typing import Final, Literal

from services.routing.gazetteer.marks import MARKS
from services.routing.gazetteer.text import SEPARATORS, squash

LONG_ENOUGH: Final = 7
"""A misspelt name is known by one wrong letter if it has so many: shorter ones are too near to common words (Tebet, tepat)."""
LONG_OUTSIDE: Final = 9
"""The same of a place outside the city: Bandung is near to a dozen words, and what it undoes may be right."""
_SPLIT: Final = 8
"""A name of one word may be written as two if it has so many letters (Pulo Gadung): the parts of shorter ones are words."""
_LEAST_PART: Final = 3
_SHORTEST: Final = 4
"""No short form of a name has fewer letters."""
_MOST_SPELLINGS: Final = 200
_MOST_WORDS: Final = 6
_LONGEST: Final = 32
_LOOK: Final = 4
"""So many letters of a word are looked at first, where what is read has more than twice as many: no half of it is shorter."""
_MISSPELT_WITHIN: Final = 120
"""Misspelt names are looked for in so many words of a text: it takes time, and whoever says where it is says so before that."""

Guard = Literal["", "word", "marked"]
"""What a name needs before it counts: nothing; something that says a place is meant, since it is a common `word` too; or Kel., or
its kecamatan or kota (`marked`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A name, and every place that it may mean. Equal to itself alone, so that what is kept by it is found at once.

    `label`: as the gazetteer writes it. `wards`, `kecamatan`, `kota`: codes; of a landmark or an area the wards that it lies in, the
    likeliest first. `landmark`: it is no unit's. `city`: it is the whole city's. `outside`: it lies elsewhere. `parts`: its words.
    `within`: of a name outside, the one of the city that is written nearly so.
    """

    label: str
    wards: tuple[str, ...] = ()
    kecamatan: tuple[str, ...] = ()
    kota: tuple[str, ...] = ()
    landmark: bool = False
    city: bool = False
    outside: bool = False
    guard: Guard = ""
    parts: int = 1
    within: Name | None = None


_Says = Name | Literal["begins", "unknown", ""] | None
"""What is known of a word: the name that it is alone; that it only `begins` one; that it is `unknown`; or else it is a common word."""
# Compared by identity. A common word is false, so that those of a text are stepped over all at once.
_BEGINS: Final = "begins"
_UNKNOWN: Final = "unknown"
_PLAIN: Final = None
"""A common word that is no later part of a name: a name ends before it."""
_MAY_GO_ON: Final = ""
"""One that is: a name may go on with it."""
_ELSE_UNKNOWN: Final[Iterator[_Says]] = repeat(_UNKNOWN)


Level = Literal["kelurahan", "kecamatan"]
_GLUED: Final[tuple[tuple[str, Level], ...]] = (
    ("kelurahan", "kelurahan"),
    ("kecamatan", "kecamatan"),
    ("kel", "kelurahan"),
    ("kec", "kecamatan"),
)
"""What may stand before a name without a space (KelTebetTimur), the longer first."""
_GLUED_STARTS: Final = frozenset(word[:3] for word, _ in _GLUED)
_ALSO_MARK: Final = "rw"
"""Short for Rawa, and for what a number follows or a name ("warga RW Jati Padang")."""


Match = tuple[Name, int, int, bool, Level | None]
"""A name in `words[start:end]`: the name, `start`, `end`, whether a letter is wrong, and its level by a word written together with it.

A plain tuple, since it is taken apart for every name.
"""


Halves = dict[str, dict[int, tuple[str, ...]]]
"""Names by their first half or their last one, and by a count of letters: a name with a letter wrong has as many as the name, or one more
or less."""

_HALF: Final = tuple([(count - 1) // 2 if count >= LONG_ENOUGH else count // 2 for count in range(_LONGEST + 1)])
"""By a count of letters, how many of the first or of the last are right, whichever letter of them all is wrong.

Two in the wrong order may lie in the middle, so that is less than half. Six are a name of seven without a letter.
"""


def _halves(names: Iterable[str]) -> tuple[Halves, Halves]:
    """Names by their first half and by their last one, to find one with a letter wrong."""
    starts: Halves = {}
    ends: Halves = {}
    for name in names:
        # What was written has as many letters, or one more, or one less.
        for count in range(max(LONG_ENOUGH, len(name)) - 1, min(_LONGEST, len(name) + 1) + 1):
            half = _HALF[count]
            for halves, key in ((starts, name[:half]), (ends, name[-half:])):
                sized = halves.setdefault(key, {})
                sized[count] = (*sized.get(count, ()), name)
    return starts, ends


def _rests(known: Iterable[str]) -> set[str]:
    """What each of these has after another of them, but for what is too short to be a part."""
    rests: set[str] = set()
    begun: list[str] = []
    for key in sorted(filter(None, known)):  # so that each comes after all that it begins with, and they after one another
        while begun and not key.startswith(begun[-1]):
            begun.pop()
        rests.update([key[len(start) :] for start in begun if len(key) - len(start) >= _LEAST_PART])
        begun.append(key)
    return rests


class Names:
    """All names, each by every way to write it. Immutable."""

    def __init__(
        self, names: Iterable[tuple[str, Name]], spellings: Mapping[str, tuple[str, ...]], ordinary: frozenset[str]
    ) -> None:
        """`spellings`: other ways to write a word of a name; `ordinary`: common words, which are no misspelt names."""
        written = [([squash(word) for word in words.split()], name) for words, name in names]
        exact: dict[str, Name] = {"".join(parts): name for parts, name in written}
        self._known: dict[str, Name | None] = dict(exact)  # None: a beginning of names, none itself
        self._apart: set[str] = set()
        spelt: list[list[str]] = []
        for parts, name in written:
            variants = list(_variants(parts, spellings))
            spelt += (parts, *variants)
            for variant in variants:
                key = "".join(variant)
                self._known.setdefault(key, name)
                if key not in exact and len(variant) > 1 and not set(variant) & set(parts):
                    self._apart.add(key)  # "pd klp" is Pondok Kelapa, but a word that reads so is another
        for parts in spelt:
            self._begin(parts)
        long = [
            key for key, name in exact.items() if len(key) >= (LONG_OUTSIDE if name.outside else LONG_ENOUGH) and key.isalpha()
        ]
        self._ordinary: Final = ordinary
        self._starts, self._ends = _halves(long)
        self._begun: Final = frozenset(key[:count] for key in long for count in (_LOOK - 1, _LOOK))
        self._ended: Final = frozenset(key[-count:] for key in long for count in range(1, _LOOK + 1))
        known = self._known
        later = _rests(known) | {part for parts in spelt for part in parts[1:]}
        self._says: dict[str, _Says] = {word: _MAY_GO_ON if word in later else _PLAIN for word in ordinary}
        self._says |= dict.fromkeys(SEPARATORS, _PLAIN)
        self._says["\n"] = _MAY_GO_ON  # a line may break within a name
        self._says |= {key: _BEGINS if key in self._apart else name or _BEGINS for key, name in known.items()}

    def _begin(self, parts: list[str]) -> None:
        """Note how a name may begin: its words one by one, and a long word of its own in two."""
        begun = ""
        for part in parts[:-1]:
            begun += part
            self._known.setdefault(begun, None)
        if len(parts) == 1 and len(parts[0]) >= _SPLIT:
            for place in range(_LEAST_PART, len(parts[0]) - _LEAST_PART + 1):
                self._known.setdefault(parts[0][:place], None)

    def find(self, lows: list[str]) -> Iterator[Match]:
        """The names in a list of words in small letters, from left to right; of several at one place the longest."""
        says: list[_Says] = [*map(self._says.get, lows, _ELSE_UNKNOWN), _PLAIN, _PLAIN]
        done = 0
        for start in compress(range(len(lows)), says):
            if start < done:
                continue
            said = says[start]
            if said is _UNKNOWN:
                if says[start + 1] is _PLAIN and says[start + 2] is _PLAIN and len(lows[start]) < LONG_ENOUGH - 1:
                    continue  # as `_unknown` would find
                match = self._unknown(lows, start, says)
            elif says[start + 1] is _PLAIN:
                match = (said, start, start + 1, False, None) if isinstance(said, Name) else None
            elif lows[start] == _ALSO_MARK:
                match = self._after_rw(lows, start, says)
            else:
                match = self._from(lows, start, says)
            if match is not None:
                done = match[2]
                yield match

    def _after_rw(self, lows: list[str], start: int, says: list[_Says]) -> Match | None:
        """The name that "Rw." begins, or the one after it: "warga RW Jati", but "Kel. Rw. Jati"."""
        match = self._from(lows, start, says)
        if match is None or says[start + 1] in (_PLAIN, _MAY_GO_ON, _UNKNOWN):
            return match
        after = self._from(lows, start + 1, says)
        marked = start > 0 and MARKS.get(lows[start - 1]) == "kelurahan"
        return after if after is not None and after[2] >= match[2] + marked else match

    def _from(self, lows: list[str], start: int, says: list[_Says]) -> Match | None:
        """The longest name from a word that begins one. `says`: of each word, and of what is after the last."""
        said = says[start]
        best = said if isinstance(said, Name) else None
        end = at = start + 1
        if says[at] is not _PLAIN:
            known, joined = self._known, lows[start]
            last = min(len(lows), start + _MOST_WORDS)
            while at < last and says[at] is not _PLAIN:
                longer = joined + lows[at]
                if longer in known:
                    joined = longer
                    name = known[joined]
                    at += 1
                    if name is not None:
                        best, end = name, at
                elif lows[at] == "\n" and at + 1 < last and joined + lows[at + 1] in known:
                    at += 1  # a line may break within a name
                else:
                    match = self._misspelt_from(lows, start, at, longer)
                    if match is not None and match[0] is not best:  # "Kalibata s/d Cawang" has no letter too many
                        return match
                    break
        return None if best is None else (best, start, end, False, None)

    def _glued(self, lows: list[str], start: int, says: list[_Says]) -> Match | None:
        """The unit's name that stands in an unknown word after its level, alone or with the next words."""
        word = lows[start]
        for before, level in _GLUED:
            rest = word.removeprefix(before)
            if rest != word and len(rest) >= _SHORTEST and rest in self._known:
                after = slice(start + 1, start + _MOST_WORDS)
                match = self._from([rest, *lows[after]], 0, [self._says[rest], *says[after], _PLAIN])
                if match is not None and not match[0].landmark and (match[0].wards or match[0].kecamatan):
                    name, _, end, typo, _ = match
                    return name, start, start + end, typo, level
        return None

    def _unknown(self, lows: list[str], start: int, says: list[_Says]) -> Match | None:
        """The name that an unknown word begins: written together with its level, or misspelt, alone or with the next.

        `says`: of each word, and of two more.
        """
        word = lows[start]
        if len(word) < _LEAST_PART or start >= _MISSPELT_WITHIN:
            return None
        match = self._glued(lows, start, says) if word[0] == "k" and word[:3] in _GLUED_STARTS else None
        if match is not None:
            return match
        # No letter is wrong in a common word, so a name must end in it as it stands, and hardly any does.
        second_may, third_may = says[start + 1] is not _PLAIN, says[start + 2] is not _PLAIN
        if second_may or third_may:
            second = lows[start + 1]
            look = _LOOK if len(word) + len(second) > 2 * _LOOK else _LOOK - 1
            begun = word[:look] in self._begun
            if third_may and (begun or lows[start + 2][-look:] in self._ended):
                third = lows[start + 2]
                name = self._closest(word + second + third, third)
                if name is not None:
                    return name, start, start + 3, True, None
            if second_may and (begun or second[-look:] in self._ended):
                name = self._closest(word + second, second)
                if name is not None:
                    return name, start, start + 2, True, None
        if len(word) < LONG_ENOUGH - 1:
            return None
        name = self._closest(word, "")
        return None if name is None else (name, start, start + 1, True, None)

    def _misspelt_from(self, lows: list[str], start: int, last: int, joined: str) -> Match | None:
        """The name that `lows[start : last + 1]`, joined, is but for one letter, or is with the next word.

        The letter is never in a word that is right as it is: a common word at the end must be the name's own.
        """
        end = lows[last]
        if (lows[start] in self._says and end in self._ordinary) or start >= _MISSPELT_WITHIN or not joined.isalpha():
            return None
        if last + 1 < len(lows):
            after = lows[last + 1]
            name = self._closest(joined + after, after)
            if name is not None:
                return name, start, last + 2, True, None
        name = self._closest(joined, end)
        return None if name is None else (name, start, last + 1, True, None)

    def _closest(self, joined: str, end: str) -> Name | None:
        """The one name that is `joined` but for a letter too many, too few, another, or two in the wrong order.

        `end`: its last word, which the name must end in where it is a common one.
        """
        count = len(joined)
        if not LONG_ENOUGH - 1 <= count <= _LONGEST:
            return None
        half = _HALF[count]
        starts, ends = self._starts.get(joined[:half]), self._ends.get(joined[-half:])
        if starts is None and ends is None:
            return None
        begun = () if starts is None else starts.get(count, ())
        ended = () if ends is None else ends.get(count, ())
        if not (begun or ended) or not joined.isalpha():
            return None
        end = end if end in self._ordinary else ""
        # A letter that is wrong in the middle leaves the last one and the first one; where it does not, all but two are left.
        names: set[Name | None] = set()
        first, last = joined[0], joined[-1]
        for key in begun:
            if (key[-1] == last or joined.startswith(key[:-2])) and key.endswith(end) and _one_off(joined[half:], key[half:]):
                names.add(self._known[key])
        for key in ended:
            if (key[0] == first or joined.endswith(key[2:])) and key.endswith(end) and _one_off(joined[:-half], key[:-half]):
                names.add(self._known[key])
        names.discard(None)
        return names.pop() if len(names) == 1 else None


def _variants(parts: list[str], spellings: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """Other ways to write a name of these words. A name of one word is not shortened below `LONG_ENOUGH` - 2 letters."""
    if all(part and part not in spellings for part in parts):
        return
    choices = [(part, *spellings.get(part, ())) for part in parts]
    count = 0
    for chosen in product(*choices):
        words = [word for part in chosen for word in part.split()]
        if words != parts and len("".join(words)) >= (_SHORTEST if len(parts) > 1 else LONG_ENOUGH - 2):
            yield words
            count += 1
            if count >= _MOST_SPELLINGS:
                return


def _one_off(word: str, other: str) -> bool:
    """Whether one letter more, one less, another one, or two in the wrong order make `word` into `other`."""
    start = 0
    while start < len(word) and start < len(other) and word[start] == other[start]:
        start += 1
    rest, wanted = word[start:], other[start:]
    return (
        rest[1:] == wanted[1:]
        or rest[1:] == wanted
        or rest == wanted[1:]
        or (len(rest) > 1 and rest[1::-1] == wanted[:2] and rest[2:] == wanted[2:])
    )
