"""Who must act: the city's routing policy (`routing.yaml`), asked with the facts of a complaint.

The policy is an ordered list of rules; the first that matches decides. Beside them stand notices: each that matches has its units
told at the same time, whoever acts. `file.py` reads the file, `check.py` proves that every complaint finds a unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, NamedTuple, TypeVar

from services.routing.policy.words import NO_EXCEPTIONS, Exceptions, Said, Wanted
from tanggap.contracts.city import City
from tanggap.contracts.events import ComplaintSubmitted, Unit, Urgency, Words

NO_CATEGORY: Final = "none"
"""As a value of `category`: neither the app nor the text names one."""
UNKNOWN_CATEGORY: Final = "unknown"
"""As a value of `category`: the app named one that the city doesn't have."""
UNSURE_CATEGORY: Final = "unsure"
"""As a value of `category`: the app named none, and the text speaks of one, but not surely enough."""
WITHOUT_CATEGORY: Final = frozenset({NO_CATEGORY, UNKNOWN_CATEGORY, UNSURE_CATEGORY})
NONE: Final = "none"
"""As a value of `source` or of an attribute: the app said nothing."""

PlaceKind = Literal["known", "kecamatan", "none", "outside"]
CategoryFrom = Literal["app", "text", "none"]
HoursKind = Literal["office", "off"]
TargetKind = Literal["ward", "kecamatan", "branch", "agency", "unit", "triage"]
YesNo = Literal["yes", "no"]

ATTRIBUTE: Final = "attributes."
"""What the fact of an attribute begins with; its key follows."""
WORDS: Final = "words"
BUT_NOT_IN: Final = "but_not_in"
"""What may stand beside `words` in a `when`: phrases within which they don't count."""
BUT_NOT_AFTER: Final = "but_not_after"
"""As `BUT_NOT_IN`: words right after which they don't count."""


class Sent:
    """What was sent, of which rules may ask; each is made ready when the first does, since of most complaints none does.

    `tokens`: the description's own (`tokens_of`), where they are at hand.
    """

    def __init__(self, city: City, submitted: ComplaintSubmitted, tokens: list[str] | None = None) -> None:
        self.words: Final = Said(submitted.description, tokens)
        self._city: Final = city
        self._submitted: Final = submitted

    @cached_property
    def hours(self) -> HoursKind:
        """Whether the city's offices were open when it was received.

        A year without known holidays has none here, since whoever is told by night or day must be told all the same.
        """
        return "office" if self._city.calendar.provisional.is_open(self._submitted.received_at) else "off"

    @cached_property
    def app(self) -> str:
        """Who sent it."""
        return folded(self._submitted.app)

    @cached_property
    def source(self) -> str:
        """Where from, in the app's words."""
        source = self._submitted.source
        return folded(source) if source is not None else NONE

    @cached_property
    def attributes(self) -> Mapping[str, str]:
        """What else the app said."""
        return {key: folded(value) for key, value in self._submitted.attributes.items()}


class Facts(NamedTuple):
    """What rules may ask of a complaint. The names are the keys of a rule's `when`.

    `category`: its slug, `none`, `unsure` or `unknown`; `category_from`: who named it. `agency`, `urgency` and `ward_can_handle` are
    the category's; None where it has none. `place`: `known` (a ward is named), `kecamatan` (no more than that is), `none` or
    `outside`; `kota`, `kecamatan` and `ward`: codes, None where not known.
    """

    category: str
    category_from: CategoryFrom
    agency: str | None
    urgency: Urgency | None
    ward_can_handle: YesNo | None
    place: PlaceKind
    kota: str | None
    kecamatan: str | None
    ward: str | None
    sent: Sent

    @property
    def hours(self) -> HoursKind:
        """Whether the city's offices were open when it was received."""
        return self.sent.hours

    @property
    def app(self) -> str:
        """Who sent it, without case; so are `source` and `attributes`."""
        return self.sent.app

    @property
    def source(self) -> str:
        """Where the app has it from."""
        return self.sent.source

    @property
    def attributes(self) -> Mapping[str, str]:
        """What else the app said."""
        return self.sent.attributes

    @property
    def words(self) -> Said:
        """The citizen's words."""
        return self.sent.words


