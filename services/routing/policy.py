"""Who must act: the city's routing policy (`routing.yaml`), asked with the facts of a complaint.

The policy is an ordered list of rules; the first that matches decides. A rule's conditions are about `Facts`, each of which has
a known, finite set of values. `policy_file.py` reads the file and checks it by trying every combination of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

from tanggap.contracts.city import CITY_LEVELS, City
from tanggap.contracts.events import Unit, Urgency, Words

NO_CATEGORY: Final = "none"
"""As a value of `category`: the app named none."""
UNKNOWN_CATEGORY: Final = "unknown"
"""As a value of `category`: the app named one that the city doesn't have."""

PlaceKind = Literal["known", "none", "outside"]
TargetKind = Literal["ward", "branch", "agency", "unit", "triage"]
YesNo = Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may ask of a complaint. The names are the keys of a rule's `when`.

    `category`: its slug, `none` or `unknown`. `agency`, `urgency` and `ward_can_handle` are the category's; None where it has
    none. `place`: `known` (a ward is named), `none` (no point) or `outside`. `kota`: code of the kota or kabupaten of the place.
    """

    category: str
    agency: str | None
    urgency: Urgency | None
    ward_can_handle: YesNo | None
    place: PlaceKind
    kota: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rule names. `of`: the agency's slug or the unit's code, where the rule says it; else the category's agency."""

    kind: TargetKind
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `conditions`: for each fact that it asks for, the values that match. `line`: where in the file it begins.

    `counted_as`: the category of a complaint that came without a known one. `why`: a clause for people.
    """

    name: str
    line: int
    conditions: tuple[tuple[str, frozenset[str]], ...]
    target: Target
    counted_as: str | None
    why: Words

    def matches(self, facts: Facts) -> bool:
        """Whether all its conditions hold."""
        for fact, values in self.conditions:  # noqa: SIM110 - asked for every rule of every complaint; `all` takes twice as long
            if getattr(facts, fact) not in values:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that has passed every check. `version` is its name and the start of its SHA-256 sum."""

    version: str
    rules: tuple[Rule, ...]

    def rule_for(self, facts: Facts) -> Rule:
        """The first rule that matches. Total: the last rule has no conditions."""
        for rule in self.rules:
            if rule.matches(facts):
                return rule
        raise LookupError("a policy that was checked ends with a rule that always matches")


def facts_of(city: City, category: str | None, place: PlaceKind, kota: str | None) -> Facts:
    """The facts of a complaint of that category (as the app wrote it) at that place."""
    if category is None:
        return Facts(NO_CATEGORY, None, None, None, place, kota)
    known = city.categories.get(category)
    if known is None:
        return Facts(UNKNOWN_CATEGORY, None, None, None, place, kota)
    return Facts(known.slug, known.agency, known.urgency, "yes" if known.ward_can_handle else "no", place, kota)


def every_facts(city: City) -> Iterator[Facts]:
    """Every combination of facts that a complaint in this city can have."""
    kotas = sorted(code for code, info in city.units.items() if info.level in CITY_LEVELS)
    places: list[tuple[PlaceKind, str | None]] = [("none", None), ("outside", None), *(("known", kota) for kota in kotas)]
    for category, (place, kota) in product((*city.categories, None, ""), places):
        yield facts_of(city, category, place, kota)


def name_unit(city: City, target: Target, facts: Facts, ward: Unit | None) -> Unit | None:
    """The unit that a target names for a complaint; None for triage, and where the complaint lacks what the target needs."""
    agency = target.of or facts.agency
    match target.kind:
        case "ward":
            return ward
        case "unit":
            return city.unit(target.of) if target.of else None
        case "branch":
            return city.branch(agency, facts.kota) if agency and facts.kota else None
        case "agency":
            return city.unit(city.agencies[agency].code) if agency else None
        case "triage":
            return None
