"""One decision: from a complaint as it was submitted to the event that names its unit, in one pure call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from services.routing.classifier.classifier import OTHER, Classifier
from services.routing.gazetteer.gazetteer import Gazetteer, Named
from services.routing.places import Found, Places, Said, locate
from services.routing.policy.policy import (
    NO_CATEGORY,
    UNKNOWN_CATEGORY,
    UNSURE_CATEGORY,
    Facts,
    Policy,
    Rule,
    Told,
    also_told,
    counted,
    facts_of,
    name_unit,
)
from services.routing.subject import Subject, name_subject
from services.routing.tokens import may_be_stretched, tokens_of
from services.routing.wards.wards import Wards
from tanggap.contracts.city import City
from tanggap.contracts.events import (
    CategoryMethod,
    ComplaintAssigned,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    TriageProblem,
    Unit,
    Urgency,
    whole_percent,
)

Decided = ComplaintAssigned | ComplaintTriageRequested

_A_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
"""An app's own category may be repeated where it looks like a code; anything else might be the citizen's words."""

_URGENCIES: Final = get_args(Urgency)
"""The most urgent first."""
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


@dataclass(slots=True)  # frozen, it would take longer to make for every complaint
class Known:
    """What is known of a complaint before any policy is asked: the dear part of a decision."""

    place: Found
    subject: Subject
    facts: Facts


@dataclass(slots=True)  # frozen, it would take longer to make for every complaint
class Judged:
    """What a policy says of it: the rule, the unit that it names, and the notices that match. `counted`: the facts that notices see."""

    rule: Rule
    unit: Unit
    counted: Facts
    told: tuple[Told, ...]

    @property
    def triage(self) -> bool:
        """Whether a person decides instead of the policy."""
        return self.rule.target.kind == "triage"

    @property
    def urgency(self) -> Urgency | None:
        """The urgency that a triage has at least, by the notices that match; None where they say none."""
        said = [one.notice.urgency for one in self.told if one.notice.urgency is not None]
        return min(said, key=_URGENCIES.index, default=None)

    @property
    def also(self) -> tuple[Unit, ...]:
        """Everybody who is told besides."""
        return tuple([unit for one in self.told for unit in one.units]) if self.told else ()


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads a complaint's words: for its place and for its category. A city without their data does without, and says so."""

    gazetteer: Gazetteer | None = None
    classifier: Classifier | None = None


NO_READERS: Final = Readers()


def know(submitted: ComplaintSubmitted, places: Places, wards: Wards, readers: Readers = NO_READERS) -> Known:
    """Find out what rules may ask of a complaint. Total."""
    [known] = know_all((submitted,), places, wards, readers)
    return known


def know_all(batch: Sequence[ComplaintSubmitted], places: Places, wards: Wards, readers: Readers = NO_READERS) -> list[Known]:
    """Find out what rules may ask of each complaint of a batch. Total.

    Step by step for all of them, not complaint by complaint: a step that follows itself finds its own code in the processor's nearest
    cache, which holds one but not all of them.
    """
    gazetteer, classifier, city = readers.gazetteer, readers.classifier, places.city
    stretched, found, tokens, subjects, known = [], [], [], [], []
    # Loops by index: for a batch of one, comprehensions and `zip` would take a twentieth of the whole decision.
    for one in batch:
        stretched.append(may_be_stretched(one.description))  # noqa: PERF401 - as above; asked once for both who read it
    names: list[Named | None] = [None] * len(batch)
    if gazetteer is not None:
        for at, one in enumerate(batch):
            names[at] = gazetteer.find(one.address, one.description, stretched=stretched[at])
    for at, one in enumerate(batch):
        found.append(locate(one.location, places, wards, names[at]))
    for at, one in enumerate(batch):
        tokens.append(tokens_of(one.description, stretched=stretched[at]))
    for at, one in enumerate(batch):
        subjects.append(name_subject(one, city, classifier, tokens[at]))
    for at, one in enumerate(batch):
        place, subject = found[at], subjects[at]
        facts = facts_of(city, one, subject.category, subject.category_from, place.kind, place.at, tokens[at])
        known.append(Known(place, subject, facts))
    return known


