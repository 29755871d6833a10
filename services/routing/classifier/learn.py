"""Learns what words say for categories: from what the lexicon says of them beforehand, and from sentences whose category is known.

A log-linear model (multinomial logistic regression), fitted by AdaGrad, with a Gaussian prior around the lexicon's weights: a word that
no sentence has keeps what the lexicon says, and sentences move the others as far as their number warrants. Plain Python, in a fixed
order, so that the same sources make the same weights.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

ROUNDS: Final = 8
RATE: Final = 0.4
"""Length of a step of AdaGrad, nats."""
BIAS_RATE: Final = 0.015
TETHER: Final = 0.005
"""How strongly each sentence pulls the weights of its words back to the lexicon's: the precision of the Gaussian prior."""
BIAS_TETHER: Final = 0.05
LEAST: Final = 0.005
"""A category's error, as a probability, below which an example moves nothing for it: most are, so most of the work is saved."""
START: Final = 1.0
"""What AdaGrad's sums of squares begin with, so that a rare word's first step is no leap."""
MOST_PULLED: Final = 0.5
"""No round takes more than so much of the way back to the lexicon."""
SEED: Final = 36

Row = tuple[float, list[float], list[float]]
"""A term of an example: how much it counts, its weights, and AdaGrad's sums of squares."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text whose category is known. `terms`: what it holds, and how much that counts; `category`: index; `weight`: its share."""

    terms: Mapping[str, float]
    category: int
    weight: float


@dataclass(frozen=True, slots=True)
class Learned:
    """`weights`: term to what it says for each category; `bias`: what is said before any word. Nats."""

    weights: Mapping[str, list[float]]
    bias: list[float]


def learn(examples: Sequence[Example], prior: Mapping[str, Mapping[int, float]], categories: int) -> Learned:
    """Fit the weights. `prior`: term to category to what the lexicon says; every term of it is in the result."""
    held = {term: [of.get(at, 0.0) for at in range(categories)] for term, of in prior.items()}
    for example in examples:
        for term in example.terms:
            if term not in held:
                held[term] = [0.0] * categories
    weights = {term: list(row) for term, row in held.items()}
    squares = {term: [START] * categories for term in held}
    bias = [0.0] * categories
    rows = [[(factor, weights[term], squares[term]) for term, factor in example.terms.items()] for example in examples]
    pulls = dict.fromkeys(held, 0.0)
    for example in examples:
        for term in example.terms:
            pulls[term] += TETHER * example.weight
    order = list(range(len(examples)))
    shuffled = random.Random(SEED)  # noqa: S311 - an order, not a secret
    for _ in range(ROUNDS):
        shuffled.shuffle(order)
        for number in order:
            _step(examples[number], rows[number], bias)
        for term, before in held.items():
            _pull(weights[term], before, squares[term], pulls[term])
    return Learned(weights, bias)


def _step(example: Example, rows: list[Row], bias: list[float]) -> None:
    """Move the weights of an example's terms. A row of `rows`: how much the term counts, its weights, its squares."""
    scores = _scores(rows, bias)
    most = max(scores)
    parts = [exp(score - most) for score in scores]
    whole = sum(parts)
    parts[example.category] -= whole
    least, weight = LEAST * whole, example.weight / whole
    slope = [(at, part * weight) for at, part in enumerate(parts) if part > least or part < -least]
    for factor, own, squares in rows:
        for at, part in slope:
            step = part * factor
            squares[at] = square = squares[at] + step * step
            own[at] -= RATE * step / sqrt(square)
    for at, part in slope:
        bias[at] -= BIAS_RATE * (part + BIAS_TETHER * bias[at])


def _scores(rows: list[Row], bias: list[float]) -> list[float]:
    """What terms say for each category, nats: the bias and all rows, four at a time, since each walk over the categories takes long."""
    scores, whole = bias, len(rows) // 4 * 4
    for at in range(0, whole, 4):
        (a, first, _), (b, second, _), (c, third, _), (d, fourth, _) = rows[at : at + 4]
        scores = [
            score + a * one + b * two + c * three + d * four
            for score, one, two, three, four in zip(scores, first, second, third, fourth, strict=True)
        ]
    for factor, own, _ in rows[whole:]:
        scores = [score + factor * weight for score, weight in zip(scores, own, strict=True)]
    return scores


def _pull(own: list[float], before: Sequence[float], squares: Sequence[float], pull: float) -> None:
    """Move a term's weights back to what the lexicon says, as far as its sentences together pull."""
    if pull:
        by = RATE * pull
        own[:] = [
            weight - (weight - held) * (share if (share := by / sqrt(square)) < MOST_PULLED else MOST_PULLED)
            for weight, held, square in zip(own, before, squares, strict=True)
        ]
