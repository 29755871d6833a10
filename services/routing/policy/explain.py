"""Why one complaint goes where it goes, on one screen: place, category, what no rule before matched, unit, who is told, clocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.routing.decide import Decided, Judged, Known
from services.routing.places import Said, full_name
from services.routing.policy.policy import (
    WORDS,
    Condition,
    Facts,
    Notice,
    Policy,
    Rule,
    Target,
    Told,
    seen_by_notices,
)
from services.routing.router import Router
from services.routing.subject import share_of
from tanggap.contracts.city import City
from tanggap.contracts.events import ClockTerm, ComplaintAssigned, ComplaintSubmitted, Unit, whole_percent
from tanggap.platform.terminal import visible

Language = Literal["id", "en"]

NO_APP: Final = "explain"
"""What a complaint bears as its app where none was said: an event must have one."""
YES, NO, NOT_NEW = "✓", "✗", "·"
_MARGIN: Final = 10
"""Columns of the headings at the left."""
_MOST_VALUES: Final = 3
_MOST_WORDS: Final = 20
"""So many words that a text has none of are told where all is: whoever wants hundreds reads them in the file, at the line that is told."""
_MOST_TEXT: Final = 160
_MOST_VALUE: Final = 60
_MOST_ATTRIBUTES: Final = 4
_MOST_REASONS: Final = 6
"""So many reasons why rules did not match are told one by one."""
_NEAR: Final = timedelta(days=6)
"""Within these a day of the week alone is understood."""
_OF_CATEGORY: Final = frozenset({"category", "category_from", "agency", "urgency", "ward_can_handle"})
"""Facts that are others where the words speak of another category."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How it is shown. `language`: of the reason. `everything`: each rule and notice by itself, and what the decision was made with."""

    language: Language = "en"
    everything: bool = False


def explain(submitted: ComplaintSubmitted, router: Router, policy_from: str, shown: Shown = Shown()) -> RenderableType:
    """Decide a complaint as the service would, and tell how. `policy_from`: where the policy was taken from."""
    return _Explanation(submitted, router, shown).screen(policy_from)


