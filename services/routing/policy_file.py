"""Reads a city's `routing.yaml` and checks it: every fault is named with its line, and a policy with a fault is not used.

```yaml
name: jakarta-1
rules:
  - rule: ward-crew             # its name, in every decision that it makes
    when:                       # all must hold; a list means any of these; a rule without `when` always matches
      ward_can_handle: yes
    to: ward                    # ward | branch | agency | triage | {branch: AGENCY} | {agency: AGENCY} | {unit: CODE}
    as: lainnya                 # the category it is counted under, for complaints that came without a known one
    why: {id: ..., en: ...}     # a clause for people: why this unit
```

The check is exact, since facts have finitely many values: every combination of them is tried. A rule that never decides, a
complaint left over, a target that names nobody for something that reaches it: all are faults.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final, cast, get_args

from services.routing.policy import (
    NO_CATEGORY,
    UNKNOWN_CATEGORY,
    Facts,
    PlaceKind,
    Policy,
    Rule,
    Target,
    TargetKind,
    YesNo,
    every_facts,
    name_unit,
)
from tanggap.contracts.city import CITY_LEVELS, City
from tanggap.contracts.events import Urgency, Words
from tanggap.contracts.faults import CityFaults, Faults
from tanggap.contracts.sources import Entry, read_yaml

FILE: Final = "routing.yaml"
MOST_BYTES: Final = 1_000_000
"""A larger policy is not one that a person wrote."""

_TARGETS: Final = "ward, branch, agency, triage, {branch: AGENCY}, {agency: AGENCY} or {unit: CODE}"
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def load(folder: Path, city: City) -> Policy:
    """The policy of the city in `folder`. Raises `CityFaults` with everything that is wrong with it."""
    path = folder / FILE
    faults = Faults()
    reader = _Reader(city, faults)
    policy = reader.policy(path)
    if faults.found or policy is None:
        raise CityFaults(faults.found)
    return policy


class _Reader:
    def __init__(self, city: City, faults: Faults) -> None:
        self.city = city
        self.faults = faults
        kotas = tuple(sorted(code for code, info in city.units.items() if info.level in CITY_LEVELS))
        self.values: Mapping[str, tuple[str, ...]] = {
            "category": (*city.categories, NO_CATEGORY, UNKNOWN_CATEGORY),
            "agency": tuple(city.agencies),
            "urgency": get_args(Urgency),
            "ward_can_handle": get_args(YesNo),
            "place": get_args(PlaceKind),
            "kota": kotas,
        }
        assert self.values.keys() == {field.name for field in fields(Facts)}  # noqa: S101  # a fact added there is read here

    def policy(self, path: Path) -> Policy | None:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            self.faults.add(path.name, 1, f"has {path.stat().st_size:,} bytes; a policy has at most {MOST_BYTES:,}")
            return None
        try:
            entry = read_yaml(path, self.faults)
        except RecursionError:
            self.faults.add(path.name, 1, "is not YAML that a person wrote: its values lie too deep in one another")
            return None
        if entry is None:
            return None
        record = entry.as_record("the policy", ("name", "rules"))
        name = self.name(record["name"], "the policy's name") if "name" in record else None
        rules = list(self.rules(record["rules"])) if "rules" in record else []
        if self.faults.found or name is None:
            return None
        self.check(path.name, rules)
        return Policy(f"{name}+{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}", tuple(rules))

    def rules(self, entry: Entry) -> Iterator[Rule]:
        items = entry.as_list("rules")
        if not items:
            entry.fault("rules must name at least one rule; the first that matches decides")
        lines: dict[str, int] = {}
        for item in items:
            rule = self.rule(item)
            if rule is None:
                continue
            if rule.name in lines:
                item.fault(f"rule {rule.name} is given twice, first on line {lines[rule.name]}; give each a name of its own")
            lines.setdefault(rule.name, rule.line)
            yield rule

    def rule(self, entry: Entry) -> Rule | None:
        record = entry.as_record("a rule", ("rule", "to", "why"), ("when", "as"))
        name = self.name(record["rule"], "a rule's name") if "rule" in record else None
        conditions = tuple(self.conditions(record["when"])) if "when" in record else ()
        target = self.target(record["to"]) if "to" in record else None
        counted_as = record["as"].as_text("as") if "as" in record else None
        if counted_as is not None and counted_as not in self.city.categories:
            record["as"].fault(f"as: category {counted_as} is unknown{_like(counted_as, self.city.categories)}")
        why = self.words(record["why"]) if "why" in record else None
        if name is None or target is None or why is None:
            return None
        return Rule(name, entry.line, conditions, target, counted_as, why)

    def name(self, entry: Entry, what: str) -> str | None:
        text = entry.as_text(what)
        if text is not None and not _NAME.fullmatch(text):
            entry.fault(f"{what} must be small letters and digits, parted by -, not {text!r}")
        return text

    def conditions(self, entry: Entry) -> Iterator[tuple[str, frozenset[str]]]:
        table = entry.as_table("when")
        if not table:
            entry.fault("when must name a condition; leave it out for a rule that always matches")
        for fact, (line, wanted) in table.items():
            known = self.values.get(fact)
            if known is None:
                self.faults.add(entry.file, line, f"condition {fact} is unknown; known are {', '.join(self.values)}")
                continue
            found = [wanted] if wanted.is_text else wanted.as_list(f"{fact} (a value, or several)")
            if not found:
                wanted.fault(f"{fact} names no value, so the rule can never match")
            values = [(item, text) for item in found if (text := item.as_text(fact)) is not None]
            for item, text in values:
                if text not in known:
                    item.fault(f"{fact}: {text} is unknown{_like(text, known)}")
            yield fact, frozenset(text for _, text in values)

    def target(self, entry: Entry) -> Target | None:
        if entry.is_text:
            kind = entry.as_text("to")
            if kind in {"ward", "branch", "agency", "triage"}:
                return Target(cast("TargetKind", kind))
            entry.fault(f"to: {kind} is unknown; it must be {_TARGETS}")
            return None
        table = entry.as_table("to")
        if len(table) != 1:
            entry.fault(f"to must be {_TARGETS}")
            return None
        ((kind, (line, value)),) = table.items()
        known = {"branch": self.city.agencies, "agency": self.city.agencies, "unit": self.city.units}.get(kind)
        if known is None:
            self.faults.add(entry.file, line, f"to: {kind} is unknown; it must be {_TARGETS}")
            return None
        of = value.as_text(kind)
        if of is not None and of not in known:
            value.fault(f"to: {'unit' if kind == 'unit' else 'agency'} {of} is unknown{_like(of, known)}")
            return None
        return Target(cast("TargetKind", kind), of) if of is not None else None

    def words(self, entry: Entry) -> Words | None:
        record = entry.as_record("why", ("id", "en"))
        said = {language: " ".join((each.as_text(language) or "").split()) for language, each in record.items()}
        return Words(id=said["id"], en=said["en"]) if said.get("id") and said.get("en") else None

    def check(self, file: str, rules: list[Rule]) -> None:
        """Try every combination of facts: each rule must decide some, and must name a unit for each that it decides."""
        if rules[-1].conditions:
            self.faults.add(
                file,
                rules[-1].line,
                f"rule {rules[-1].name} is the last and has a when; end with a rule without, so that none is left over",
            )
        decides: dict[str, list[Facts]] = {rule.name: [] for rule in rules}
        outrun: dict[str, dict[str, int]] = {rule.name: {} for rule in rules}
        for facts in every_facts(self.city):
            matching = [rule for rule in rules if rule.matches(facts)]
            for first in matching[:1]:
                decides[first.name].append(facts)
                for later in matching[1:]:
                    outrun[later.name][first.name] = first.line
        for rule in rules:
            if decides[rule.name]:
                for what in dict.fromkeys(self.nobody(rule, decides[rule.name])):
                    self.faults.add(file, rule.line, f"rule {rule.name} {what}")
            elif outrun[rule.name]:
                earlier = ", ".join(f"{name} (line {line})" for name, line in outrun[rule.name].items())
                self.faults.add(file, rule.line, f"rule {rule.name} never decides: {earlier} before it takes all that it matches")
            else:
                self.faults.add(file, rule.line, f"rule {rule.name} never decides: no complaint can meet all its conditions")

    def nobody(self, rule: Rule, decided: Iterable[Facts]) -> Iterator[str]:
        """For which of the complaints that it decides the rule can't name a unit, or a category to count them under."""
        if rule.target.kind == "triage":
            return
        for facts in decided:
            uncategorised = facts.category in {NO_CATEGORY, UNKNOWN_CATEGORY}
            what = f"complaints whose category is {facts.category}" if uncategorised else f"category {facts.category}"
            if uncategorised and rule.counted_as is None:
                yield f"decides {what}; say under which it is counted (as: CATEGORY), or send it to triage"
            if facts.place != "known" and rule.target.kind in {"ward", "branch"}:
                yield f"decides complaints without a place in the city, for which to: {rule.target.kind} names nobody"
            elif rule.target.kind in {"branch", "agency"} and rule.target.of is None and facts.agency is None:
                yield f"decides {what}, for which to: {rule.target.kind} names nobody, since no agency acts for it"
            elif rule.target.kind != "ward" and name_unit(self.city, rule.target, facts, None) is None:
                yield f"decides {what}, for which to: {rule.target.kind} names nobody"


def _like(value: str, known: Iterable[str]) -> str:
    """A hint where a known name differs only in case and marks."""
    key = re.sub(r"[^a-z0-9]", "", value.lower())
    return next((f"; did you mean {one}?" for one in known if re.sub(r"[^a-z0-9]", "", one.lower()) == key), "")
