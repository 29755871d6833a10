"""Sets how sure a classifier is, and from where it decides, on texts that it has not learned from.

Whoever writes a lexicon has read the texts that it is tried on, and words slip in because of them. So a term that no sentence and no
other text has does not count for its text here: what is left is nearer to how new texts fare, and the confidence is chosen by it. It
flatters still, so of texts of more than few words no temperature below 1 is chosen, and more is asked of the texts decided than is asked
of new ones.

Texts of few words have a temperature of their own, which may be below 1. One word alone says at most what it says among others, whose
errors it has not: those who write "banjir" and no more mean a flood, and are right far oftener than the sum of one weight tells.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

from services.routing.classifier.classifier import probabilities, softmax

AGENCY_RIGHT: Final = 0.95
"""The threshold is the lowest at which, of the texts decided, so many have the right agency."""
FOLDS: Final = 5
TEMPERATURES: Final = tuple(round(1.0 + 0.05 * step, 2) for step in range(31))
FEW_TEMPERATURES: Final = tuple(round(0.6 + 0.05 * step, 2) for step in range(39))
"""For texts of few words. Even less than 0.6 would fit those of `quality/texts.csv` best; but they are few too, and it flatters."""
DOUBTS: Final = tuple(round(0.01 * step, 2) for step in range(16))
THRESHOLDS: Final = tuple(round(0.2 + 0.05 * step, 2) for step in range(15))


class Scored(NamedTuple):
    """A text's scores, nats by category, the index of the category that a person has named, and whether it is of few words."""

    scores: list[float]
    right: int
    few: bool


class Chosen(NamedTuple):
    """What makes scores probabilities. `few_temperature`: the temperature of texts of few words."""

    temperature: float
    few_temperature: float
    doubt: float

    def probabilities(self, one: Scored) -> list[float]:
        """How likely each category is."""
        return probabilities(one.scores, self.few_temperature if one.few else self.temperature, self.doubt)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was chosen, and what was seen, with the terms that only their own text has left out.

    `category_right`, `agency_right`: of the best guess, 0 to 1. `coverage`: what the threshold leaves, `decided_agency_right` of those.
    `log_loss`: nats a text, each at what was chosen on the other folds' texts.
    """

    chosen: Chosen
    threshold: float
    category_right: float
    agency_right: float
    coverage: float
    decided_agency_right: float
    log_loss: float


def guarded(texts: Sequence[Mapping[str, float]], learned: Iterable[Mapping[str, float]]) -> Iterator[dict[str, float]]:
    """Each text's terms without those that no other text has, and no sentence."""
    known = {term for terms in learned for term in terms}
    having = Counter(term for terms in texts for term in terms)
    for terms in texts:
        yield {term: factor for term, factor in terms.items() if term in known or having[term] > 1}


def calibrate(scored: Sequence[Scored], agencies: Sequence[str | None]) -> Calibration:
    """Choose temperature, doubt and threshold. `agencies`: by category's index; None where the ward itself acts."""
    chosen = _likeliest(scored)
    sure: list[tuple[float, bool]] = []
    categories = 0
    for one in scored:
        best = max(range(len(one.scores)), key=one.scores.__getitem__)
        categories += best == one.right
        sure.append((chosen.probabilities(one)[best], agencies[best] == agencies[one.right]))
    threshold = next(
        (
            threshold
            for threshold in THRESHOLDS
            if _share([true for confidence, true in sure if confidence >= threshold]) >= AGENCY_RIGHT
        ),
        THRESHOLDS[-1],
    )
    return Calibration(
        chosen=chosen,
        threshold=threshold,
        category_right=categories / len(scored),
        agency_right=_share([true for _, true in sure]),
        coverage=_share([confidence >= threshold for confidence, _ in sure]),
        decided_agency_right=_share([true for confidence, true in sure if confidence >= threshold]),
        log_loss=_across(scored),
    )


def _likeliest(scored: Sequence[Scored]) -> Chosen:
    """The temperatures and the doubt under which what people named is likeliest; the doubt by the texts of more than few words."""
    few, others = [one for one in scored if one.few], [one for one in scored if not one.few]
    # What is dear is a temperature's; each doubt is tried on that.
    right = {temperature: _right(others, temperature) for temperature in TEMPERATURES}
    temperature, doubt = min(product(TEMPERATURES, DOUBTS), key=lambda each: _log_loss(right[each[0]], each[1]))
    of_few = min(FEW_TEMPERATURES, key=lambda each: _log_loss(_right(few, each), doubt)) if few else temperature
    return Chosen(temperature, of_few, doubt)


def _right(scored: Sequence[Scored], temperature: float) -> list[tuple[float, int]]:
    """How likely the right category of each text is without a doubt, and how many categories there are."""
    return [(softmax(one.scores, temperature)[one.right], len(one.scores)) for one in scored]


def _log_loss(right: Sequence[tuple[float, int]], doubt: float) -> float:
    """Nats a text, of what is likely without a doubt (`_right`)."""
    return -sum(math.log(share * (1 - doubt) + doubt / count) for share, count in right) / max(len(right), 1)


def _across(scored: Sequence[Scored]) -> float:
    """The log loss of each text at what the other folds' texts choose, nats on average."""
    losses = 0.0
    for fold in range(FOLDS):
        own, others = scored[fold::FOLDS], [one for at, one in enumerate(scored) if at % FOLDS != fold]
        if own and others:
            chosen = _likeliest(others)
            losses -= sum(math.log(chosen.probabilities(one)[one.right]) for one in own)
    return losses / len(scored)


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 0.0