class Condition(NamedTuple):
    """One condition of a rule. `fact`: a name of `Facts`, or `attributes.KEY`. `values`: any of these will do.

    `but_not`: of words, where they don't count.
    """

    fact: str
    values: frozenset[str]
    but_not: Exceptions = NO_EXCEPTIONS

    @property
    def words(self) -> Wanted:
        """The values of a condition that asks for words."""
        return Wanted(self.values, self.but_not)

    def holds(self, facts: Facts) -> bool:
        """Whether the complaint meets it."""
        if self.fact == WORDS:
            return self.words.in_(facts.words)
        return self.of(facts) in self.values

    def of(self, facts: Facts) -> str | None:
        """What the complaint has instead; of words, those wanted ones that it has."""
        if self.fact == WORDS:
            return ", ".join(self.words.found(facts.words)) or None
        if self.fact.startswith(ATTRIBUTE):
            return facts.attributes.get(self.fact.removeprefix(ATTRIBUTE), NONE)
        value: str | None = getattr(facts, self.fact)
        return value


_FEW: Final = Facts._fields.index("place") + 1
"""So many facts, the first, have few combinations in a city: what a complaint is about, and how it is placed. What rules say of each is
kept."""
_FEW_NAMES: Final = frozenset(Facts._fields[:_FEW])
_MOST_COMBINATIONS: Final = 2_000
"""So many are kept; beyond, all are forgotten. A city has some three hundred."""


class Conditions:
    """The conditions of a rule, all of which must hold, made ready to be asked of every complaint: the dearest come last."""

    __slots__ = ("_attributes", "_facts", "_few", "_words")

    def __init__(self, conditions: Iterable[Condition]) -> None:
        conditions = tuple(conditions)
        self._words: Final = next((one.words for one in conditions if one.fact == WORDS), None)
        self._attributes: Final = tuple(
            (one.fact.removeprefix(ATTRIBUTE), one.values) for one in conditions if one.fact.startswith(ATTRIBUTE)
        )
        self._few: Final = tuple((one.fact, one.values) for one in conditions if one.fact in _FEW_NAMES)
        self._facts: Final = tuple(
            (one.fact, one.values)
            for one in conditions
            if one.fact != WORDS and not one.fact.startswith(ATTRIBUTE) and one.fact not in _FEW_NAMES
        )

    @property
    def keys(self) -> frozenset[str]:
        """Words of which a text must have one; empty where no words are asked for."""
        return self._words.keys if self._words is not None else frozenset()

    @property
    def are_few(self) -> bool:
        """Whether they ask for nothing but facts of which there are few combinations."""
        return not (self._facts or self._attributes or self._words is not None)

    def few_hold(self, facts: Facts) -> bool:
        """Whether the complaint meets those that ask for facts of which there are few combinations."""
        return all(getattr(facts, fact) in values for fact, values in self._few)

    def others_hold(self, facts: Facts, keys: AbstractSet[str] | None = None) -> bool:
        """Whether it meets the others. `keys`: as for `Wanted.in_`."""
        # Loops, not `all`: asked for every complaint, and `all` takes twice as long.
        for fact, values in self._facts:
            if getattr(facts, fact) not in values:
                return False
        for key, values in self._attributes:
            if facts.attributes.get(key, NONE) not in values:
                return False
        return self._words is None or self._words.in_(facts.sent.words, keys)

    def hold(self, facts: Facts) -> bool:
        """Whether the complaint meets all."""
        return self.few_hold(facts) and self.others_hold(facts)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rule names. `of`: the agency's slug or the unit's code, where the rule says it; else the category's agency.

    Of triage: `ward` or `kecamatan` where that unit's desk decides, None for the city's.
    """

    kind: TargetKind
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `conditions`: for each fact that it asks for, the values that match. `line`: where in the file it begins.

    `counted_as`: the category of the complaints that it takes, all of which came without a known one. `why`: a clause for people.
    """

    name: str
    line: int
    conditions: tuple[Condition, ...]
    target: Target
    counted_as: str | None
    why: Words
    ready: Conditions = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ready", Conditions(self.conditions))

    def matches(self, facts: Facts) -> bool:
        """Whether all its conditions hold."""
        return self.ready.hold(facts)


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is told besides, of complaints that meet its conditions, as the deciding rule counts them.

    Order is nothing to notices: all that match count. `urgency`: a triage of what it tells of is at least so urgent.
    """

    name: str
    line: int
    conditions: tuple[Condition, ...]
    targets: tuple[Target, ...]
    why: Words
    urgency: Urgency | None = None
    ready: Conditions = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ready", Conditions(self.conditions))

    def matches(self, facts: Facts) -> bool:
        """Whether all its conditions hold."""
        return self.ready.hold(facts)


class Answer(NamedTuple):
    """What a policy says of a complaint: the first rule that matches, and every notice that does, in the file's order."""

    rule: Rule
    notices: tuple[Notice, ...]