def judge(known: Known, city: City, policy: Policy) -> Judged:
    """Ask the policy. Total."""
    facts = known.facts
    rule, notices = policy.ask(facts)
    unit = name_unit(city, rule.target, facts) or city.triage_unit
    if rule.counted_as is not None:
        facts = counted(city, facts, rule.counted_as)
        notices = policy.ask(facts).notices
    return Judged(rule, unit, facts, also_told(city, policy, facts, notices, unit, spoken=known.subject.emergencies))


Reached = tuple[Known, Judged, Said]
"""A decision before any event tells it; the last is the reason, in words."""


def reach_all(
    batch: Sequence[ComplaintSubmitted], places: Places, wards: Wards, policy: Policy, readers: Readers = NO_READERS
) -> list[Reached]:
    """Reach a decision on each complaint of a batch, step by step as `know_all` does. Total."""
    known = know_all(batch, places, wards, readers)
    city, judged, reached = places.city, [], []
    for one in known:
        judged.append(judge(one, city, policy))  # noqa: PERF401 - a loop, as in `know_all`
    for at, one in enumerate(known):
        reached.append((one, judged[at], reason(places, one, judged[at])))
    return reached


@dataclass(frozen=True, slots=True)
class Versions:
    """Of what a decision rests on, as it carries them."""

    policy: str
    wards: str
    classifier: str | None
    gazetteer: str | None


def decide(  # noqa: PLR0917 - all that a decision rests on
    submitted: ComplaintSubmitted,
    city: City,
    wards: Wards,
    policy: Policy,
    now: datetime,
    readers: Readers = NO_READERS,
    places: Places | None = None,
) -> Decided:
    """Name the unit that must act on a complaint, or ask the triage desk to; either with the reason in words. See `decide_all`."""
    [decided] = decide_all((submitted,), city, wards, policy, now, readers, places)
    return decided


def decide_all(  # noqa: PLR0917 - as above
    batch: Sequence[ComplaintSubmitted],
    city: City,
    wards: Wards,
    policy: Policy,
    now: datetime,
    readers: Readers = NO_READERS,
    places: Places | None = None,
) -> list[Decided]:
    """Decide on each complaint of a batch, in its order; all by the same versions of what a decision rests on.

    `now` (aware) is the moment of the decision; clocks run from when the complaint was received. The same complaint makes the
    same event id, whenever it is decided. `places`: the city's, where whoever asks keeps them from one batch to the next. Raises
    `UnknownYear` where working time touches a year without known holidays.
    """
    places = places or Places(city)
    reached = reach_all(batch, places, wards, policy, readers)
    versions = Versions(
        policy.version,
        wards.version,
        readers.classifier.version if readers.classifier is not None else None,
        readers.gazetteer.version if readers.gazetteer is not None else None,
    )
    return [_event(submitted, one, city, now, versions) for submitted, one in zip(batch, reached, strict=True)]


def _event(submitted: ComplaintSubmitted, reached: Reached, city: City, now: datetime, versions: Versions) -> Decided:
    """The event that tells a decision."""
    known, judged, why = reached
    place, facts, rule, to = known.place, known.facts, judged.rule, judged.unit
    category = city.categories.get(judged.counted.category)
    # The event checks what it is made of, in one go: parts that check themselves first take longer.
    decision = {
        "method": place.method,
        "confidence": place.confidence,
        "rule": rule.name,
        "alternatives": _alternatives(city, place, facts, rule, to),
        "reason": _words(why),
        "policy_version": versions.policy,
        "wards_version": versions.wards,
        "category_method": _category_method(known, judged),
        "category_confidence": known.subject.confidence,
        "category_words": known.subject.words,
        "other_categories": tuple([slug for slug in known.subject.others if slug != judged.counted.category]),
        "classifier_version": versions.classifier,
        "gazetteer_version": versions.gazetteer,
        "conflicts": tuple([_words(said) for said in (place.conflict, known.subject.conflict) if said is not None]),
    }
    if judged.triage or category is None:
        urgency = _urgency(known, judged)
        return ComplaintTriageRequested.create(
            complaint_id=submitted.complaint_id,
            cause=submitted.event_id,
            occurred_at=now,
            unit=to,
            ward=place.ward,
            also=judged.also,
            problem=_problem(place, facts),
            category=_repeatable(city, known.subject.category),
            urgency=urgency,
            clocks=city.sla.triage_stamps(submitted.received_at, urgency),
            decision=decision,
        )
    return ComplaintAssigned.create(
        complaint_id=submitted.complaint_id,
        cause=submitted.event_id,
        occurred_at=now,
        unit=to,
        ward=place.ward,
        also=judged.also,
        agency=category.agency,
        category=category.slug,
        urgency=category.urgency,
        clocks=city.sla.stamps(category.slug, category.urgency, submitted.received_at),
        decision=decision,
    )