class _Explanation:
    """One decision, and what was found on the way to it."""

    def __init__(self, submitted: ComplaintSubmitted, router: Router, shown: Shown) -> None:
        self.submitted = submitted
        self.router = router
        self.shown = shown
        self.city = router.city
        self.known: Known = router.know(submitted)
        self.judged: Judged = router.judge(self.known)
        self.decided: Decided = router.decide(submitted)
        self.spoken = self.known.subject.emergencies
        self.seen = seen_by_notices(self.city, self.judged.counted, self.spoken)
        classifier = router.readers.classifier
        guess = classifier.classify(submitted.description) if classifier is not None and self.spoken else None
        self.sure: Mapping[str, float] = {slug: share_of(guess, slug) for slug in self.spoken} if guess is not None else {}
        """Of categories that the words speak of: how likely."""

    def screen(self, policy_from: str) -> RenderableType:
        reason = self.decided.decision.reason
        table = Table.grid(expand=True)
        table.add_column(style="bold", no_wrap=True, width=_MARGIN)
        table.add_column(ratio=1, overflow="fold")
        rows: list[tuple[str, list[RenderableType]]] = [
            ("Complaint", self.complaint()),
            ("Place", self.place()),
            ("Category", self.category()),
            ("Policy", [Text(visible(f"{self.router.policy.version}, {policy_from}"))]),
            ("", [_listed(self.rules())]),
            ("Unit", self.unit()),
            ("Told too", [_listed(self.notices())] if self.router.policy.notices else ["nobody: the policy has no notices"]),
            ("Clocks", [_clocks(self.decided.clocks, self.city)]),
            ("Reason", [Text(visible(reason.id if self.shown.language == "id" else reason.en))]),
        ]
        if self.shown.everything:
            rows.append(("Versions", [self.versions()]))
        for name, lines in rows:
            table.add_row(name, Group(*lines))
        return table

    # What is known

    def complaint(self) -> list[RenderableType]:
        submitted, facts = self.submitted, self.known.facts
        point = submitted.location
        given = [f"{key}={self.cut(value)}" for key, value in submitted.attributes.items()]
        more = len(given) - _MOST_ATTRIBUTES
        if more > 0 and not self.shown.everything:
            given = [*given[:_MOST_ATTRIBUTES], f"{more} attributes more"]
        said = [
            f"at {point.lat},{point.lon}" if point is not None else "no point",
            *([f"address {self.cut(submitted.address)!r}"] if submitted.address else []),
            *([f"app {self.cut(submitted.app)}"] if submitted.app != NO_APP else []),
            *([f"source {self.cut(submitted.source)}"] if submitted.source else []),
            *given,
            f"{_local(submitted.received_at, self.city)} ({'office hours' if facts.hours == 'office' else 'offices closed'})",
        ]
        text = Text(f"“{visible(self.cut(submitted.description, _MOST_TEXT))}”", style="italic")
        return [text, Text(visible(" · ".join(said)), style="dim")]

    def cut(self, text: str, most: int = _MOST_VALUE) -> str:
        """What was given, as much of it as there is room for, or all."""
        return text if self.shown.everything else _short(text, most)

    def place(self) -> list[RenderableType]:
        decision, facts, city = self.decided.decision, self.known.facts, self.city
        where = _unit_name(facts.ward or facts.kecamatan, city) if facts.ward or facts.kecamatan else "not known in the city"
        lines = [Text(f"{where} · place: {facts.place}, by {decision.method}, confidence {_percent(decision.confidence)}")]
        gazetteer = self.router.readers.gazetteer
        if gazetteer is None:
            lines.append(Text("by words: the city has no gazetteer", style="dim"))
        else:
            named = gazetteer.find(self.submitted.address, self.submitted.description)
            unit = named.ward or named.kecamatan
            if unit is not None:
                sure = _percent(named.confidence)
                said = f"{_unit_name(unit.code, city)}, from the {named.how} {named.matched!r}, confidence {sure}"
            elif named.others:
                said = "no place is named for certain"
            elif named.kota is not None:
                said = f"{_unit_name(named.kota, city)} only, and no kecamatan or ward for certain"
            else:
                said = f"{named.outside}, outside {city.name}" if named.outside else "no place is named"
            # What the place may be instead stands below, where that is the same.
            more = named.others if set(named.others) != set(self.known.place.others) else ()
            others = f"; {'or' if unit is not None else 'may be'} {self.names(more)}" if more else ""
            # Beside a point it goes without saying that the words name none.
            if unit is not None or named.others or facts.place != "known":
                lines.append(Text(visible(f"by words: {said}{others}"), style="dim"))
        if self.known.place.others:
            # "Also" is beside a place that is named.
            may = "may also be" if facts.ward or facts.kecamatan else "may be"
            lines.append(Text(f"{may}: {self.names(self.known.place.others)}", style="dim"))
        return [*lines, *self.conflict(self.known.place.conflict)]

    def conflict(self, said: Said | None) -> list[RenderableType]:
        """What contradicts the place or the category that was taken."""
        return [] if said is None else [Text(visible(said.id if self.shown.language == "id" else said.en), style="yellow")]

    def names(self, units: Sequence[Unit]) -> str:
        """What it may be instead: the first few, or all."""
        shown = units if self.shown.everything or len(units) <= _MOST_VALUES else units[: _MOST_VALUES - 1]
        more = [f"{len(units) - len(shown)} more"] if len(units) > len(shown) else []
        return ", ".join([_names(shown, self.city), *more])

    def category(self) -> list[RenderableType]:
        facts, decision, counted, city = self.known.facts, self.decided.decision, self.judged.counted, self.city
        given = {
            "app": f"named by the app as {self.cut(self.submitted.category or '')!r}",
            "text": "by its words",
            "none": "neither the app nor the text names one",
        }[facts.category_from]
        confidence = decision.category_confidence
        sure = f", confidence {_percent(confidence)}" if confidence is not None else ""
        words = f", words: {', '.join(decision.category_words)}" if decision.category_words else ""
        # What it is counted as stands below.
        other = [slug for slug in decision.other_categories if slug != counted.category]
        may = "may also be" if counted.category in city.categories else "may be"
        others = f"; {may} {', '.join(other)}" if other else ""
        lines = [Text(visible(f"{facts.category} · {given}{sure}{words}{others}"))]
        if counted.category != facts.category:
            lines.append(Text(f"counted as {counted.category}, by the rule that decides"))
        if counted.urgency is not None:
            can = "can" if counted.ward_can_handle == "yes" else "can't"
            of = f"agency {counted.agency or 'none'}, urgency {counted.urgency}, the ward {can} handle it"
            lines.append(Text(of, style="dim"))
        if self.router.readers.classifier is None:
            lines.append(Text("by words: the city has no classifier", style="dim"))
        return [*lines, *self.conflict(self.known.subject.conflict)]

    def spoken_of(self, slug: str) -> str:
        """A category that the words speak of besides the one that counts, as people call it."""
        sure = f", {_percent(self.sure[slug])}" if slug in self.sure else ""
        return f"as {self.city.categories[slug].label(self.shown.language)}, by the words{sure}"

    # What the policy made of it

    def rules(self) -> list[_Line]:
        policy: Policy = self.router.policy
        decides, facts = self.judged.rule, self.known.facts
        tried = policy.rules[: policy.rules.index(decides)]
        lines = self.not_matching([(one, _Failed(_failing(one.conditions, facts), facts, "")) for one in tried], "rules")
        rest = len(policy.rules) - len(tried) - 1
        after = f"; {rest} not asked" if rest else ""
        holds = f"{self.holds(decides.conditions, facts)}, to: {_target(decides.target)}{after}"
        return [*lines, _Line(YES, _place_of(decides), holds)]

    def notices(self) -> list[_Line]:
        policy, told = self.router.policy, self.judged.told
        lines: list[_Line] = []
        as_ = ""
        for notice, seen, units in told:
            if not units:
                continue
            if self.as_(seen) not in {as_, ""}:
                as_ = self.as_(seen)
                lines.append(_Line("", "", as_))
            lines.append(_Line(YES, _place_of(notice), f"{_names(units, self.city)}{self.held(notice, seen)}"))
        telling = {one.notice.name for one in told if one.units}
        silent = {one.notice.name: one for one in reversed(told) if one.notice.name not in telling}
        lines += self.nothing_new([silent[notice.name] for notice in policy.notices if notice.name in silent])
        failed = [
            (one, self.failed(one, named=as_)) for one in policy.notices if one.name not in telling and one.name not in silent
        ]
        return [*lines, *self.not_matching(failed, "notices")]

    def held(self, notice: Notice, seen: Facts) -> str:
        """Why a notice matches: facts that are told above need not be told again."""
        conditions = [one for one in notice.conditions if one.fact == WORDS or self.shown.everything]
        return f" ({self.holds(conditions, seen)})" if conditions or not notice.conditions else ""

    def as_(self, seen: Facts) -> str:
        """As which category a notice saw the complaint, where not as the one that counts."""
        return "" if seen.category == self.judged.counted.category else f"{self.spoken_of(seen.category)}: "

    def nothing_new(self, silent: Sequence[Told]) -> list[_Line]:
        if len(silent) > 1 and not self.shown.everything:
            return [_Line(NOT_NEW, f"{len(silent)} notices", "match too, but name who acts or is told already")]
        told = "names who acts or is told already"
        why = [f"{told}{self.held(one.notice, one.seen) if self.shown.everything else ''}" for one in silent]
        return [_Line(NOT_NEW, _place_of(one.notice), each) for one, each in zip(silent, why, strict=True)]

    def failed(self, notice: Notice, named: str) -> _Failed:
        """Why a notice does not match, whichever category it is asked for: what would keep it from it even then, if anything.

        `named`: as which category it was told of above; how sure that is need not be told again.
        """
        short = {
            seen.category: f"as {self.city.categories[seen.category].label(self.shown.language)}: " for seen in self.seen[1:]
        }
        failed = [
            _Failed(_failing(notice.conditions, seen), seen, short[seen.category] if as_ and as_ == named else as_)
            for seen, as_ in ((seen, self.as_(seen)) for seen in self.seen)
        ]
        first = failed[0]
        return next((one for one in failed if one.condition.fact not in _OF_CATEGORY), first)

    def not_matching(self, failed: Sequence[tuple[Rule | Notice, _Failed]], what: str) -> list[_Line]:
        """A line for each, or for all that failed for one and the same reason."""
        if self.shown.everything:
            return [_Line(NO, _place_of(one), self.why_not(why)) for one, why in failed]
        by_reason: dict[tuple[str, ...], list[tuple[Rule | Notice, _Failed]]] = {}
        for one, why in failed:
            by_reason.setdefault((why.as_, why.condition.fact, *why.excepted), []).append((one, why))
        groups = list(by_reason.values())
        lines = [
            _Line(NO, _place_of(group[0][0]), self.why_not(group[0][1]))
            if len(group) == 1
            else _Line(NO, f"{len(group)} {what}", self.together([why for _, why in group]))
            for group in groups[:_MOST_REASONS]
        ]
        rest = groups[_MOST_REASONS:]
        if rest:
            facts = ", ".join(group[0][1].condition.fact for group in rest[:_MOST_VALUES])
            more = f", {len(rest) - _MOST_VALUES} facts more" if len(rest) > _MOST_VALUES else ""
            lines.append(_Line(NO, f"{sum(map(len, rest))} {what}", f"for other reasons: {facts}{more}"))
        return lines

    def holds(self, conditions: Sequence[Condition], facts: Facts) -> str:
        """What a complaint has of what a rule or notice that matches asks for."""
        if not conditions:
            return "always matches"
        return ", ".join(
            f"{one.fact} is {self.cut(one.of(facts) or '')}" if one.fact != WORDS else f"words: {one.of(facts)}"
            for one in conditions
        )

    def why_not(self, failed: _Failed) -> str:
        """What a complaint has instead."""
        condition = failed.condition
        if failed.excepted:
            return f"{failed.as_}words asked for stand only in: {', '.join(failed.excepted)}"
        if condition.fact == WORDS:
            return f"{failed.as_}none of its words: {self.values(condition.values, _MOST_WORDS)}"
        has = self.cut(condition.of(failed.facts) or "not known")
        return f"{failed.as_}{condition.fact} is {has}, not {self.values(condition.values)}"

    def together(self, failed: Sequence[_Failed]) -> str:
        """Why several did not match that failed at the same fact."""
        first = failed[0]
        if first.condition.fact == WORDS:
            return self.why_not(first) if first.excepted else f"{first.as_}none of their words"
        values = frozenset[str]().union(*(one.condition.values for one in failed))
        return self.why_not(first._replace(condition=Condition(first.condition.fact, values)))

    def values(self, values: frozenset[str], most: int | None = None) -> str:
        """What is asked for: the first few, or all, of which there may be so many; else those few too."""
        found = sorted(values)
        whole = self.shown.everything and (most is None or len(found) <= most)
        shown = found if whole or len(found) <= _MOST_VALUES else found[: _MOST_VALUES - 1]
        more = [f"{len(found) - len(shown)} more"] if len(found) > len(shown) else []
        return ", ".join([*map(self.cut, shown), *more])

    # What comes of it

    def unit(self) -> list[RenderableType]:
        judged, decided, city = self.judged, self.decided, self.city
        lines = [Text.assemble((_unit_name(judged.unit.code, city), "bold"), f" ({judged.unit.code})")]
        if not isinstance(decided, ComplaintAssigned):
            lines.append(Text(f"triage: a person decides there ({decided.problem}), urgency {decided.urgency}"))
        alternatives = decided.decision.alternatives
        if alternatives and (self.shown.everything or set(alternatives) != set(self.known.place.others)):
            lines.append(Text(f"alternatives: {self.names(alternatives)}", style="dim"))
        return [*lines]

    def versions(self) -> RenderableType:
        decision = self.decided.decision
        found = {
            "policy": decision.policy_version,
            "wards": decision.wards_version,
            "classifier": decision.classifier_version,
            "gazetteer": decision.gazetteer_version,
            "city": self.city.version,
        }
        return Text(" · ".join(f"{name} {version}" for name, version in found.items() if version is not None), style="dim")


