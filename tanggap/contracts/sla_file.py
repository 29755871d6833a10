"""Reads sla.yaml: each clock's budget by category and urgency, and the triage desk's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast, get_args

from tanggap.contracts.events import ClockName, Urgency
from tanggap.contracts.faults import Faults
from tanggap.contracts.sla_clocks import Budget, Calendar
from tanggap.contracts.sla_policy import CLOCKS, Budgets, SlaPolicy
from tanggap.contracts.sources import Entry, read_yaml

_MOST_HOURS: Final = 24 * 366
_KINDS: Final = ("hours", "working_hours", "working_days")
_STAMPED: Final[tuple[ClockName, ...]] = ("coordinate", "first_response", "resolution")


@dataclass(frozen=True, slots=True)
class Hours:
    """A category's own budgets in calendar hours, from categories.csv."""

    coordinate: float
    resolution: float


def read_sla(path: Path, categories: Mapping[str, Hours], calendar: Calendar | None, faults: Faults) -> SlaPolicy | None:
    """The policy, or None with the faults noted."""
    before = len(faults.found)
    entry = read_yaml(path, faults)
    if entry is None:
        return None
    record = entry.as_record(
        "the policy",
        ("warn_share", "first_response", "triage"),
        ("first_response_by_urgency", "triage_by_urgency", "categories", "verification"),
    )
    share = record["warn_share"].as_number("warn_share", most=1) if "warn_share" in record else None
    if share == 1:
        record["warn_share"].fault("warn_share must be below 1, or the warning would come with the breach")
    general: dict[ClockName, Budget] = {}
    for clock in ("first_response", "verification"):
        if clock in record and (budget := _budget(record[clock], clock)) is not None:
            general[cast("ClockName", clock)] = budget
    by_urgency = _by_urgency(record["first_response_by_urgency"]) if "first_response_by_urgency" in record else {}
    triage = _budgets(record["triage"], "triage") if "triage" in record else {}
    if "triage" in record:
        for clock in _STAMPED:
            if clock not in triage:
                record["triage"].fault(f"triage lacks {clock}; a complaint that waits for a person needs that clock too")
    sooner = _triage_by_urgency(record["triage_by_urgency"]) if "triage_by_urgency" in record else {}
    own = _own(record["categories"], categories) if "categories" in record else {}
    if calendar is None or share is None or len(faults.found) > before:
        return None
    return SlaPolicy(
        calendar=calendar,
        warn_share=share,
        by_category={
            slug: {
                "coordinate": Budget.hours(hours.coordinate),
                "resolution": Budget.hours(hours.resolution),
                **general,
                **own.get(slug, {}),
            }
            for slug, hours in categories.items()
        },
        by_urgency=by_urgency,
        triage=triage,
        triage_by_urgency=sooner,
    )


def _own(entry: Entry, categories: Mapping[str, Hours]) -> dict[str, Budgets]:
    own: dict[str, Budgets] = {}
    for slug, (line, value) in entry.as_table("categories").items():
        if categories and slug not in categories:
            entry.faults.add(entry.file, line, f"category {slug} is no slug of categories.csv")
        own[slug] = _budgets(value, slug)
    return own


def _by_urgency(entry: Entry) -> dict[Urgency, Budget | None]:
    found: dict[Urgency, Budget | None] = {}
    for urgency, value in entry.as_record("first_response_by_urgency", (), get_args(Urgency)).items():
        if value.is_text:
            if value.as_text(urgency) == "coordinate":
                found[cast("Urgency", urgency)] = None
            else:
                value.fault(f"first response of {urgency} must be `coordinate` or a budget such as {{hours: 6}}")
        elif (budget := _budget(value, f"first response of {urgency}")) is not None:
            found[cast("Urgency", urgency)] = budget
    return found


def _triage_by_urgency(entry: Entry) -> dict[Urgency, Budgets]:
    named = entry.as_record("triage_by_urgency", (), get_args(Urgency)).items()
    return {cast("Urgency", urgency): _budgets(value, f"triage of {urgency}") for urgency, value in named}


def _budgets(entry: Entry, what: str) -> Budgets:
    found: dict[ClockName, Budget] = {}
    for clock, value in entry.as_record(what, (), CLOCKS).items():
        budget = _budget(value, f"{clock} of {what}")
        if budget is not None:
            found[cast("ClockName", clock)] = budget
        if clock == "verification" and budget is not None and budget.working_days:
            value.fault("verification starts later, so its budget must be hours or working_hours")
    return found


def _budget(entry: Entry, what: str) -> Budget | None:
    record = entry.as_record(what, (), _KINDS)
    if len(record) != 1:
        entry.fault(f"{what} must be one of {{hours: 6}}, {{working_hours: 6}} and {{working_days: 1}}")
        return None
    ((kind, value),) = record.items()
    if kind == "working_days":
        days = value.as_whole(what, 1, 366)
        return None if days is None else Budget.days(days)
    hours = value.as_number(what, most=_MOST_HOURS)
    if hours is None:
        return None
    if hours * 3600 < 1:
        value.fault(f"{what} must be a second at least")
        return None
    return Budget.hours(hours) if kind == "hours" else Budget.working_hours(hours)
