"""Proves of a policy that each rule decides something, and that whom it names exists for all that reaches it. Not sampled.

A rule is a box: for each fact the set of values that it takes, facts being independent of one another once those that hang
together are made one (a category with its agency and urgency; a ward with its kecamatan and kota). What reaches a rule is its box
less the boxes of the rules before it, and the question is always whether anything is left. Words are sets too: "has one of these" is
taken away as "has none of these", and then no longer list that holds one of them can be met by it. It is exact but
for words with exceptions, of which less is known than could be: see `_follows`.

In general the question is as hard as logic gets, so the work is bounded: a policy too tangled to be judged is refused as such.
Policies that people write take milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import or_
from typing import Final, Literal, NamedTuple, TypeVar, get_args

from services.routing.policy.policy import (
    ATTRIBUTE,
    NO_CATEGORY,
    NONE,
    UNKNOWN_CATEGORY,
    UNSURE_CATEGORY,
    WITHOUT_CATEGORY,
    WORDS,
    CategoryFrom,
    Condition,
    HoursKind,
    Notice,
    PlaceKind,
    Rule,
    Target,
)
from services.routing.policy.words import NO_EXCEPTIONS, Exceptions, Rows, held, parts_of, stands_in
from tanggap.contracts.city import City
from tanggap.contracts.faults import Faults

MOST_COMPARISONS: Final = 1_500_000
"""How often two boxes are compared before a policy counts as too tangled: a second or two. Ordinary rules take some twenty each."""

_SOMETHING_ELSE: Final = object()
"""Whatever value of a free text no rule names."""

KINDS: Final = get_args(PlaceKind)


class What(NamedTuple):
    """What a complaint may be about: facts that hang together."""

    category: str
    category_from: CategoryFrom
    agency: str | None
    urgency: str | None
    ward_can_handle: str | None


class Where(NamedTuple):
    """Where a complaint may be: facts that hang together."""

    place: PlaceKind
    kota: str | None
    kecamatan: str | None
    ward: str | None


def whats(city: City) -> Iterator[What]:
    """Everything that a complaint in this city may be about."""
    by_whom: tuple[CategoryFrom, ...] = ("app", "text")
    for category, whom in product(city.categories.values(), by_whom):
        yield What(category.slug, whom, category.agency, category.urgency, "yes" if category.ward_can_handle else "no")
    yield What(NO_CATEGORY, "none", None, None, None)
    yield What(UNSURE_CATEGORY, "text", None, None, None)
    yield What(UNKNOWN_CATEGORY, "app", None, None, None)


def whats_counted(city: City, rules: Iterable[Rule]) -> Iterator[What]:
    """What notices may see beside all that: complaints that nobody named a category for, under the one by which a rule counts them."""
    for slug in sorted({rule.counted_as for rule in rules if rule.counted_as is not None}):
        category = city.categories[slug]
        yield What(slug, "none", category.agency, category.urgency, "yes" if category.ward_can_handle else "no")


def wheres(city: City) -> Iterator[Where]:
    """Everywhere that a complaint in this city may be."""
    for info in city.wards():
        above = [unit.code for unit in city.chain(info.code)]
        yield Where("known", above[1], above[0], info.code)
    for info in city.units.values():
        if info.level == "kecamatan":
            yield Where("kecamatan", info.parent_code, info.code, None)
    yield Where("none", None, None, None)
    yield Where("outside", None, None, None)


class TooTangledError(Exception):
    """The bound was reached before the question was answered."""


class Box(NamedTuple):
    """A product of sets, as bits of one number. `parts`: for each dimension that it narrows, its bits in and its bits out.

    `words`: as bits, those of which a complaint has one at least; 0 where words are nothing to it. `absent`: those that it does not have
    where it has none of these.
    """

    parts: tuple[tuple[int, int], ...]
    words: int
    absent: int


class Region(NamedTuple):
    """What a box has become when others were met and taken away.

    `words`: lists of words, of each of which its complaints have one at least. `absent`: words that they don't have, with all that
    are absent where these are.
    """

    bits: int
    words: tuple[int, ...]
    absent: int


@dataclass(frozen=True, slots=True)
class _Dimension:
    shift: int
    values: tuple[object, ...]
    """Tuples of facts (`What`, `Where`) or single values."""

    places: Mapping[str, Mapping[object, list[int]]]
    """For each of its facts the bits, by number, of each value that the fact may have."""

    @property
    def all(self) -> int:
        return ((1 << len(self.values)) - 1) << self.shift


class Space:
    """All complaints that a city can have, as far as these rules can tell them apart."""

    def __init__(self, city: City, rules: Sequence[Rule], notices: Sequence[Notice]) -> None:
        asking: Sequence[Rule | Notice] = (*rules, *notices)
        free: dict[str, set[str]] = {}
        words: set[_Word] = set()
        after = self._after = dict[frozenset[str], frozenset[str]]()
        for condition in (condition for one in asking for condition in one.conditions):
            if condition.fact == WORDS:
                # Kept once: all words of a rule have the same, and to compare two that are alike takes as long as they are.
                after.setdefault(condition.but_not.after, condition.but_not.after)
                words |= set(self._asked(condition))
            elif condition.fact in {"app", "source"} or condition.fact.startswith(ATTRIBUTE):
                free.setdefault(condition.fact, set()).update(condition.values)
        self._dimensions: dict[str, _Dimension] = {}
        self._width = 0
        first = tuple(whats(city))
        self._add(What._fields, (*first, *whats_counted(city, rules)))
        self._add(Where._fields, tuple(wheres(city)))
        self._add(("hours",), get_args(HoursKind))
        for fact, values in sorted(free.items()):
            # An app always has a name; a source or an attribute may be missing.
            self._add((fact,), (*sorted(values | ({NONE} if fact != "app" else set())), _SOMETHING_ELSE))
        rank = {one: place for place, one in enumerate(sorted(after, key=sorted))}
        ordered = sorted(words, key=lambda one: (one[0], sorted(one[1].within), rank[one[1].after]))
        self._words = {word: place for place, word in enumerate(ordered)}
        self._follows = {
            place: reduce(or_, (1 << each for each in following))
            for place, following in _follows(self._words).items()
            if len(following) > 1
        }
        self.told: Final = Region((1 << self._width) - 1, (), 0)
        """What notices are asked of."""
        later = ((1 << len(self._dimensions["category"].values)) - 1) & ~((1 << len(first)) - 1)
        self.decided: Final = self.told._replace(bits=self.told.bits & ~later)
        """What rules are asked of."""
        self.comparisons = 0

    def _add(self, facts: tuple[str, ...], values: tuple[object, ...]) -> None:
        places: dict[str, dict[object, list[int]]] = {fact: {} for fact in facts}
        for place, value in enumerate(values, self._width):
            for fact in facts:
                own = getattr(value, fact) if isinstance(value, What | Where) else value
                places[fact].setdefault(own, []).append(place)
        dimension = _Dimension(self._width, values, places)
        self._width += len(values)
        for fact in facts:
            self._dimensions[fact] = dimension

    def box(self, conditions: Iterable[Condition]) -> Box:
        """The complaints that meet all conditions."""
        narrowed: dict[int, int] = {}
        words = absent = 0
        for condition in conditions:
            if condition.fact == WORDS:
                for place in (self._words[word] for word in self._asked(condition)):
                    words |= 1 << place
                    absent |= self._follows.get(place, 0)
                continue
            dimension = self._dimensions[condition.fact]
            places = dimension.places[condition.fact]
            bits = reduce(or_, (1 << place for value in condition.values for place in places.get(value, ())), 0)
            narrowed[dimension.all] = narrowed.get(dimension.all, dimension.all) & bits
        return Box(tuple((bits, whole & ~bits) for whole, bits in narrowed.items()), words, words | absent)

    def _asked(self, condition: Condition) -> Iterator[_Word]:
        within = held(condition.values, condition.but_not.within)
        after = self._after[condition.but_not.after]
        for word in condition.values:
            yield word, Exceptions(frozenset(within.get(word, ())), after)

    @staticmethod
    def _touch(region: Region, box: Box) -> bool:
        """Whether they share something."""
        bits = region.bits
        for inside, _ in box.parts:
            if not bits & inside:
                return False
        return not box.words or bool(box.words & ~region.absent)

    def meet(self, region: Region, box: Box) -> Region | None:
        """What they share; None for nothing."""
        if not self._touch(region, box):
            return None
        bits = reduce(lambda bits, part: bits & ~part[1], box.parts, region.bits)
        return Region(bits, (*region.words, box.words) if box.words else region.words, region.absent)

    def left(self, region: Region, boxes: Sequence[Box]) -> Region | None:
        """Something of the region that no box has, or None where they have it all. Raises `TooTangledError`."""
        waiting = [(region, boxes)]
        while waiting:
            region, boxes = waiting.pop()
            self.comparisons += len(boxes)
            if self.comparisons > MOST_COMPARISONS:
                raise TooTangledError
            near = [box for box in boxes if self._touch(region, box)]
            if not near:
                return region
            # Boxes that ask this region for words alone leave one piece, however many they are.
            by_words = [box for box in near if not any(region.bits & outside for _, outside in box.parts)]
            if by_words:
                absent = self._without(region, reduce(or_, (box.absent for box in by_words)))
                if absent is not None and all(box.words for box in by_words):
                    others = [box for box in near if any(region.bits & outside for _, outside in box.parts)]
                    waiting.append((region._replace(absent=absent), others))
                continue
            # The box that leaves the fewest pieces goes first; one that leaves none has the region whole.
            pieces = [self._count_less(region, box) for box in near]
            fewest = min(pieces)
            if fewest:
                box = near.pop(pieces.index(fewest))
                waiting += [(piece, near) for piece in self._less(region, box)]
        return None

    def _count_less(self, region: Region, box: Box) -> int:
        """How many pieces `_less` makes."""
        bits = region.bits
        count = sum(1 for _, outside in box.parts if bits & outside)
        return count + (1 if box.words and self._without(region, box.absent) is not None else 0)

    def _less(self, region: Region, box: Box) -> Iterator[Region]:
        """The region less the box, in pieces that share nothing."""
        bits = region.bits
        for inside, outside in box.parts:
            if bits & outside:
                yield Region(bits & ~inside, region.words, region.absent)
                bits &= ~outside
        absent = self._without(region, box.absent) if box.words else None
        if absent is not None:
            yield Region(bits, region.words, absent)

    @staticmethod
    def _without(region: Region, absent: int) -> int | None:
        """The words that are absent where all of these are too; None where the region has no such complaint."""
        absent |= region.absent
        return absent if all(each & ~absent for each in region.words) else None

    def values_in(self, region: Region, fact: str) -> list[object]:
        """The values of a dimension that the region has, whatever else."""
        dimension = self._dimensions[fact]
        return [value for place, value in enumerate(dimension.values) if region.bits >> (dimension.shift + place) & 1]


_Word = tuple[str, Exceptions]
"""A word or phrase that a rule asks for, and where it doesn't count: of phrases, those that hold it."""


