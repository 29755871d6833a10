"""`make quality`: how often routing is right, from the committed sets, in one table.

With a boundary file (`make quality ARGS=FILE`) the ward index is measured against it too, by random points of the land and along borders;
without one the table gives what the builder measured when it made the index. The classifier has learned from `texts.csv`, so those are
measured by cross-validation; nobody who builds it reads `texts_held_back.csv`. Exit 1 where a figure is below its bound, or the model
is not what its builder makes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from quality import gazetteer as places
from services.routing.classifier import build as subjects_build
from services.routing.classifier import figures as subjects
from services.routing.classifier.calibrate import Calibration
from services.routing.classifier.classifier import MODEL, Classifier, Guess
from services.routing.gazetteer.gazetteer import Gazetteer
from services.routing.wards import build as wards_build
from services.routing.wards import wards
from tanggap.contracts import city as cities
from tanggap.contracts.city import City
from tanggap.contracts.faults import Faults

SETS: Final = Path(__file__).parent
CITY: Final = SETS.parent / "cities" / "jakarta"
POINTS: Final = 100_000
HELD_BACK: Final = ", held back"
CROSSED: Final = ", left out of what was learned"
"""Of a cross-validation: a fifth of the texts at a time is asked of a model that has learned from all the others."""
CATEGORY_RIGHT: Final = 0.75
"""So many texts that no builder has seen or learned from must get their category."""
AGENCY_RIGHT: Final = 0.85
"""As `CATEGORY_RIGHT`, for the agency."""
BOTH_NAMED: Final = 0.65
"""Of so many held back texts about two things both must be named."""
SECONDS_TRUE: Final = 0.80
"""So many of the second subjects named in them must be true."""


class Figure(NamedTuple):
    """One row of the table. `value` and `least`: shares, 0 to 1; `least` is None where nothing is asked."""

    part: str
    what: str
    cases: int
    value: float
    least: float | None = None

    @property
    def low(self) -> bool:
        """Whether it is below its bound."""
        return self.least is not None and self.value < self.least


def of_wards(city: City, index: wards.Wards, boundaries: Path | None) -> Iterator[Figure]:
    """The ward index: against the polygons, and on landmarks whose kelurahan is known from their address."""
    manifest = index.manifest
    if boundaries is None:
        yield Figure(
            "wards", "random points of the land, as the builder measured", wards_build.MEASURED_POINTS, manifest.agreement
        )
        for border, sure in manifest.confidence:
            nearness = {"clear": "clear of borders"}.get(border, border.replace("_", " ") + " of one")
            yield Figure("wards", f"{nearness}, with a phone's error of position, as the builder measured", 0, sure)
    else:
        polygons = wards_build.read_boundaries(boundaries, CITY, wards_build.read_recipe(CITY))
        found = polygons.measure(index, POINTS)
        yield Figure("wards", "random points of the land", POINTS, found.agreement)
        yield Figure(
            "wards", "points within some 30 m of a border", POINTS, 1 - polygons.wrong_at_borders(index, POINTS) / POINTS
        )
    with (CITY / "landmarks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {ward.code: ward.name for ward in city.wards()}
    right = sum(
        names.get(index.find(float(row["lat"]), float(row["lon"])).ward or "") == row["wards"].split(";")[0].strip()
        for row in rows
    )
    yield Figure("wards", "landmarks in the kelurahan of their address", len(rows), right / len(rows), 1.0)


def of_places(found: places.GazetteerFigures, held_back: str) -> Iterator[Figure]:
    """The gazetteer on one set of addresses."""
    yield Figure("gazetteer", f"ward by words{held_back}", found.cases, found.ward.share)
    yield Figure("gazetteer", f"kecamatan by words{held_back}", found.cases, found.kecamatan.share)
    yield Figure("gazetteer", f"where it is {places.SURE:.1f} sure or more{held_back}", found.sure.cases, found.sure.share)


def of_subjects(found: subjects.ClassifierFigures, how: str) -> Iterator[Figure]:
    """The classifier on one set of texts, asked `how`; bounds are for texts that its builder has not seen."""
    bounds = (CATEGORY_RIGHT, AGENCY_RIGHT) if how == HELD_BACK else (None, None)
    decided = round(found.coverage * found.texts)
    yield Figure("classifier", f"right category{how}", found.texts, found.category_right, bounds[0])
    yield Figure("classifier", f"right agency{how}", found.texts, found.agency_right, bounds[1])
    yield Figure("classifier", f"decided, not left to triage{how}", found.texts, found.coverage)
    yield Figure("classifier", f"right category of those decided{how}", decided, found.decided_category_right)
    yield Figure("classifier", f"right agency of those decided{how}", decided, found.decided_agency_right)


def of_two_subjects(found: subjects.ClassifierFigures, how: str) -> Iterator[Figure]:
    """The second subjects of texts that were written for it: most have one, the others seem to."""
    both, true = (BOTH_NAMED, SECONDS_TRUE) if how == HELD_BACK else (None, None)
    yield Figure("classifier", f"both subjects, of texts about two{how}", found.with_second, found.seconds_right, both)
    yield Figure("classifier", f"second subjects named that are true{how}", found.seconds, found.seconds_true, true)


class Dressed:
    """A classifier that is asked for texts with something courteous around them."""

    def __init__(self, asked: subjects.Asked, before: str, after: str) -> None:
        self._asked, self._before, self._after = asked, before, after
        self.threshold = asked.threshold

    def classify(self, text: str) -> Guess:
        """What the text is about, courteously asked."""
        return self._asked.classify(f"{self._before}{text}{self._after}")


def of_courtesies(model: subjects.Asked, held: list[subjects.Text], agency_of: Mapping[str, str | None]) -> Iterator[Figure]:
    """The texts held back, with the courtesies of `courtesies.csv` around them: the one that disturbs most."""
    with (SETS / "courtesies.csv").open(encoding="utf-8", newline="") as file:
        found = [subjects.measure(Dressed(model, row["before"], row["after"]), held, agency_of) for row in csv.DictReader(file)]
    how = f"{HELD_BACK}, with the courtesy that disturbs most"
    yield Figure("classifier", f"right category{how}", len(held), min(one.category_right for one in found), CATEGORY_RIGHT)
    yield Figure("classifier", f"right agency{how}", len(held), min(one.agency_right for one in found), AGENCY_RIGHT)


def of_texts_left_out(found: Calibration, texts: int) -> Iterator[Figure]:
    """The cross-validation without the words that only the lexicon and the text itself have: its writer has read these texts."""
    for what, value, least in (
        ("category", found.category_right, CATEGORY_RIGHT),
        ("agency", found.agency_right, AGENCY_RIGHT),
    ):
        yield Figure("classifier", f"right {what}{CROSSED}, without words that only it and the lexicon have", texts, value, least)


def fault_of_model(built: str, folder: Path) -> str | None:
    """What is wrong with the city's classifier, where it is not what its builder makes (`built`, the file's text) of today's sources."""
    if (folder / MODEL).read_text(encoding="utf-8") == built:
        return None
    return f"{folder / MODEL} is not what its builder makes of its sources and texts; mend it with: tanggap classifier build"