def _repeatable(city: City, category: str | None) -> str | None:
    """A category that was named, where it may be told to everybody: the city's, or what looks like a code; else None."""
    return category if category in city.categories or (category and _A_CODE.fullmatch(category)) else None


def _category_method(known: Known, judged: Judged) -> CategoryMethod:
    """Who named the category that the complaint is counted under."""
    if judged.counted.category != known.facts.category:
        return "policy"
    return "none" if known.subject.category is None else "text" if known.facts.category_from == "text" else "app"


def _urgency(known: Known, judged: Judged) -> Urgency:
    """How urgent a triage is: as the words, the category or a notice say, whichever says most."""
    if known.subject.emergencies:
        return "emergency"
    return min(known.facts.urgency or "normal", judged.urgency or "low", key=_URGENCIES.index)


def _problem(place: Found, facts: Facts) -> TriageProblem:
    """What kept the policy from naming a unit; the place first, since without it no category would help."""
    return _PLACE_PROBLEMS.get(place.kind) or _CATEGORY_PROBLEMS.get(facts.category, "no_rule")


def _alternatives(city: City, place: Found, facts: Facts, rule: Rule, to: Unit) -> tuple[Unit, ...]:
    """What else than `to` it might be, each once."""
    may_be_the_ward = rule.target.kind == "triage" and place.ward is not None
    if not (place.others or may_be_the_ward):
        return ()
    found = {other.code: other for other in _others(city, place, facts, rule)}
    found.pop(to.code, None)
    return tuple(found.values())


def _others(city: City, place: Found, facts: Facts, rule: Rule) -> Iterator[Unit]:
    """What else it might be: the wards near by; that kota's branch where one lies in another; for triage, the ward itself."""
    if rule.target.kind == "triage" and place.ward is not None:
        yield place.ward
    yield from place.others
    for other in place.others if place.ward is not None else ():
        kota = city.kota(other.code)
        if kota is not None and kota.code != facts.kota:
            there = facts._replace(kota=kota.code, kecamatan=city.units[other.code].parent_code, ward=other.code)
            unit = name_unit(city, rule.target, there)
            if unit is not None:
                yield unit


def _words(said: Said) -> dict[str, str]:
    """A sentence as an event's `Words` are made of it."""
    return {"id": said.id, "en": said.en}


def reason(places: Places, known: Known, judged: Judged) -> Said:
    """The whole decision in some three sentences: the place, the category, the unit and why; and who else is told."""
    place, rule, to = known.place, judged.rule, places.name(judged.unit.code)
    what_id, what_en = _category(places.city, known, rule)
    id_, en = place.words
    if place.others and place.ward is not None and place.method != "text":  # a place by words has told it already
        sure = whole_percent(place.confidence)
        id_, en = f"{id_} Keyakinan kelurahan: {sure}%.", f"{en} Confidence in the ward: {sure}%."
    id_ = f"{id_} {what_id}. Ditujukan ke {to}: {rule.why.id}."
    en = f"{en} {what_en}. Sent to {to}: {rule.why.en}."
    if rule.target.kind == "triage" and _urgency(known, judged) == "emergency":
        id_ += " Diperlakukan sebagai keadaan darurat."
        en += " Treated as an emergency."
    for notice, _, units in judged.told:
        if not units:
            continue
        names = [places.name(unit.code) for unit in units]
        id_ += f" Diberitahukan juga ke {' dan '.join(names)}: {notice.why.id}."
        en += f" Also told: {' and '.join(names)}: {notice.why.en}."
    return Said(id_, en)