def _follows(words: Mapping[_Word, int]) -> dict[int, set[int]]:
    """For each word, those that are absent where it is: the same with more exceptions, and where it has none, longer ones that hold it.

    A word with exceptions may be absent where a longer one is not: "pemadam kebakaran hutan" has no fire but for "kebakaran hutan".
    That it stands there within an exception, and with it all that the exception holds, is not followed up. So some complaint may be
    thought possible that is not, never the other way round: no rule is called useless that decides, at worst one passes that never does;
    and a rule beside may be asked to say what it does for a complaint that never reaches it.
    """
    same: dict[str, dict[Exceptions, int]] = {}
    for (word, but_not), place in words.items():
        same.setdefault(word, {})[but_not] = place
    found: dict[int, set[int]] = {}
    wider_after = _wider(but_not.after for _, but_not in words)
    for ways in same.values():
        found |= _with_more(ways, wider_after) if len(ways) > 1 else {place: {place} for place in ways.values()}
    plain = {word: ways[NO_EXCEPTIONS] for word, ways in same.items() if NO_EXCEPTIONS in ways}
    for word, phrase in _held_by(plain, same):
        found[plain[word]].update(same[phrase].values())
    return found


def _with_more(ways: Mapping[Exceptions, int], wider_after: _Wider) -> dict[int, set[int]]:
    """For each way in which one word is asked for, those with the same exceptions and with more."""
    wider_within = _wider(but_not.within for but_not in ways)
    by_within: dict[frozenset[str], set[int]] = {}
    by_after: dict[frozenset[str], set[int]] = {}
    for but_not, place in ways.items():
        by_within.setdefault(but_not.within, set()).add(place)
        by_after.setdefault(but_not.after, set()).add(place)
    found = {}
    for but_not, place in ways.items():
        within = set[int]().union(*(by_within[one] for one in wider_within[but_not.within]))
        after = set[int]().union(*(by_after[one] for one in wider_after[but_not.after] if one in by_after))
        found[place] = within & after
    return found


