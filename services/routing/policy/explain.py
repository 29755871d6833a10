"""Why one complaint goes where it goes, on one screen: place, category, each rule until the first that matches, unit, clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.routing.decide import Decided, Judged, Known
from services.routing.places import full_name
from services.routing.policy.policy import WORDS, Condition, Facts, Notice, Policy, Rule, Target
from services.routing.router import Router
from tanggap.contracts.city import City
from tanggap.contracts.events import ClockTerm, ComplaintAssigned, ComplaintSubmitted, Unit, whole_percent

MOST_RULES: Final = 24
"""So many rules are shown one by one; of more, the first ones are counted by what they failed at."""
YES, NO = "✓", "✗"
_MOST_VALUES: Final = 4
_MOST_TEXT: Final = 160


def explain(submitted: ComplaintSubmitted, router: Router, policy_from: str) -> RenderableType:
    """Decide a complaint as the service would, and tell how. `policy_from`: where the policy was taken from."""
    known = router.know(submitted)
    judged = router.judge(known)
    decided = router.decide(submitted)
    city = router.city
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(style="bold", no_wrap=True, width=9)
    table.add_column(ratio=1)
    for name, lines in (
        ("Complaint", _complaint(submitted, known.facts, city)),
        ("Place", _place(submitted, known, decided, router)),
        ("Category", _category(submitted, known, judged, decided, router)),
        ("Policy", [f"{router.policy.version}, {policy_from}"]),
        ("", [_rules(router.policy, known.facts, judged.rule)]),
        ("Unit", _unit(judged, decided, city)),
        ("Told too", [_notices(router.policy, judged, city)] if router.policy.notices else ["nobody: the policy has no notices"]),
        ("Clocks", [_clocks(decided.clocks, city)]),
        ("Reason", [decided.decision.reason.id, Text(decided.decision.reason.en, style="dim")]),
        ("Versions", [_versions(decided, city)]),
    ):
        table.add_row(name, Group(*lines))
    return table


def _complaint(submitted: ComplaintSubmitted, facts: Facts, city: City) -> list[RenderableType]:
    text = submitted.description if len(submitted.description) <= _MOST_TEXT else submitted.description[: _MOST_TEXT - 3] + "..."
    point = submitted.location
    said = [
        f"at {point.lat},{point.lon}" if point is not None else "no point",
        f"address {submitted.address!r}" if submitted.address else "no address",
        f"app {submitted.app}" + (f", source {submitted.source}" if submitted.source else ""),
        *(f"{key}={value}" for key, value in submitted.attributes.items()),
        f"received {_local(submitted.received_at, city)} ({'office hours' if facts.hours == 'office' else 'offices closed'})",
    ]
    return [Text(f"“{text}”", style="italic"), Text(" · ".join(said), style="dim")]


def _place(submitted: ComplaintSubmitted, known: Known, decided: Decided, router: Router) -> list[RenderableType]:
    decision, facts, city = decided.decision, known.facts, router.city
    where = _unit_name(facts.ward or facts.kecamatan, city) if facts.ward or facts.kecamatan else "not known in the city"
    lines: list[RenderableType] = [
        f"{where} · place: {facts.place}, named by: {decision.method}, confidence {whole_percent(decision.confidence)}%"
    ]
    gazetteer = router.readers.gazetteer
    if gazetteer is None:
        lines.append(Text("by words: the city has no gazetteer", style="dim"))
    else:
        named = gazetteer.find(submitted.address, submitted.description)
        unit = named.ward or named.kecamatan
        said = (
            f"{_unit_name(unit.code, city)}, from the {named.how} {named.matched!r}, confidence {whole_percent(named.confidence)}%"
            if unit is not None
            else "no place is named for certain"
            if named.others
            else "no place is named"
        )
        others = f"; {'or' if unit is not None else 'may be'} {_names(named.others, city)}" if named.others else ""
        lines.append(Text(f"by words: {said}{others}", style="dim"))
    if known.place.others:
        # "Also" is beside a place that is named.
        may = "may also be" if facts.ward or facts.kecamatan else "may be"
        lines.append(Text(f"{may}: {_names(known.place.others, city)}", style="dim"))
    lines += [Text(words.en, style="yellow") for words in decision.conflicts]
    return lines


def _category(
    submitted: ComplaintSubmitted, known: Known, judged: Judged, decided: Decided, router: Router
) -> list[RenderableType]:
    facts, decision, counted, city = known.facts, decided.decision, judged.counted, router.city
    given = {
        "app": f"named by the app as {submitted.category!r}",
        "text": "by its words",
        "none": "neither the app nor the text names one",
    }[facts.category_from]
    confidence = decision.category_confidence
    sure = f", confidence {whole_percent(confidence)}%" if confidence is not None else ""
    words = f", words: {', '.join(decision.category_words)}" if decision.category_words else ""
    may = "may also be" if facts.category in city.categories else "may be"
    others = f"; {may} {', '.join(decision.other_categories)}" if decision.other_categories else ""
    lines: list[RenderableType] = [f"{facts.category} · {given}{sure}{words}{others}"]
    if counted.category != facts.category:
        lines.append(f"counted as {counted.category}, by the rule that decides")
    if counted.urgency is not None:
        can = "can" if counted.ward_can_handle == "yes" else "can't"
        lines.append(Text(f"agency {counted.agency or 'none'}, urgency {counted.urgency}, the ward {can} handle it", style="dim"))
    if router.readers.classifier is None:
        lines.append(Text("by words: the city has no classifier", style="dim"))
    return lines


def _rules(policy: Policy, facts: Facts, decides: Rule) -> RenderableType:
    tried = policy.rules[: policy.rules.index(decides)]
    folded, shown = tried[: max(0, len(tried) - MOST_RULES)], tried[max(0, len(tried) - MOST_RULES) :]
    lines = [_Line(NO, _place_of(rule), _fails(_failing(rule.conditions, facts), facts)) for rule in shown]
    if folded:
        failed = Counter(_failing(rule.conditions, facts).fact for rule in folded)
        told = ", ".join(f"{count} at {fact}" for fact, count in failed.items())
        lines.insert(0, _Line(NO, f"{len(folded)} before", f"failed {told}"))
    lines.append(_Line(YES, _place_of(decides), _holds(decides.conditions, facts)))
    rest = len(policy.rules) - len(tried) - 1
    if rest:
        lines.append(_Line(" ", f"{rest} after it", "not asked"))
    return _aligned(lines)


def _notices(policy: Policy, judged: Judged, city: City) -> RenderableType:
    lines = []
    units = {one.notice.name: one.units for one in judged.told}
    for notice in policy.notices:
        matches = notice.matches(judged.counted)
        if not matches:
            what = _fails(_failing(notice.conditions, judged.counted), judged.counted)
        else:
            told = _names(units[notice.name], city) if notice.name in units else "whom it names acts or is told already"
            what = f"{told} ({_holds(notice.conditions, judged.counted)})"
        lines.append(_Line(YES if matches else NO, _place_of(notice), what))
    return _aligned(lines)


class _Line(NamedTuple):
    """Of a rule or notice: whether it matches (a space: not asked), its name with its line in the file, and why."""

    mark: str
    name: str
    why: str


def _aligned(lines: Sequence[_Line]) -> RenderableType:
    """One row for each, cut where the window ends."""
    width = max(len(line.name) for line in lines)
    return Group(*(_row(line, width) for line in lines))


def _row(line: _Line, width: int) -> Text:
    yes = line.mark == YES
    row = Text(no_wrap=True, overflow="ellipsis")
    row.append(f"{line.mark} ", "green" if yes else "red")
    row.append(f"{line.name:<{width}}  ", "bold" if yes else "")
    return row.append(line.why, "" if yes else "dim")


def _place_of(one: Rule | Notice) -> str:
    """Its name, with its line in the file."""
    return f"{one.name}:{one.line}"


def _failing(conditions: Iterable[Condition], facts: Facts) -> Condition:
    """The first condition that does not hold, of a rule that does not match."""
    return next(one for one in conditions if not one.holds(facts))


def _fails(condition: Condition, facts: Facts) -> str:
    fact, values = condition
    if fact == WORDS:
        return f"none of its words: {_values(values)}"
    return f"{fact} is {condition.of(facts) or 'not known'}, not {_values(values)}"


def _holds(conditions: Sequence[Condition], facts: Facts) -> str:
    if not conditions:
        return "always matches"
    return ", ".join(f"{one.fact} is {one.of(facts)}" if one.fact != WORDS else f"words: {one.of(facts)}" for one in conditions)


def _values(values: frozenset[str]) -> str:
    found = sorted(values)
    more = [f"{len(found) - _MOST_VALUES} more"] if len(found) > _MOST_VALUES else []
    return ", ".join([*found[:_MOST_VALUES], *more])


def _unit(judged: Judged, decided: Decided, city: City) -> list[RenderableType]:
    to = f"to: {_target(judged.rule.target)}"
    unit = Text.assemble((_unit_name(judged.unit.code, city), "bold"), f" ({judged.unit.code}), {to}")
    lines: list[RenderableType] = [unit]
    if not isinstance(decided, ComplaintAssigned):
        lines.append(f"triage: a person decides there; what kept the policy from naming a unit: {decided.problem}")
    if decided.decision.alternatives:
        lines.append(Text(f"alternatives: {_names(decided.decision.alternatives, city)}", style="dim"))
    return lines


def _target(target: Target) -> str:
    return target.kind if target.of is None else f"{{{target.kind}: {target.of}}}"


def _clocks(clocks: Sequence[ClockTerm], city: City) -> RenderableType:
    lines = []
    for clock in clocks:
        due = f"due {_short(clock.due_at, city)}" if clock.due_at is not None else "starts later"
        warns = f", warns {_short(clock.warn_at, city)}" if clock.warn_at is not None else ""
        lines.append(f"{clock.clock:<14}  {_hours(clock.budget_seconds):>6} {clock.basis}, {due}{warns}")
    return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"  # noqa: PLR2004 - an hour


def _versions(decided: Decided, city: City) -> RenderableType:
    decision = decided.decision
    found = {
        "policy": decision.policy_version,
        "wards": decision.wards_version,
        "classifier": decision.classifier_version,
        "gazetteer": decision.gazetteer_version,
        "city": city.version,
    }
    return Text(" · ".join(f"{name} {version}" for name, version in found.items() if version is not None), style="dim")


def _names(units: Iterable[Unit], city: City) -> str:
    return ", ".join(_unit_name(unit.code, city) for unit in units)


def _unit_name(code: str | None, city: City) -> str:
    return full_name(city.units[code or city.root])


def _local(moment: datetime, city: City) -> str:
    return f"{moment.astimezone(city.tz):%a %d %b %Y %H:%M %Z}"


def _short(moment: datetime, city: City) -> str:
    return f"{moment.astimezone(city.tz):%a %d %b %H:%M}"
