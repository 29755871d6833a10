"""Sets how sure a classifier is, and from where it decides, on texts that it has not learned from.

Whoever writes a lexicon has read the texts that it is tried on, and words slip in because of them. So a term that no sentence and no
other text has does not count for its text here: what is left is nearer to how new texts fare, and the confidence is chosen by it. It
flatters still, so no temperature below 1 is chosen, and more is asked of the texts decided than is asked of new ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

from services.routing.classifier.classifier import probabilities

AGENCY_RIGHT: Final = 0.95
"""The threshold is the lowest at which, of the texts decided, so many have the right agency."""
FOLDS: Final = 5
TEMPERATURES: Final = tuple(round(1.0 + 0.05 * step, 2) for step in range(31))
DOUBTS: Final = tuple(round(0.01 * step, 2) for step in range(16))
THRESHOLDS: Final = tuple(round(0.2 + 0.05 * step, 2) for step in range(15))


class Scored(NamedTuple):
    """A text's scores, nats by category, and the index of the category that a person has named."""

    scores: list[float]
    right: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was chosen, and what was seen, with the terms that only their own text has left out.

    `category_right`, `agency_right`: of the best guess, 0 to 1. `coverage`: what the threshold leaves, `decided_agency_right` of those.
    `log_loss`: nats a text, each at what was chosen on the other folds' texts.
    """

    temperature: float
    doubt: float
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
    temperature, doubt = _likeliest(scored)
    sure: list[tuple[float, bool]] = []
    categories = 0
    for scores, right in scored:
        best = max(range(len(scores)), key=scores.__getitem__)
        categories += best == right
        sure.append((probabilities(scores, temperature, doubt)[best], agencies[best] == agencies[right]))
    threshold = next(
        (
            threshold
            for threshold in THRESHOLDS
            if _share([true for confidence, true in sure if confidence >= threshold]) >= AGENCY_RIGHT
        ),
        THRESHOLDS[-1],
    )
    return Calibration(
        temperature=temperature,
        doubt=doubt,
        threshold=threshold,
        category_right=categories / len(scored),
        agency_right=_share([true for _, true in sure]),
        coverage=_share([confidence >= threshold for confidence, _ in sure]),
        decided_agency_right=_share([true for confidence, true in sure if confidence >= threshold]),
        log_loss=_across(scored),
    )


def _likeliest(scored: Sequence[Scored]) -> tuple[float, float]:
    """The temperature and doubt under which what people named is likeliest."""
    return min(product(TEMPERATURES, DOUBTS), key=lambda both: _log_loss(scored, *both))


def _log_loss(scored: Sequence[Scored], temperature: float, doubt: float) -> float:
    return -sum(math.log(probabilities(one.scores, temperature, doubt)[one.right]) for one in scored) / len(scored)


def _across(scored: Sequence[Scored]) -> float:
    """The log loss of each text at what the other folds' texts choose, nats on average."""
    losses = 0.0
    for fold in range(FOLDS):
        own, others = scored[fold::FOLDS], [one for at, one in enumerate(scored) if at % FOLDS != fold]
        if own and others:
            losses += _log_loss(own, *_likeliest(others)) * len(own)
    return losses / len(scored)


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 0.0