def _category(city: City, known: Known, rule: Rule) -> tuple[str, str]:
    """What the complaint is about and who says so, what it is counted as, and what else the words speak of: a sentence but for its end."""
    category, subject = known.facts.category, known.subject
    if category == UNSURE_CATEGORY:
        return _unsure(city, subject, rule.counted_as)
    id_, en = _named(city, category, subject)
    if rule.counted_as is not None and rule.counted_as != category:
        counted = city.categories[rule.counted_as]
        id_ += f"; dicatat sebagai {counted.label_id}"
        en += f"; counted as {counted.label_en}"
    spoken = [slug for slug in subject.emergencies if slug != rule.counted_as] if subject.emergencies else ()
    if spoken:
        # Who hears of every emergency is told of this one: the reason must say which it is.
        sure, may = whole_percent(subject.spoken or 0), [city.categories[slug] for slug in spoken]
        names_id, names_en = " atau ".join([one.label_id for one in may]), " or ".join([one.label_en for one in may])
        id_ += f"; isi laporan mungkin menyangkut keadaan darurat: {names_id} (keyakinan {sure}%)"
        en += f"; the report's text may speak of an emergency: {names_en} (confidence {sure}%)"
    # What the words contradict is told beside the reason. An app's "other" says nothing of the subject, so all is told that it may be.
    more = (subject.second,) if subject.conflict is not None and category != OTHER else subject.others
    if more and (
        may_be := [city.categories[slug] for slug in more if slug and slug not in (category, OTHER, rule.counted_as, *spoken)]
    ):
        also_id, also_en = ("", "") if category == UNKNOWN_CATEGORY and not spoken else ("juga ", "also ")
        id_ += f"; laporan ini mungkin {also_id}menyangkut {' atau '.join([one.label_id for one in may_be])}"
        en += f"; the report may {also_en}be about {' or '.join([one.label_en for one in may_be])}"
    return id_, en


def _named(city: City, category: str, subject: Subject) -> tuple[str, str]:
    """The category and who named it, as the beginning of a sentence."""
    if category == UNKNOWN_CATEGORY:
        repeated = _repeatable(city, subject.category)
        said = f' "{repeated}"' if repeated else ""
        return f"Kategori dari aplikasi{said} tidak dikenal", f"The app's category{said} is not known"
    if category == NO_CATEGORY:
        id_, en = "Aplikasi tidak menyebut kategori", "The app named no category"
        if subject.read:
            id_ += ", dan isi laporan pun tidak menunjukkannya"
            en += ", and the report's text shows none either"
        return id_, en
    one = city.categories[category]
    if subject.category_from != "text":
        return f"Kategori: {one.label_id}, menurut aplikasi", f"Category: {one.label_en}, as the app named it"
    sure_id, sure_en = _sure(subject)
    return (
        f"Kategori: {one.label_id}, terbaca dari isi laporan{sure_id}",
        f"Category: {one.label_en}, read from the report's text{sure_en}",
    )


def _unsure(city: City, subject: Subject, counted_as: str | None) -> tuple[str, str]:
    """That the text speaks of a category, not surely enough; what it is counted as and what else it may be, each once."""
    id_, en = "Kategori belum jelas dari isi laporan", "The report's text does not make its category clear"
    names = {slug: (city.categories[slug].label_id, city.categories[slug].label_en) for slug in subject.others}
    if names:  # how sure the text is, it is of the first
        likeliest = subject.others[0]
        sure_id, sure_en = _sure(subject)
        names[likeliest] = (names[likeliest][0] + sure_id, names[likeliest][1] + sure_en)
    if counted_as is not None:
        counted = city.categories[counted_as]
        name_id, name_en = names.pop(counted_as, (counted.label_id, counted.label_en))
        id_ += f"; dicatat sebagai {name_id}"
        en += f"; counted as {name_en}"
    if names:
        ids, ens = zip(*names.values(), strict=True)
        id_ += f"; mungkin {'juga ' if counted_as is not None else ''}{' atau '.join(ids)}"
        en += f"; it may {'also ' if counted_as is not None else ''}be {' or '.join(ens)}"
    return id_, en


def _sure(subject: Subject) -> tuple[str, str]:
    """How sure the likeliest category is by the complaint's words, and by which of the classifier's own, in brackets."""
    words, sure = ", ".join(subject.words), whole_percent(subject.confidence or 0)
    if not words:
        return f" (keyakinan {sure}%)", f" (confidence {sure}%)"
    return f" (keyakinan {sure}%; kata: {words})", f" (confidence {sure}%; words: {words})"
