"""A text's second subject: what one of its clauses speaks for besides the first ("Jalan berlubang, lampunya juga mati").

Each clause names at most one candidate. How likely a candidate is a subject of its own is told by five things about it (`Evidence`) and
what each is worth (`Worth`), which the builder learns from texts that have a second subject and from those that have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

MOST_OWN: Final = 10.0
"""More nats of own evidence say no more."""
MOST_WORDS: Final = 6
"""Nor do more words of a clause."""
STEPS: Final = 20
"""Of Newton's method: it stands still after some eight."""
TETHER: Final = 0.3
"""How strongly what a thing is worth is held to zero: the precision of the Gaussian prior."""

PARTS: Final = 6
"""Of what is said for a candidate: what is said before any, and one for each thing of its evidence."""

Number = Annotated[float, Field(allow_inf_nan=False)]


class Evidence(NamedTuple):
    """What speaks for a candidate.

    `own`: nats that words say for it, more than for the first subject, which do not speak for that one. `share`: how likely the clause
    makes it, 0 to 1. `also`: whether the clause has a word like `juga`. `words`: how many words of the clause the model knows. `short`:
    whether the whole text is short: who writes little ("banjir, listrik padam") writes only of what matters.
    """

    own: float
    share: float
    also: bool
    words: int
    short: bool


class Worth(BaseModel):
    """What each part of the evidence is worth, nats: `own` a nat, `words` a word.

    `start`: what is said before any. `least`: how likely a candidate must be, 0 to 1, to be told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Number
    own: Number
    share: Number
    also: Number
    words: Number
    short: Number
    least: Annotated[float, Field(gt=0, lt=1)]

    def nats(self, evidence: Evidence) -> float:
        """What is said for the candidate in all, nats: the log odds that it is a subject of its own."""
        own, share, also, words, short = evidence
        return (
            self.start
            + self.own * min(MOST_OWN, own)
            + self.share * share
            + self.also * also
            + self.words * min(MOST_WORDS, words)
            + self.short * short
        )


def learn(seen: Iterable[tuple[Evidence, bool]], least: float) -> Worth:
    """What the evidence is worth, from candidates of which it is known whether they are subjects.

    Logistic regression, by Newton's method. `least`: as in `Worth`.
    """
    rows = [
        ((1.0, min(own, MOST_OWN), share, float(also), float(min(words, MOST_WORDS)), float(short)), true)
        for (own, share, also, words, short), true in seen
    ]
    worth = [0.0] * PARTS
    for _ in range(STEPS):
        slope = [TETHER * one for one in worth]
        curve = [[TETHER if at == other else 0.0 for other in range(PARTS)] for at in range(PARTS)]
        for row, true in rows:
            share = 1 / (1 + exp(-sum(one * part for one, part in zip(worth, row, strict=True))))
            for at, part in enumerate(row):
                slope[at] += (share - true) * part
                for other, beside in enumerate(row):
                    curve[at][other] += share * (1 - share) * part * beside
        worth = [one - step for one, step in zip(worth, _solve(curve, slope), strict=True)]
    start, own, share, also, words, short = (round(one, 2) for one in worth)
    return Worth(start=start, own=own, share=share, also=also, words=words, short=short, least=least)


def _solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """What the positive definite matrix makes `right` of: Gauss's elimination, which then needs no pivots."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for at, row in enumerate(rows):
        for below in rows[at + 1 :]:
            by = below[at] / row[at]
            below[:] = [one - by * part for one, part in zip(below, row, strict=True)]
    solved: list[float] = []
    for at in reversed(range(len(rows))):
        known = sum(part * one for part, one in zip(reversed(rows[at][at + 1 : -1]), solved, strict=True))
        solved.append((rows[at][-1] - known) / rows[at][at])
    return solved[::-1]