def texts_of(name: str) -> list[subjects.Text]:
    """A set of texts. Ends the program with its faults where it has any."""
    faults = Faults()
    texts = subjects.read_texts(SETS / name, faults)
    if faults.found:
        sys.exit("\n".join(str(fault) for fault in faults.found))
    return texts


def main() -> None:
    """Measure all and print."""
    parser = argparse.ArgumentParser(prog="make quality", description=__doc__)
    parser.add_argument("boundaries", nargs="?", type=Path, help="GeoJSON of the wards, to measure the index against")
    options = parser.parse_args()
    city = cities.load(CITY)
    names, model = Gazetteer.load(CITY, city), Classifier.load(CITY)
    agency_of = {slug: category.agency for slug, category in city.categories.items()}
    figures = list(of_wards(city, wards.load(CITY), options.boundaries))
    for suffix, held_back in (("", ""), ("_held_back", HELD_BACK)):
        figures += of_places(places.measure(places.ask(SETS / f"addresses{suffix}.csv", names)), held_back)
    learned, held = texts_of("texts.csv"), texts_of("texts_held_back.csv")
    two, two_held = texts_of("two_subjects.csv"), texts_of("two_subjects_held_back.csv")
    built = subjects_build.build(CITY, city, SETS / "texts.csv", SETS / "two_subjects.csv")
    crossed = built.crossed
    left_out = subjects.measure(crossed, learned, agency_of)
    figures += of_subjects(left_out, CROSSED)
    figures += of_texts_left_out(crossed.calibration, len(learned))
    unseen = subjects.measure(model, held, agency_of)
    figures += of_subjects(unseen, HELD_BACK)
    figures += of_courtesies(model, held, agency_of)
    figures += of_two_subjects(subjects.measure(crossed, two, agency_of), CROSSED)
    figures += of_two_subjects(subjects.measure(model, two_held, agency_of), HELD_BACK)
    table = Table(title="How often routing is right")
    for column in ("part", "what", "cases", "right", "at least"):
        table.add_column(column, justify="left" if column in {"part", "what"} else "right")
    for one in figures:
        bound = "" if one.least is None else f"{one.least:.0%}"
        table.add_row(
            one.part, one.what, f"{one.cases:,}" if one.cases else "", f"{one.value:.1%}", f"{bound} missed" if one.low else bound
        )
    console = Console(width=120)
    console.print(table)
    for which, found in (("left out of what was learned", left_out), ("held back", unseen)):
        console.print(f"\nThe texts {which}:", highlight=False)
        for line in subjects.lines(found):
            console.print(line, highlight=False)
    if fault := fault_of_model(built.text, CITY):
        sys.exit(fault)
    if low := [one for one in figures if one.low]:
        sys.exit("Below the bound: " + "; ".join(f"{one.what} {one.value:.1%}, asked for {one.least:.0%}" for one in low))


if __name__ == "__main__":
    main()
