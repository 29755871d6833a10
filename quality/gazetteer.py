"""How often the gazetteer is right about where a complaint is, on cases whose place is known.

A case is an address and a description as citizens write them, with the ward and the kecamatan that they name; each is empty where the
words don't tell it, and then naming one is wrong.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.routing.gazetteer.gazetteer import Gazetteer, Named

COLUMNS: Final = ("address", "text", "ward", "kecamatan", "kind")
SURE: Final = 0.5
"""From this confidence on a place that was named is acted on."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case and the gazetteer's answer. `ward`, `kecamatan`: the true codes, or None. `kind`: what the case is about."""

    ward: str | None
    kecamatan: str | None
    kind: str
    named: Named


@dataclass(frozen=True, slots=True)
class Tally:
    """Of so many cases: `right`, nothing named where there was nothing to name included; `wrong`; and `missed`, not named."""

    cases: int
    right: int
    wrong: int
    missed: int

    @property
    def share(self) -> float:
        """The share that is right, 0 to 1; 1 of no cases."""
        return self.right / self.cases if self.cases else 1.0


@dataclass(frozen=True, slots=True)
class GazetteerFigures:
    """What the cases come to. `sure`: of the cases with an answer of confidence `SURE` or more, wards and kecamatan together.

    `by_kind`: a case is right there where both its ward and its kecamatan are.
    """

    cases: int
    ward: Tally
    kecamatan: Tally
    sure: Tally
    by_kind: Mapping[str, Tally]


def ask(path: Path, gazetteer: Gazetteer) -> Iterator[Case]:
    """The cases of a file, each put to the gazetteer. Raises `ValueError`, with the line, for a file of another form."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path.name}:1: the header must be {','.join(COLUMNS)}")
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"{path.name}:{reader.line_num}: needs {len(COLUMNS)} fields; quote one with a comma")
            named = gazetteer.find(row["address"] or None, row["text"])
            yield Case(row["ward"] or None, row["kecamatan"] or None, row["kind"], named)


def measure(cases: Iterable[Case]) -> GazetteerFigures:
    """How often the answers are right. Pure."""
    every = tuple(cases)
    kinds = sorted({case.kind for case in every})
    return GazetteerFigures(
        len(every),
        _tally(_ward(case) for case in every),
        _tally(_kecamatan(case) for case in every),
        _tally(_both(case) for case in every if case.named.confidence >= SURE),
        {kind: _tally(_both(case) for case in every if case.kind == kind) for kind in kinds},
    )


def table(figures: GazetteerFigures) -> str:
    """The figures, a line for each."""
    named = [("wards", figures.ward), ("kecamatan", figures.kecamatan), (f"confidence {SURE:.1f} or more", figures.sure)]
    lines = [f"{'':<24}{'cases':>7}{'right':>7}{'wrong':>7}{'missed':>7}{'share':>8}"]
    for name, tally in (*named, *figures.by_kind.items()):
        lines.append(f"{name:<24}{tally.cases:>7}{tally.right:>7}{tally.wrong:>7}{tally.missed:>7}{tally.share:>8.1%}")
    return "\n".join(lines)


def _ward(case: Case) -> tuple[str | None, str | None]:
    return case.ward, case.named.ward.code if case.named.ward is not None else None


def _kecamatan(case: Case) -> tuple[str | None, str | None]:
    return case.kecamatan, case.named.kecamatan.code if case.named.kecamatan is not None else None


def _both(case: Case) -> tuple[str | None, str | None]:
    """The ward where one is true or named, else the kecamatan."""
    ward, named_ward = _ward(case)
    if ward is None and named_ward is None:
        return _kecamatan(case)
    return ward, named_ward


def _tally(answers: Iterable[tuple[str | None, str | None]]) -> Tally:
    """`answers`: what is true and what was named."""
    every = tuple(answers)
    right = sum(true == named for true, named in every)
    missed = sum(named is None and true is not None for true, named in every)
    return Tally(len(every), right, len(every) - right - missed, missed)
