"""Learns what words say for categories: from what the lexicon says of them beforehand, and from sentences whose category is known.

A log-linear model (multinomial logistic regression), fitted by AdaGrad, with a Gaussian prior around the lexicon's weights: a word that
no sentence has keeps what the lexicon says, and sentences move the others as far as their number warrants. Plain Python, in a fixed
order, so that the same sources make the same weights.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.routing.classifier.classifier import softmax

ROUNDS: Final = 16
RATE: Final = 0.3
"""Length of a step of AdaGrad, nats."""
BIAS_RATE: Final = 0.015
TETHER: Final = 0.02
"""How strongly each sentence pulls the weights of its words back to the lexicon's: the precision of the Gaussian prior."""
BIAS_TETHER: Final = 0.05
START: Final = 0.3
"""What AdaGrad's sums of squares begin with, so that a rare word's first step is no leap."""
SEED: Final = 36


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
    rows = [
        [(factor, weights[term], held[term], squares[term]) for term, factor in example.terms.items()] for example in examples
    ]
    order = list(range(len(examples)))
    shuffled = random.Random(SEED)  # noqa: S311 - an order, not a secret
    for _ in range(ROUNDS):
        shuffled.shuffle(order)
        for number in order:
            _step(examples[number], rows[number], bias)
    return Learned(weights, bias)


def _step(example: Example, rows: list[tuple[float, list[float], list[float], list[float]]], bias: list[float]) -> None:
    """Move the weights of an example's terms. A row of `rows`: how much the term counts, its weights, its prior's, its squares."""
    every = range(len(bias))
    scores = list(bias)
    for factor, own, _, _ in rows:
        for at in every:
            scores[at] += factor * own[at]
    slope = [part * example.weight for part in softmax(scores, 1.0)]
    slope[example.category] -= example.weight
    pull = TETHER * example.weight
    for factor, own, before, squares in rows:
        for at in every:
            step = slope[at] * factor + pull * (own[at] - before[at])
            squares[at] += step * step
            own[at] -= RATE * step / math.sqrt(squares[at])
    for at in every:
        bias[at] -= BIAS_RATE * (slope[at] + BIAS_TETHER * bias[at])