class _Line(NamedTuple):
    """Of rules or notices: whether they match, the name with its line in the file, and why."""

    mark: str
    name: str
    why: str


class _Failed(NamedTuple):
    """The first condition that does not hold, what it was asked of, and as which category that was, in words."""

    condition: Condition
    facts: Facts
    as_: str

    @property
    def excepted(self) -> list[str]:
        """Phrases of the text that hold words asked for, which don't count there."""
        return self.condition.words.excepted(self.facts.words) if any(self.condition.but_not) else []


def _listed(lines: Sequence[_Line]) -> RenderableType:
    """A paragraph for each, beside its mark."""
    table = Table.grid(expand=True)
    table.add_column(no_wrap=True, width=2)
    table.add_column(ratio=1, overflow="fold")
    for line in lines:
        yes = line.mark == YES
        name = f"{line.name}  " if line.name else ""
        told = Text.assemble((name, "bold" if yes else ""), (visible(line.why), "" if yes else "dim"))
        table.add_row(Text(line.mark, "green" if yes else "red" if line.mark == NO else "dim"), told)
    return table


def _place_of(one: Rule | Notice) -> str:
    """Its name, with its line in the file."""
    return f"{one.name}:{one.line}"


def _failing(conditions: Iterable[Condition], facts: Facts) -> Condition:
    """The first condition that does not hold, of a rule that does not match."""
    return next(one for one in conditions if not one.holds(facts))


