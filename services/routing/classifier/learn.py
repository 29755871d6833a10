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


def _step(example: Example, rows: list[tuple[float, list[float], list[float]]], bias: list[float]) -> None:
    """Move the weights of an example's terms. A row of `rows`: how much the term counts, its weights, its squares."""
    scores = bias
    for factor, own, _ in rows:
        scores = [score + factor * weight for score, weight in zip(scores, own, strict=True)]
    likely = softmax(scores, 1.0)
    likely[example.category] -= 1.0
    slope = [(at, part * example.weight) for at, part in enumerate(likely) if part > LEAST or part < -LEAST]
    for factor, own, squares in rows:
        for at, part in slope:
            step = part * factor
            squares[at] += step * step
            own[at] -= RATE * step / math.sqrt(squares[at])
    for at, part in slope:
        bias[at] -= BIAS_RATE * (part + BIAS_TETHER * bias[at])


def _pull(own: list[float], before: Sequence[float], squares: Sequence[float], pull: float) -> None:
    """Move a term's weights back to what the lexicon says, as far as its sentences together pull."""
    if pull:
        own[:] = [
            weight - (weight - held) * min(RATE * pull / math.sqrt(square), 0.5)
            for weight, held, square in zip(own, before, squares, strict=True)
        ]
