"""What a complaint is about, by its words: one of the city's categories with a calibrated confidence, and the words that decided.

The model is a table of words and pairs of words, each with what it says for and against the categories; a text's score is their sum. It
is what `tanggap classifier build` (`build.py`) makes of `cities/*/classifier/`, and can be read with the eye.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from math import exp, inf
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.routing.classifier.text import Reader, Spellings
from services.routing.tokens import tokens_of

MODEL: Final = "classifier.json"
"""In the city's folder."""
OTHER: Final = "lainnya"
"""The category of what fits no other: the likeliest where nothing is known, and never a second subject."""
LIKELY: Final = 3
"""So many categories are told at most."""
MOST_WORDS: Final = 5
"""So many deciding words are told at most."""
DECIDES: Final = 0.4
"""A word that speaks less for a category, in nats, did not decide."""
SPENDS: Final = 1.0
"""A word that speaks so much for the best category, nats, can't speak for a second subject. More than `DECIDES`: it is one that did."""
BAREST: Final = 0.005
"""A category less likely than this is not told."""


class ClassifierFault(Exception):  # noqa: N818  # a fault of a file, as the house calls it
    """The model can't be used; the text says which file, why, and what to do."""


class Guess(NamedTuple):
    """What a text is about.

    `category`: slug; None where the confidence is below the model's threshold, or the text has no word that the model knows.
    `confidence`: 0 to 1, how often the best category is right in texts like it. `likely`: up to three categories with their
    probabilities, best first. `words`: the model's own words that spoke for the best, strongest first. `second`: a second subject.
    """

    category: str | None
    confidence: float
    likely: tuple[tuple[str, float], ...]
    words: tuple[str, ...]
    second: str | None


class ModelFile(BaseModel):
    """`classifier.json`. `terms`: word or pair of words to category to weight, nats. `version`: start of the sum of all the rest.

    `temperature`: what scores are divided by, and `doubt`: what is kept back for the other categories, so that probabilities come true.
    `second_from`: nats of own evidence that make a second subject.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    about: str
    sources: Mapping[str, str]
    threshold: Annotated[float, Field(gt=0, lt=1)]
    temperature: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
    doubt: Annotated[float, Field(ge=0, lt=1)]
    second_from: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    bias: Annotated[Mapping[str, Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2)]
    variants: Mapping[str, str]
    places: tuple[str, ...]
    asks: tuple[str, ...]
    results: tuple[str, ...]
    denials: tuple[str, ...]
    names: tuple[str, ...]
    whole: tuple[str, ...]
    everyday: tuple[str, ...]
    terms: Mapping[str, Mapping[str, Annotated[float, Field(allow_inf_nan=False)]]]

    @property
    def spellings(self) -> Spellings:
        """How words are spelt."""
        return Spellings(
            variants=self.variants,
            whole=frozenset(self.whole),
            places=frozenset(self.places),
            asks=frozenset(self.asks),
            results=frozenset(self.results),
            denials=frozenset(self.denials),
            everyday=frozenset(self.everyday),
            names=frozenset(self.names),
        )


Speaks = tuple[tuple[tuple[int, float], ...], dict[int, float], int, float, tuple[str, ...]]
"""What a term says: for and against categories (their index), nats; the same, to look one up; the category that it says most of, -1
where it says nothing, and how much; and the term's own words. A plain tuple, since CPython 3.11 takes a named
one apart through an iterator."""

Found = list[tuple[str, float, Speaks]]
"""The terms of a text, how much each counts, and what it says."""


class Classifier:
    """A model, ready to be asked. `version`: of the model; `threshold`: the confidence from which it decides."""

    __slots__ = (
        "_bias",
        "_categories",
        "_doubt",
        "_nothing",
        "_other",
        "_pairs",
        "_reader",
        "_second_from",
        "_temperature",
        "_terms",
        "threshold",
        "version",
    )

    def __init__(self, model: ModelFile) -> None:
        self.version: Final = model.version
        self.threshold: Final = model.threshold
        self._temperature: Final = model.temperature
        self._doubt: Final = model.doubt
        self._second_from: Final = model.second_from
        self._categories: Final = tuple(model.bias)
        self._bias: Final = tuple(model.bias.values())
        index = {category: at for at, category in enumerate(self._categories)}
        self._other: Final = index[OTHER]
        self._terms: Final = {term: _speaks(term, weights, index) for term, weights in model.terms.items()}
        self._pairs: Final = _by_words(term for term in self._terms if " " in term)
        # Places for what terms say of each category, and one for those that say nothing (index -1).
        self._nothing: Final = [0.0] * (len(index) + 1)
        self._reader: Final = Reader(model.spellings, (term for term in self._terms if " " not in term))

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """The model of a city's folder. Raises `ClassifierFault` where there is none that is whole."""
        return cls(read(folder / MODEL))

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories' slugs that it knows."""
        return self._categories

    def classify(self, text: str, tokens: list[str] | None = None) -> Guess:
        """What the text is about. Total: every text has an answer, in bounded time.

        `tokens`: its own (`tokens_of`), where whoever asks has read it already.
        """
        terms = self._terms
        found: Found = []
        scores, own = list(self._bias), self._nothing.copy()
        for term, factor in self._reader.read(tokens_of(text) if tokens is None else tokens, self._pairs).items():
            speaks = terms[term]
            found.append((term, factor, speaks))
            each, _, most, by, _ = speaks
            own[most] += factor * by
            for at, weight in each:
                scores[at] += factor * weight
        if not found:
            share = probabilities(scores, self._temperature, self._doubt)[self._other]
            return Guess(None, share, ((OTHER, share),), (), None)
        best, likely = self._likely(scores)
        confidence = likely[0][1]
        said = [
            (-nats, term, words)
            for term, factor, (_, weights, _, _, words) in found
            if best in weights and (nats := factor * weights[best]) >= DECIDES
        ]
        said.sort()
        own[best] = own[self._other] = own[-1] = 0.0
        second = None
        if max(own) >= self._second_from:
            second = self._second(found, best, {word for nats, _, words in said if -nats >= SPENDS for word in words})
        return Guess(
            self._categories[best] if confidence >= self.threshold else None,
            confidence,
            tuple(likely),
            tuple([term for _, term, _ in said[:MOST_WORDS]]),
            second,
        )

    def _likely(self, scores: list[float]) -> tuple[int, list[tuple[str, float]]]:
        """The best category of `scores`, which are spent; and the likeliest with their probabilities, as many as may be told.

        As `probabilities` has it, for these few alone: nobody asks for the others.
        """
        ranked = sorted(scores)
        most, temperature, doubt = ranked[-1], self._temperature, self._doubt
        below = [score - most for score in scores]
        whole = sum(map(exp, below if temperature == 1 else [score / temperature for score in below]))
        sure, each = 1 - doubt, doubt / len(scores)
        best = scores.index(most)
        likely = [(self._categories[best], 1 / whole * sure + each)]
        if (1 - 1 / whole) * sure + each < BAREST:  # all the others together
            return best, likely
        scores[best] = -inf
        for score in ranked[-2 : -LIKELY - 1 : -1]:
            share = exp((score - most) / temperature) / whole * sure + each
            if share < BAREST:
                break
            at = scores.index(score)
            scores[at] = -inf
            likely.append((self._categories[at], share))
        return best, likely

    def terms(self, text: str) -> dict[str, float]:
        """The model's terms that the text has, and how much each counts."""
        return self._reader.read(tokens_of(text), self._pairs)

    def scores(self, terms: Mapping[str, float]) -> list[float]:
        """What terms say for each category, nats, before the temperature; for the builder."""
        scores = list(self._bias)
        for term, factor in terms.items():
            for at, weight in self._terms[term][0]:
                scores[at] += factor * weight
        return scores

    def _second(self, found: Found, best: int, spent: set[str]) -> str | None:
        """A category that other words than `spent` speak for, enough of them, each more than for any other."""
        no_second = (best, self._other, -1)
        own = {most: 0.0 for _, _, (_, _, most, _, _) in found if most not in no_second}
        for _, factor, (_, weights, most, by, words) in found:
            if most in own and factor > 0 and spent.isdisjoint(words):
                own[most] += factor * (by - max(weights.get(best, 0.0), 0.0))
        second = max(own, key=own.__getitem__)
        return self._categories[second] if own[second] >= self._second_from else None


