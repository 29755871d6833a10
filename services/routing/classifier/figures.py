"""How right a classifier is, measured on texts whose category a person has named. Pure but for `read_texts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from services.routing.classifier.classifier import Guess
from tanggap.contracts.faults import Faults
from tanggap.contracts.sources import read_rows

THRESHOLDS: Final = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Confidences at which the curve of coverage against accuracy is told."""
BINS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0 + 1e-9)
"""Bounds of the confidences that the calibration error is told by."""
WORST: Final = 10
COLUMNS: Final = ("text", "category", "second")


class Text(NamedTuple):
    """A complaint's text with the category that a person has named, and the second that it is about too."""

    text: str
    category: str
    second: str | None


class Asked(Protocol):
    """What is measured."""

    @property
    def threshold(self) -> float:
        """The confidence from which it decides."""

    def classify(self, text: str) -> Guess:
        """What the text is about."""


class Point(NamedTuple):
    """The curve at one threshold: the share of texts that it would decide, and the shares of those that are right."""

    threshold: float
    coverage: float
    category_right: float
    agency_right: float


class Confusion(NamedTuple):
    """Texts of one category taken for another."""

    category: str
    taken_for: str
    texts: int


class Bin(NamedTuple):
    """Texts of like confidence: how sure the classifier was of them, and how often it was right."""

    confidence: float
    right: float
    texts: int


@dataclass(frozen=True, slots=True)
class ClassifierFigures:
    """All shares 0 to 1. `…_right`: of the best guess of all texts; `decided_…_right`: of the texts that it decides, `coverage` of all.

    `calibration_error`: by how much confidence and truth differ, weighted by texts. `with_second`: texts that have a second subject,
    `seconds`: texts of which one was named. `seconds_right`: of the texts that have one, those where the two named are the two meant, in
    either order. `seconds_found`: those whose second was named as such; `seconds_true`: of the seconds named, those that a person names
    too.
    """

    texts: int
    category_right: float
    agency_right: float
    coverage: float
    decided_category_right: float
    decided_agency_right: float
    threshold: float
    curve: tuple[Point, ...]
    confusions: tuple[Confusion, ...]
    bins: tuple[Bin, ...]
    calibration_error: float
    with_second: int
    seconds: int
    seconds_right: float
    seconds_found: float
    seconds_true: float


def read_texts(path: Path, faults: Faults) -> list[Text]:
    """The texts of a CSV file with the columns text, category, second (may be empty)."""
    rows = read_rows(path, COLUMNS, faults)
    return [Text(row["text"], row["category"], row["second"] or None) for row in rows]


def measure(classifier: Asked, texts: Sequence[Text], agency_of: Mapping[str, str | None]) -> ClassifierFigures:
    """Ask the classifier for every text. `agency_of`: category to who acts, None where the ward itself does."""
    asked = [(text, classifier.classify(text.text)) for text in texts]
    best = [guess.likely[0][0] for _, guess in asked]
    right = [guess == text.category for guess, (text, _) in zip(best, asked, strict=True)]
    agency = [agency_of[guess] == agency_of[text.category] for guess, (text, _) in zip(best, asked, strict=True)]
    decided = [guess.category is not None for _, guess in asked]
    confidence = [guess.confidence for _, guess in asked]
    confusions = Counter((text.category, guess) for guess, (text, _) in zip(best, asked, strict=True) if guess != text.category)
    bins = _bins(confidence, right)
    return ClassifierFigures(
        texts=len(texts),
        category_right=_share(right),
        agency_right=_share(agency),
        coverage=_share(decided),
        decided_category_right=_share(right, decided),
        decided_agency_right=_share(agency, decided),
        threshold=classifier.threshold,
        curve=tuple(
            _point(threshold, [one >= threshold for one in confidence], right, agency)
            for threshold in sorted({*THRESHOLDS, classifier.threshold})
        ),
        confusions=tuple(
            Confusion(*pair, count) for pair, count in sorted(confusions.items(), key=lambda one: (-one[1], one[0]))[:WORST]
        ),
        bins=bins,
        calibration_error=sum(abs(one.confidence - one.right) * one.texts for one in bins) / max(len(texts), 1),
        with_second=sum(text.second is not None for text, _ in asked),
        seconds=sum(guess.second is not None for _, guess in asked),
        seconds_right=_of(
            asked, lambda text, _: text.second is not None, lambda text, guess: _both(guess) == {text.category, text.second}
        ),
        seconds_found=_of(asked, lambda text, _: text.second is not None, lambda text, guess: guess.second == text.second),
        seconds_true=_of(
            asked,
            lambda _, guess: guess.second is not None,
            lambda text, guess: text.second is not None and guess.second in {text.second, text.category},
        ),
    )


def lines(figures: ClassifierFigures) -> list[str]:
    """The figures in words, one line each."""
    return [
        f"{figures.texts} texts: category right {figures.category_right:.1%}, agency right {figures.agency_right:.1%}",
        f"decides {figures.coverage:.1%}, from confidence {figures.threshold:.2f}",
        f"of those: category right {figures.decided_category_right:.1%}, agency right {figures.decided_agency_right:.1%}",
        f"{figures.with_second} texts have a second subject: both are named in {figures.seconds_right:.0%}",
        f"the second is named as such in {figures.seconds_found:.0%}; {figures.seconds_true:.0%} of those named are true",
        "coverage against accuracy, by threshold of confidence:",
        *(
            f"  {point.threshold:4.2f}  decides {point.coverage:6.1%}  category right {point.category_right:6.1%}  "
            f"agency right {point.agency_right:6.1%}"
            for point in figures.curve
        ),
        f"calibration: confidence and truth differ by {figures.calibration_error:.3f}",
        *(f"  {one.confidence:.2f} sure, {one.right:.2f} right, {one.texts} texts" for one in figures.bins),
        "most often taken for another:",
        *(f"  {one.category} for {one.taken_for}: {one.texts}" for one in figures.confusions),
    ]


def _share(right: Sequence[bool], of: Sequence[bool] | None = None) -> float:
    counted = list(right) if of is None else [one for one, counts in zip(right, of, strict=True) if counts]
    return sum(counted) / len(counted) if counted else 0.0


def _of(
    asked: Sequence[tuple[Text, Guess]], counts: Callable[[Text, Guess], bool], right: Callable[[Text, Guess], bool]
) -> float:
    return _share([right(text, guess) for text, guess in asked if counts(text, guess)])


def _both(guess: Guess) -> set[str | None]:
    return {guess.likely[0][0], guess.second}


def _point(threshold: float, decided: Sequence[bool], right: Sequence[bool], agency: Sequence[bool]) -> Point:
    return Point(threshold, _share(decided), _share(right, decided), _share(agency, decided))


def _bins(confidence: Sequence[float], right: Sequence[bool]) -> tuple[Bin, ...]:
    found: list[Bin] = []
    for low, high in pairwise(BINS):
        inside = [(sure, true) for sure, true in zip(confidence, right, strict=True) if low <= sure < high]
        if inside:
            found.append(
                Bin(sum(sure for sure, _ in inside) / len(inside), sum(true for _, true in inside) / len(inside), len(inside))
            )
    return tuple(found)