def _target(target: Target) -> str:
    return target.kind if target.of is None else f"{{{target.kind}: {target.of}}}"


def _clocks(clocks: Sequence[ClockTerm], city: City) -> RenderableType:
    budgets = [_span(clock.budget_seconds) for clock in clocks]
    name, budget = max((len(clock.clock) for clock in clocks), default=0), max(map(len, budgets), default=0)
    lines = []
    for clock, span in zip(clocks, budgets, strict=True):
        due = f"due {_day_and_time(clock.due_at, city)}" if clock.due_at is not None else "starts later"
        warns = f", warns {_before(clock.warn_at, clock.due_at, city)}" if clock.warn_at and clock.due_at else ""
        lines.append(f"{clock.clock:<{name}} {span:>{budget}} {clock.basis}, {due}{warns}")
    return Text("\n".join(lines), overflow="fold")


def _span(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"  # noqa: PLR2004 - an hour


def _names(units: Iterable[Unit], city: City) -> str:
    return ", ".join(_unit_name(unit.code, city) for unit in units)


def _unit_name(code: str | None, city: City) -> str:
    return full_name(city.units[code or city.root])


def _percent(confidence: float) -> str:
    return f"{whole_percent(confidence)}%"


def _short(text: str, most: int = _MOST_VALUE) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _local(moment: datetime, city: City) -> str:
    return f"{moment.astimezone(city.tz):%a %d %b %Y %H:%M %Z}"


def _day_and_time(moment: datetime, city: City) -> str:
    return f"{moment.astimezone(city.tz):%a %d %b %H:%M}"


def _before(moment: datetime, due: datetime, city: City) -> str:
    """A moment as short as it can be understood beside the later one that it comes before."""
    local, later = moment.astimezone(city.tz), due.astimezone(city.tz)
    if local.date() == later.date():
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if later - local < _NEAR else f"{local:%d %b %H:%M}"
