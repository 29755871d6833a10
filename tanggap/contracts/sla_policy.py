"""The SLA policy: how long each clock of a complaint may run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tanggap.contracts.events import ClockName, ClockTerm, Urgency
from tanggap.contracts.sla_clocks import Budget, Calendar, Stamp, stamp

CLOCKS: Final[tuple[ClockName, ...]] = ("coordinate", "first_response", "resolution", "verification")
"""All clocks, in the order in which they are stamped."""

Budgets = Mapping[ClockName, Budget]


@dataclass(frozen=True)
class SlaPolicy:
    """Budgets by category, and the triage desk's. `by_urgency`: a first response that an urgency asks for, whatever the category.

    In `by_urgency`, None means the category's own coordination budget. `triage_by_urgency`: those of the desk's that an urgency changes.
    """

    calendar: Calendar
    warn_share: float
    by_category: Mapping[str, Budgets]
    by_urgency: Mapping[Urgency, Budget | None]
    triage: Budgets
    triage_by_urgency: Mapping[Urgency, Budgets] = field(default_factory=dict)

    def terms(self, category: str, urgency: Urgency, received_at: datetime) -> tuple[ClockTerm, ...]:
        """The clocks of a complaint of that category and urgency, from the moment of receipt. Raises as `stamps` does."""
        return tuple([ClockTerm(**stamp) for stamp in self.stamps(category, urgency, received_at)])

    def triage_terms(self, received_at: datetime) -> tuple[ClockTerm, ...]:
        """The clocks that run while a person decides who must act."""
        return tuple([ClockTerm(**stamp) for stamp in self.triage_stamps(received_at)])

    def stamps(self, category: str, urgency: Urgency, received_at: datetime) -> tuple[Stamp, ...]:
        """What `terms` are made of.

        Raises `KeyError` for an unknown category and `UnknownYear` where working time touches a year without known holidays.
        """
        budgets = self.by_category[category]
        if urgency in self.by_urgency:
            budgets = {**budgets, "first_response": self.by_urgency[urgency] or budgets["coordinate"]}
        return self._stamped(budgets, received_at)

    def triage_stamps(self, received_at: datetime, urgency: Urgency = "normal") -> tuple[Stamp, ...]:
        """What `triage_terms` are made of, for a complaint that is so urgent."""
        sooner = self.triage_by_urgency.get(urgency)
        return self._stamped({**self.triage, **sooner} if sooner else self.triage, received_at)

    def _stamped(self, budgets: Budgets, received_at: datetime) -> tuple[Stamp, ...]:
        return tuple(
            [
                stamp(clock, budgets[clock], None if clock == "verification" else received_at, self.calendar, self.warn_share)
                for clock in CLOCKS
                if clock in budgets
            ]
        )
