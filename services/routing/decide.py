"""One decision: from a complaint as it was submitted to the event that names its unit, in one pure call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.routing.places import Found, Said, locate
from services.routing.policy import (
    NO_CATEGORY,
    UNKNOWN_CATEGORY,
    UNSURE_CATEGORY,
    CategoryFrom,
    Facts,
    Policy,
    Rule,
    Told,
    also_told,
    facts_of,
    name_unit,
)
from services.routing.wards import Wards
from tanggap.contracts.city import City
from tanggap.contracts.events import (
    ComplaintAssigned,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    Decision,
    TriageProblem,
    Unit,
    Words,
)

Decided = ComplaintAssigned | ComplaintTriageRequested

_A_CODE: Final = re.compile(r"[\w-]{1,40}")
"""An app's own category may be repeated where it looks like a code; anything else might be the citizen's words."""


_PLACE_PROBLEMS: Final[Mapping[str, TriageProblem]] = {
    "none": "no_point",
    "outside": "outside_city",
    "kecamatan": "only_kecamatan",
}
_CATEGORY_PROBLEMS: Final[Mapping[str, TriageProblem]] = {
    NO_CATEGORY: "no_category",
    UNKNOWN_CATEGORY: "unknown_category",
    UNSURE_CATEGORY: "unsure_category",
}


def decide(submitted: ComplaintSubmitted, city: City, wards: Wards, policy: Policy, now: datetime) -> Decided:
    """Name the unit that must act on a complaint, or ask the triage desk to; either with the reason in words.

    `now` (aware) is the moment of the decision; clocks run from when the complaint was received. The same complaint makes the
    same event id, whenever it is decided. Raises `UnknownYear` where working time touches a year without known holidays.
    """
    place = locate(submitted.location, city, wards)
    named: CategoryFrom = "none" if submitted.category is None else "app"
    facts = facts_of(city, submitted, submitted.category, named, place.kind, place.ward.code if place.ward is not None else None)
    rule = policy.rule_for(facts)
    category = city.categories.get(rule.counted_as or facts.category)
    to = name_unit(city, rule.target, facts) or city.triage_unit
    told = also_told(city, policy, facts, to)
    decision = Decision(
        method=place.method,
        confidence=place.confidence,
        rule=rule.name,
        alternatives=tuple(dict.fromkeys(other for other in _alternatives(city, place, facts, rule) if other != to)),
        reason=_reason(city, submitted, place, facts, rule, to, told),
        policy_version=policy.version,
        wards_version=wards.version,
    )
    also = tuple(unit for one in told for unit in one.units)
    if rule.target.kind == "triage" or category is None:
        return ComplaintTriageRequested.create(
            complaint_id=submitted.complaint_id,
            cause=submitted.event_id,
            occurred_at=now,
            unit=to,
            ward=place.ward,
            also=also,
            problem=_problem(place, facts),
            category=submitted.category,
            urgency=facts.urgency or "normal",
            clocks=city.sla.triage_terms(submitted.received_at),
            decision=decision,
        )
    return ComplaintAssigned.create(
        complaint_id=submitted.complaint_id,
        cause=submitted.event_id,
        occurred_at=now,
        unit=to,
        ward=place.ward,
        also=also,
        agency=category.agency,
        category=category.slug,
        urgency=category.urgency,
        clocks=city.sla.terms(category.slug, category.urgency, submitted.received_at),
        decision=decision,
    )


def _problem(place: Found, facts: Facts) -> TriageProblem:
    """What kept the policy from naming a unit; the place first, since without it no category would help."""
    return _PLACE_PROBLEMS.get(place.kind) or _CATEGORY_PROBLEMS.get(facts.category, "no_rule")


def _alternatives(city: City, place: Found, facts: Facts, rule: Rule) -> Iterator[Unit]:
    """What else it might be: the wards near by; that kota's branch where one lies in another; for triage, the ward itself."""
    if rule.target.kind == "triage" and place.ward is not None:
        yield place.ward
    yield from place.others
    for other in place.others if place.ward is not None else ():
        kota = city.kota(other.code)
        if kota is not None and kota.code != facts.kota:
            there = replace(facts, kota=kota.code, kecamatan=city.units[other.code].parent_code, ward=other.code)
            unit = name_unit(city, rule.target, there)
            if unit is not None:
                yield unit


def _reason(  # noqa: PLR0917 - the whole decision is what it says
    city: City, submitted: ComplaintSubmitted, place: Found, facts: Facts, rule: Rule, to: Unit, told: Sequence[Told]
) -> Words:
    """The whole decision in some three sentences: the place, the category, the unit and why; and who else is told."""
    what = _category(city, submitted, facts, rule)
    id_, en = place.words.id, place.words.en
    if place.ward is not None and place.others:
        id_ += f" Keyakinan kelurahan: {place.confidence:.0%}."
        en += f" Confidence in the ward: {place.confidence:.0%}."
    id_ += f" {what.id} Ditujukan ke {to.name}: {rule.why.id}."
    en += f" {what.en} Sent to {to.name}: {rule.why.en}."
    for notice, units in told:
        names = [unit.name for unit in units]
        id_ += f" Diberitahukan juga ke {' dan '.join(names)}: {notice.why.id}."
        en += f" Also told: {' and '.join(names)}: {notice.why.en}."
    return Words(id=id_, en=en)


def _category(city: City, submitted: ComplaintSubmitted, facts: Facts, rule: Rule) -> Said:
    counted = city.categories[rule.counted_as] if rule.counted_as is not None else None
    if facts.category == UNKNOWN_CATEGORY:
        said = f' "{submitted.category}"' if submitted.category and _A_CODE.fullmatch(submitted.category) else ""
        id_, en = f"Kategori dari aplikasi{said} tidak dikenal", f"The app's category{said} is not known"
    elif facts.category == UNSURE_CATEGORY:
        id_, en = "Kategori belum jelas dari isi laporan", "The report's text does not make its category clear"
    elif facts.category == NO_CATEGORY:
        id_, en = "Aplikasi tidak menyebut kategori", "The app named no category"
    else:
        known = city.categories[facts.category]
        id_, en = f"Kategori: {known.label_id}", f"Category: {known.label_en}"
    if counted is not None and counted.slug != facts.category:
        return Said(id=f"{id_}; dicatat sebagai {counted.label_id}.", en=f"{en}; counted as {counted.label_en}.")
    return Said(id=f"{id_}.", en=f"{en}.")