def _speaks(term: str, weights: Mapping[str, float], index: Mapping[str, int]) -> Speaks:
    by_index = {index[category]: weight for category, weight in weights.items()}
    most, by = next(iter(by_index.items()), (-1, 0.0))
    return tuple(by_index.items()), by_index, most, by, tuple(term.split(" "))


def _by_words(pairs: Iterable[str]) -> dict[str, dict[str, str]]:
    """Pairs by their first word and their second: to look one up makes no string then."""
    found: dict[str, dict[str, str]] = {}
    for pair in pairs:
        first, second = pair.split(" ")
        found.setdefault(first, {})[second] = pair
    return found


def softmax(scores: list[float], temperature: float) -> list[float]:
    """Probabilities of scores, nats."""
    most = max(scores)
    parts = [exp((score - most) / temperature) for score in scores]
    whole = sum(parts)
    return [part / whole for part in parts]


def probabilities(scores: list[float], temperature: float, doubt: float) -> list[float]:
    """Probabilities of scores, nats, of which `doubt` is spread over all categories alike."""
    each = doubt / len(scores)
    return [part * (1 - doubt) + each for part in softmax(scores, temperature)]


def version_of(values: Mapping[str, Any]) -> str:
    """The version of a model: the start of the SHA-256 sum of all that it holds, but for the version."""
    rest = {key: value for key, value in values.items() if key != "version"}
    return hashlib.sha256(json.dumps(rest, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()[:16]


def read(path: Path) -> ModelFile:
    """The model in a file, checked. Raises `ClassifierFault`."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _fault(path, "is missing") from None
    except OSError as error:
        raise _fault(path, f"can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _fault(path, f"is not JSON: {error}") from error
    try:
        model = ModelFile.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise _fault(path, f"is no model: {where}: {first['msg']}") from error
    if version_of(values) != model.version:
        raise _fault(path, f"is not what version {model.version} was built as: it was changed or cut")
    unknown = sorted({category for weights in model.terms.values() for category in weights} - set(model.bias))
    if unknown or OTHER not in model.bias:
        what = f"the categories {', '.join(unknown)} have no bias" if unknown else f"it lacks the category {OTHER}"
        raise _fault(path, f"is no model: {what}")
    return model


def _fault(path: Path, what: str) -> ClassifierFault:
    return ClassifierFault(f"{path}: {what}; build it with: tanggap classifier build --city {path.parent}")