_Asking = TypeVar("_Asking", Rule, Notice)
_Left = tuple[tuple[_Asking, Conditions | None], ...]
"""Rules or notices that may match, each with the conditions that are left to be asked; None where none is."""


class _Open(NamedTuple):
    """What is left to be asked of the complaints that have some combination of few facts.

    `keys`: words of which a text must have one for any that asks for words to match. `silent`: the answer for a text that has none of
    these, as most have none; None where other conditions are left.
    """

    rules: _Left[Rule]
    notices: _Left[Notice]
    keys: frozenset[str]
    silent: Answer | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that has passed every check. `version` is its name and the start of its SHA-256 sum; `raw` is its file's bytes."""

    version: str
    rules: tuple[Rule, ...]
    notices: tuple[Notice, ...] = ()
    raw: bytes = field(default=b"", repr=False)
    _open: dict[tuple[object, ...], _Open] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ask(self, facts: Facts) -> Answer:
        """Who decides, and which notices match. Total: the last rule has no conditions."""
        known = self._open.get(facts[:_FEW]) or self._look(facts)
        # Asked once for all that ask for words, of which most have none of these few.
        keys = known.keys.intersection(facts.sent.words.tokens) if known.keys else known.keys
        if not keys and known.silent is not None:
            return known.silent
        rule = next(rule for rule, left in known.rules if left is None or left.others_hold(facts, keys))
        return Answer(rule, tuple([notice for notice, left in known.notices if left is None or left.others_hold(facts, keys)]))

    def _look(self, facts: Facts) -> _Open:
        """What is left to be asked of a complaint: most rules ask what it is about, and whether its place is known."""
        if len(self._open) >= _MOST_COMBINATIONS:
            self._open.clear()
        rules, notices = _left(self.rules, facts), _left(self.notices, facts)
        keys = frozenset[str]().union(*(left.keys for _, left in (*rules, *notices) if left is not None))
        rule, *_ = (one for one in rules if one[1] is None or not one[1].keys)
        told = [one for one in notices if one[1] is None or not one[1].keys]
        decided = all(left is None for _, left in (rule, *told))
        silent = Answer(rule[0], tuple([notice for notice, _ in told])) if decided else None
        known = self._open[facts[:_FEW]] = _Open(rules, notices, keys, silent)
        return known


def _left(asking: Iterable[_Asking], facts: Facts) -> _Left[_Asking]:
    """Those that few facts leave open."""
    return tuple([(one, None if one.ready.are_few else one.ready) for one in asking if one.ready.few_hold(facts)])