_Wider = Mapping[frozenset[str], set[frozenset[str]]]


def _wider(phrases: Iterable[frozenset[str]]) -> _Wider:
    """For each of these sets those of them that hold all that it holds."""
    every = set(phrases)
    by_phrase: dict[str, set[frozenset[str]]] = {}
    for one in every:
        for phrase in one:
            by_phrase.setdefault(phrase, set()).add(one)
    return {one: every.intersection(*sorted((by_phrase[phrase] for phrase in one), key=len)) for one in every}


def _held_by(words: Iterable[str], phrases: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of the words with each other phrase that has it, whatever fills its gaps."""
    # What has gaps of its own is looked for where the part of it stands that the fewest have.
    parts = {word: parts_of(word) for word in words}
    often = Counter(part for each in parts.values() for part in each)
    by_part: dict[str, list[str]] = {}
    for word, each in parts.items():
        by_part.setdefault(min(each, key=often.__getitem__), []).append(word)
    rows = Rows(by_part)
    for phrase in phrases:
        near = dict.fromkeys(row for part in parts_of(phrase) for row in rows.within(part))
        for word in (word for row in near for word in by_part[row] if word != phrase):
            if len(parts[word]) == 1 or stands_in(word, phrase):
                yield word, phrase


def check(file: str, city: City, rules: Sequence[Rule], notices: Sequence[Notice], faults: Faults) -> None:
    """Note every fault of rules and notices that are well-formed one by one."""
    last = rules[-1]
    if last.conditions:
        what = f"rule {last.name} is the last and has a when; end with a rule without, so that none is left over"
        faults.add(file, last.line, what)
    checker = _Checker(file, city, rules, notices, faults)
    everyone: Sequence[Rule | Notice] = (*rules, *notices)
    for place, one in enumerate(everyone):
        try:
            checker.check(one, place)
        except TooTangledError:
            what = (
                f"the policy is too tangled to be checked from {one.name} on: the conditions of too many rules overlap in part; "
                "ask for fewer facts in one rule, or put narrow rules before wide ones"
            )
            faults.add(file, one.line, what)
            return


_Asking = TypeVar("_Asking", Rule, Notice)


class _Checker:
    def __init__(self, file: str, city: City, rules: Sequence[Rule], notices: Sequence[Notice], faults: Faults) -> None:
        self.file = file
        self.city = city
        self.rules = rules
        self.notices = notices
        self.faults = faults
        everyone: Sequence[Rule | Notice] = (*rules, *notices)
        self.space = Space(city, rules, notices)
        self.boxes = {one.name: self.space.box(one.conditions) for one in everyone}
        self.asks = {one.name: frozenset(one.conditions) for one in notices}
        self.told: dict[Target, list[Notice]] = {}
        for notice in notices:
            for target in notice.targets:
                self.told.setdefault(target, []).append(notice)

    def check(self, one: Rule | Notice, place: int) -> None:
        everything = self.space.decided if isinstance(one, Rule) else self.space.told
        region = self.space.meet(everything, self.boxes[one.name])
        kind = "rule" if isinstance(one, Rule) else "notice"
        if region is None:
            does = "decides" if isinstance(one, Rule) else "tells"
            self.fault(one, f"{kind} {one.name} never {does}: no complaint can meet all its conditions")
        elif isinstance(one, Rule):
            self.check_rule(one, place, region)
        else:
            self.check_notice(one, region)

    def fault(self, one: Rule | Notice, what: str) -> None:
        self.faults.add(self.file, one.line, what)

    def check_rule(self, rule: Rule, place: int, region: Region) -> None:
        before = [self.boxes[one.name] for one in self.rules[:place]]
        if self.space.left(region, before) is None:
            takers = self.needed(region, list(self.takers(region, place)))
            does = "take" if len(takers) > 1 else "takes"
            self.fault(rule, f"rule {rule.name} never decides: {_named(takers)} before it {does} all that it matches")
            return
        for what in (*self.uncounted(rule, region, before), *self.nobody(rule.target, region, before)):
            self.fault(rule, f"rule {rule.name} decides {what}")

    def takers(self, region: Region, place: int) -> Iterator[Rule]:
        """Which rules before that place decide what the region has."""
        for number, rule in enumerate(self.rules[:place]):
            share = self.space.meet(region, self.boxes[rule.name])
            if share is not None and self.space.left(share, [self.boxes[one.name] for one in self.rules[:number]]) is not None:
                yield rule

    def needed(self, region: Region, takers: list[_Asking]) -> list[_Asking]:
        """Those of them that take the region whole, and none that the others could do without: the first that does alone, if one does."""
        for one in takers:
            if self.space.left(region, [self.boxes[one.name]]) is None:
                return [one]
        for one in tuple(takers):
            rest = [other for other in takers if other is not one]
            if self.space.left(region, [self.boxes[other.name] for other in rest]) is None:
                takers = rest
        return takers

    def check_notice(self, notice: Notice, region: Region) -> None:
        for target in notice.targets:
            for what in self.nobody(target, region, ()):
                self.fault(notice, f"notice {notice.name} tells of {what}")
            # Of two that are the same only the later is too much.
            before = [
                one
                for one in self.told[target]
                if one is not notice and (one.line < notice.line or self.asks[one.name] != self.asks[notice.name])
            ]
            if self.space.left(region, [self.boxes[one.name] for one in before]) is None:
                told = _named(self.needed(region, [one for one in before if self.meets(one, region)]))
                self.fault(notice, f"notice {notice.name} tells {_name(target)} nothing new, it is told already by {told}")

    def meets(self, notice: Notice, region: Region) -> bool:
        return self.space.meet(region, self.boxes[notice.name]) is not None

    def uncounted(self, rule: Rule, region: Region, before: Sequence[Box]) -> Iterator[str]:
        """Complaints that the rule assigns without a category to count them under."""
        if rule.target.kind == "triage" or rule.counted_as is not None:
            return
        for category in self.values(region, before, "category", Condition("category", WITHOUT_CATEGORY)):
            yield f"{_what(category)}; say under which it is counted (as: CATEGORY), or send it to triage"

    def nobody(self, target: Target, region: Region, before: Sequence[Box]) -> Iterator[str]:
        """Complaints for which a target names no unit."""
        needed = _places_for(target)
        missing = frozenset(kind for kind in KINDS if kind not in needed)
        kinds = self.values(region, before, "place", Condition("place", missing)) if missing else []
        if kinds:
            places = f"{', '.join(kinds[:-1])} or {kinds[-1]}" if len(kinds) > 1 else kinds[0]
            yield f"complaints whose place is {places}, for which to: {_name(target)} names nobody; add place: {_list(needed)}"
        if target.kind in {"branch", "agency"} and target.of is None:
            without = frozenset(what.category for what in whats(self.city) if what.agency is None)
            for category in self.values(region, before, "category", Condition("category", without)):
                yield f"{_what(category)}, for which to: {_name(target)} names nobody, since no agency acts for it"

    def values(self, region: Region, before: Sequence[Box], fact: str, bad: Condition) -> list[str]:
        """Which of the bad values of a fact reach a rule."""
        share = self.space.meet(region, self.space.box((bad,)))
        if share is None or self.space.left(share, before) is None:
            return []
        possible = dict.fromkeys(getattr(value, fact) for value in self.space.values_in(share, fact))
        return [value for value in possible if self.reaches(share, before, Condition(fact, frozenset({value})))]

    def reaches(self, region: Region, before: Sequence[Box], condition: Condition) -> bool:
        share = self.space.meet(region, self.space.box((condition,)))
        return share is not None and self.space.left(share, before) is not None


def _places_for(target: Target) -> tuple[PlaceKind, ...]:
    """Kinds of place of which the target can name a unit."""
    needs: Literal["ward", "kecamatan"] | None
    match target.kind:
        case "ward":
            needs = "ward"
        case "kecamatan" | "branch":
            needs = "kecamatan"
        case "triage":
            needs = "ward" if target.of == "ward" else "kecamatan" if target.of == "kecamatan" else None
        case "agency" | "unit":
            needs = None
    return KINDS if needs is None else ("known",) if needs == "ward" else ("known", "kecamatan")


def _named(takers: Sequence[Rule | Notice]) -> str:
    return ", ".join(f"{one.name} (line {one.line})" for one in takers)


def _list(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"[{', '.join(values)}]"


def _name(target: Target) -> str:
    """A target as it is written in the file."""
    return target.kind if target.of is None else f"{{{target.kind}: {target.of}}}"


def _what(category: str) -> str:
    return f"complaints whose category is {category}" if category in WITHOUT_CATEGORY else f"category {category}"
