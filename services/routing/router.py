"""The service's one call into the pure half: a city, its ward index and its policy, and a decision from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from services.routing.classifier.classifier import MODEL, Classifier, ClassifierFault
from services.routing.decide import NO_READERS, Decided, Judged, Known, Readers, decide_all, judge, know
from services.routing.figures import PROVISIONAL
from services.routing.gazetteer.file import LANDMARKS
from services.routing.gazetteer.gazetteer import Gazetteer
from services.routing.places import Places
from services.routing.policy import file as policy_file
from services.routing.policy.policy import Policy
from services.routing.wards.exact import open_wards
from services.routing.wards.wards import Wards
from tanggap.contracts import city as cities
from tanggap.contracts.city import City
from tanggap.contracts.events import ComplaintSubmitted
from tanggap.contracts.faults import CityFaults, Faults
from tanggap.contracts.sla_clocks import UnknownYear
from tanggap.contracts.sources import is_there
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.logs import get_logger

log = get_logger(__name__)


@dataclass(eq=False)
class Router:
    """Decides for one city.

    `wards` and `policy` may be set to others at any time: a batch takes each once, so its decisions are of one version.
    """

    city: City
    wards: Wards
    policy: Policy
    now: Now = utc_now
    readers: Readers = NO_READERS
    _told: set[str] = field(default_factory=set, repr=False, compare=False)
    _places: Places = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._places = Places(self.city)

    @cached_property
    def _lenient(self) -> City:
        """The city with a calendar that takes a year without known holidays as one that has none."""
        return replace(self.city, sla=replace(self.city.sla, calendar=self.city.calendar.provisional))

    @classmethod
    def load(cls, folder: Path, *, boundaries: Path | None = None, now: Now = utc_now) -> Self:
        """Read the city in `folder`, and the wards' `boundaries` where borders shall be exact.

        Raises `CityFaults` or `WardsFault`, which name every fault.
        """
        city = cities.load(folder)
        index = open_wards(folder, boundaries, {ward.code: ward.name for ward in city.wards()})
        return cls(city, index, policy_file.load(folder, city), now, read_words(folder, city))

    def know(self, submitted: ComplaintSubmitted) -> Known:
        """What is known of a complaint before the policy is asked. Total."""
        return know(submitted, self._places, self.wards, self.readers)

    def judge(self, known: Known, policy: Policy | None = None) -> Judged:
        """What the policy, or another one, says of it. Total."""
        return judge(known, self.city, policy or self.policy)

    def decide(self, submitted: ComplaintSubmitted) -> Decided:
        """The unit that must act, or triage. Total: a complaint without a decision would be silence.

        Where a clock runs into a year without known holidays it is stamped as if that year had none, which promises too much
        rather than nothing; that is counted, and logged once for each year.
        """
        [decided] = self.decide_all((submitted,))
        return decided

    def decide_all(self, batch: Sequence[ComplaintSubmitted]) -> list[Decided]:
        """As `decide`, for each of a batch, in its order; which takes less time than one by one."""
        ask = partial(decide_all, wards=self.wards, policy=self.policy, now=self.now(), readers=self.readers, places=self._places)
        try:
            return ask(batch, self.city)
        except UnknownYear:
            return [one for submitted in batch for one in self._at_a_time(ask, submitted)]

    def _at_a_time(
        self, ask: Callable[[Sequence[ComplaintSubmitted], City], list[Decided]], one: ComplaintSubmitted
    ) -> list[Decided]:
        """Decide on one complaint of a batch in which a year's holidays are unknown; of others they may be known."""
        try:
            return ask((one,), self.city)
        except UnknownYear as unknown:
            PROVISIONAL.inc()
            if str(unknown) not in self._told:
                self._told.add(str(unknown))
                log.error("clocks are stamped without a year's holidays", why=str(unknown))  # noqa: TRY400 - the line says all
            return ask((one,), self._lenient)


def read_words(folder: Path, city: City) -> Readers:
    """What reads complaints' words in the city of `folder`. A city that has not made the data does without, with a line in the log.

    Raises `CityFaults` for data with a fault.
    """
    gazetteer = classifier = None
    if is_there(folder / LANDMARKS):
        gazetteer = Gazetteer.load(folder, city)
    else:
        log.warning("no gazetteer: a complaint without a point goes to triage", wanted=str(folder / LANDMARKS))
    if is_there(folder / MODEL):
        try:
            classifier = Classifier.load(folder)
        except ClassifierFault as fault:
            faults = Faults()
            faults.add(MODEL, 1, str(fault))
            raise CityFaults(faults.found) from fault
    else:
        log.warning("no classifier: a complaint without a category has none", wanted=str(folder / MODEL))
    return Readers(gazetteer, classifier)