def facts_of(  # noqa: PLR0917 - a complaint has as many sides
    city: City,
    submitted: ComplaintSubmitted,
    category: str | None,
    category_from: CategoryFrom,
    place: PlaceKind,
    at: str | None,
    tokens: list[str] | None = None,
) -> Facts:
    """The facts of a complaint.

    `category`: as the app wrote it, or the city's slug as the text has it; None with `category_from` text: the text was read and is
    not sure. `at`: code of the ward (`place` known) or of the kecamatan. `tokens`: the description's own (`tokens_of`), where they are at
    hand. Total.
    """
    agency = urgency = can = None
    if category is None:
        slug = UNSURE_CATEGORY if category_from == "text" else NO_CATEGORY
    elif (known := city.categories.get(category)) is None:
        slug = UNKNOWN_CATEGORY
    else:
        slug, agency, urgency = known.slug, known.agency, known.urgency
        can = "yes" if known.ward_can_handle else "no"
    ward = at if place == "known" else None
    kecamatan = city.units[at].parent_code if at is not None and ward is not None else at
    kota = city.units[kecamatan].parent_code if kecamatan is not None else None
    # By place: names take longer, and every complaint waits for this.
    return Facts(
        slug,
        "none" if slug == NO_CATEGORY else category_from,
        agency,
        urgency,
        can,  # type: ignore[arg-type] # yes or no
        place,
        kota,
        kecamatan,
        ward,
        Sent(city, submitted, tokens),
    )


def folded(text: str) -> str:
    """An app's own word as rules compare it: without case and space around it."""
    return text.strip().casefold()


def name_unit(city: City, target: Target, facts: Facts) -> Unit | None:
    """The unit that a target names for a complaint; None where the complaint lacks what the target needs."""
    code: str | None = None
    match target.kind:
        case "ward":
            code = facts.ward
        case "kecamatan":
            code = facts.kecamatan
        case "unit":
            code = target.of
        case "branch":
            agency = target.of or facts.agency
            code = city.agencies[agency].branches[facts.kota] if agency and facts.kota else None
        case "agency":
            agency = target.of or facts.agency
            code = city.agencies[agency].code if agency else None
        case "triage":
            if target.of is None:
                return city.triage_unit
            code = facts.ward if target.of == "ward" else facts.kecamatan
    return city.unit(code) if code is not None else None


def counted(city: City, facts: Facts, slug: str) -> Facts:
    """The facts of a complaint under another category of the city: that by which the rule that decides counts it, for one."""
    category = city.categories[slug]
    can: YesNo = "yes" if category.ward_can_handle else "no"
    return facts._replace(category=category.slug, agency=category.agency, urgency=category.urgency, ward_can_handle=can)


class Told(NamedTuple):
    """A notice that matches, what it saw of the complaint, and whom it tells: nobody, where all that it names act or are told already."""

    notice: Notice
    seen: Facts
    units: tuple[Unit, ...]


def also_told(
    city: City, policy: Policy, facts: Facts, notices: tuple[Notice, ...], acting: Unit, *, spoken: tuple[str, ...] = ()
) -> tuple[Told, ...]:
    """Who is told besides `acting`: each unit once, by the first notice that names it.

    `facts`: as `counted` leaves them; `notices`: those that match then. `spoken`: slugs of categories that the words speak of besides;
    the policy is asked for each too.
    """
    if not notices and not spoken:
        return ()
    found: list[Told] = []
    known = {acting.code}
    for seen in seen_by_notices(city, facts, spoken):
        for notice in notices if seen is facts else policy.ask(seen).notices:
            units = []
            for target in notice.targets:
                unit = name_unit(city, target, seen)
                if unit is not None and unit.code not in known:
                    known.add(unit.code)
                    units.append(unit)
            found.append(Told(notice, seen, tuple(units)))
    return tuple(found)


def seen_by_notices(city: City, facts: Facts, spoken: tuple[str, ...]) -> tuple[Facts, ...]:
    """A complaint as notices see it: as it is counted, then as if it were of each category that its words speak of besides."""
    return (facts, *[counted(city, facts, slug) for slug in spoken]) if spoken else (facts,)
