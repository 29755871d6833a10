"""What a complaint is about, by its words: one of the city's categories with a calibrated confidence, and the words that decided.

The model is a table of words and pairs of words, each with what it says for and against the categories; a text's score is their sum. It
is what `tanggap classifier build` (`build.py`) makes of `cities/*/classifier/`, and can be read with the eye.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.routing.classifier.second import Evidence, Worth
from services.routing.classifier.text import Reader, Spellings, clauses
from services.routing.tokens import tokens_of
from tanggap.contracts.sources import plain_bytes

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
ROUNDING: Final = 1e-9
"""So many nats are nothing: what says just enough says it whatever its parts are divided by, and in whatever order they are added up."""
TEXT_SAYS: Final = 6.0 - ROUNDING
"""So many nats a text must say of a category besides the likeliest, to be read again clause by clause for a second subject; fewer will do
where a word like `juga` is in it, or where it is `SHORT`. Most texts speak of one subject alone: this and `OWN_SAYS`
are for speed, and lose hardly any."""
OWN_SAYS: Final = 4.0 - ROUNDING
"""So many nats of these must be words' that do not speak for the likeliest."""
CLAUSE_SAYS: Final = 4.5 - ROUNDING
"""So many nats the words of a clause that say most of a category must say of it, to make it a candidate for a second subject; fewer will
do where a word like `juga` is among them, or in a `SHORT` text. Most clauses of most texts speak for the first subject alone, and are not
looked at twice."""
SHORT: Final = 10
"""A text of no more words and signs is read clause by clause whatever it says: few words say little, and are soon read again."""
FEW: Final = 4
"""A text of no more words and signs is of few words: it has a temperature of its own."""
SPENDS: Final = 1.0
"""A word that speaks so much for the best category, nats, can't speak for a second subject. More than `DECIDES`: it is one that did."""
BAREST: Final = 0.005
"""A category less likely than this is not told."""


MOST_RAISED: Final = 500.0
"""e is raised to scores up to so many nats as they stand; near 710 the result would be too large for a number."""
COLDEST: Final = 0.01
"""No temperature is lower: what scores come to, divided by next to nothing, would be no number any more."""


class ClassifierFault(Exception):  # noqa: N818  # a fault of a file, as the house calls it
    """The model can't be used; the text says which file, why, and what to do."""


@dataclass(slots=True)  # frozen, it would take longer to make for every complaint
class Guess:
    """What a text is about.

    `category`: slug; None where the confidence is below the model's threshold, or the text has no word that the model knows.
    `confidence`: 0 to 1, how often the best category is right in texts like it. `likely`: up to three categories with their
    probabilities, best first. `words`: the model's own words that spoke for the best, strongest first. `second`: a second subject,
    and `second_confidence`: 0 to 1, how likely it is one; None where there is none.
    """

    category: str | None
    confidence: float
    likely: tuple[tuple[str, float], ...]
    words: tuple[str, ...]
    second: str | None
    second_confidence: float | None = None


class ModelFile(BaseModel):
    """`classifier.json`. `terms`: word or pair of words to category to weight, nats. `version`: start of the sum of all the rest.

    `temperature`: what scores are divided by, `few_temperature`: those of texts of few words, and `doubt`: what is kept back for the
    other categories, so that probabilities come true.
    `second`: what tells a second subject.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    about: str
    sources: Mapping[str, str]
    threshold: Annotated[float, Field(gt=0, lt=1)]
    temperature: Annotated[float, Field(ge=COLDEST, le=10, allow_inf_nan=False)]
    few_temperature: Annotated[float, Field(ge=COLDEST, le=10, allow_inf_nan=False)]
    doubt: Annotated[float, Field(ge=0, lt=1)]
    second: Worth
    bias: Annotated[Mapping[str, Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2)]
    variants: Mapping[str, str]
    places: tuple[str, ...]
    asks: tuple[str, ...]
    results: tuple[str, ...]
    denials: tuple[str, ...]
    also: tuple[str, ...]
    joins: tuple[str, ...]
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
            also=frozenset(self.also),
            joins=frozenset(self.joins),
            everyday=frozenset(self.everyday),
            names=frozenset(self.names),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A word or a pair of words that the model knows something of.

    `nats`: what it says for and against categories, by their index. `says`: the same divided by the temperature, to be walked through.
    `most`: the category that it says most of, -1 where it says nothing, and `by` how much, nats.
    """

    text: str
    words: tuple[str, ...]
    says: tuple[tuple[int, float], ...]
    nats: Mapping[int, float]
    most: int
    by: float


Found = dict[Term, float]
"""The terms of a text, and how much each counts."""


class Classifier:
    """A model, ready to be asked. `version`: of the model; `threshold`: the confidence from which it decides."""

    __slots__ = (
        "_also",
        "_bias",
        "_categories",
        "_doubt",
        "_few_temperature",
        "_joins",
        "_other",
        "_reader",
        "_second",
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
        self._few_temperature: Final = model.few_temperature
        self._doubt: Final = model.doubt
        self._second: Final = model.second
        self._also: Final = frozenset(model.also)
        self._joins: Final = frozenset(model.joins)
        self._second_from: Final = log(model.second.least / (1 - model.second.least))
        self._categories: Final = tuple(model.bias)
        # Scores are divided by the temperature once, here, and not for every text.
        self._bias: Final = tuple([nats / model.temperature for nats in model.bias.values()])
        index = {category: at for at, category in enumerate(self._categories)}
        self._other: Final = index[OTHER]
        self._terms: Final = _terms(model.terms, index, model.temperature)
        words = {text: term for text, term in self._terms.items() if len(term.words) == 1}
        self._reader: Final = Reader(model.spellings, words, _pairs(self._terms))

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
        if tokens is None:
            tokens = tokens_of(text)
        found = self._reader.read(tokens)
        scores = self._score(found)
        if not found:
            share = probabilities(scores, 1.0, self._doubt)[self._other]
            return Guess(None, share, ((OTHER, share),), (), None)
        ranked = sorted(scores, reverse=True)
        best, likely = self._likely(scores, ranked, 1.0 if len(tokens) > FEW else self._temperature / self._few_temperature)
        said = _deciding(found, best)
        second = second_confidence = None
        seen = self._evidence(found, said, tokens, scores, ranked)
        if seen:
            nats, at = max([(self._second.nats(evidence), at) for at, evidence in seen.items()])
            if nats >= self._second_from:
                second, second_confidence = self._categories[at], 1 / (1 + exp(-nats))
        confidence = likely[0][1]
        return Guess(
            self._categories[best] if confidence >= self.threshold else None,
            confidence,
            tuple(likely),
            tuple([text for _, text, _ in said[:MOST_WORDS]]),
            second,
            second_confidence,
        )

    def _likely(self, scores: list[float], ranked: list[float], sharper: float) -> tuple[int, list[tuple[str, float]]]:
        """The best category of `scores`, and the likeliest with their probabilities, as many as may be told.

        `ranked`: the largest first; `sharper`: what they are multiplied by. As `probabilities` has it, for these few alone: nobody asks
        for the others.
        """
        most, sure, each = ranked[0], 1 - self._doubt, self._doubt / len(scores)
        # Hardly any text says so much that its scores must be brought near to nought first, which takes as long as all the rest.
        if abs(most) * max(sharper, 1.0) >= MOST_RAISED:
            parts = [(score - most) * sharper for score in scores]
        else:
            parts = scores if sharper == 1 else [score * sharper for score in scores]
        whole = sum(map(exp, parts))
        best = at = scores.index(most)
        likely = [(self._categories[best], exp(parts[best]) / whole * sure + each)]
        for score in ranked[1:LIKELY]:
            at = scores.index(score, at + 1 if score == most else 0)
            share = exp(parts[at]) / whole * sure + each
            if share < BAREST:
                break
            likely.append((self._categories[at], share))
            most = score
        return best, likely

    def terms(self, text: str) -> dict[str, float]:
        """The model's terms that the text has, and how much each counts."""
        return {term.text: factor for term, factor in self._reader.read(tokens_of(text)).items()}

    def scores(self, terms: Mapping[str, float]) -> list[float]:
        """What terms say for each category, nats, before the temperature; for the builder."""
        scores = self._score({self._terms[text]: factor for text, factor in terms.items()})
        return [score * self._temperature for score in scores]

    def seconds(self, text: str) -> dict[str, Evidence]:
        """The categories that may be a second subject, and what speaks for each; for the builder."""
        tokens = tokens_of(text)
        found = self._reader.read(tokens)
        scores = self._score(found)
        ranked = sorted(scores, reverse=True)
        seen = self._evidence(found, _deciding(found, scores.index(ranked[0])), tokens, scores, ranked)
        return {self._categories[at]: evidence for at, evidence in seen.items()}

    def _evidence(
        self, found: Found, said: list[tuple[float, str, Term]], tokens: list[str], scores: list[float], ranked: list[float]
    ) -> dict[int, Evidence]:
        """What speaks for each category that may be a second subject, by the clause that makes it likeliest.

        `found`: the text's terms; `said`: what decided for the likeliest category; `ranked`: the `scores`, the largest first.
        """
        short = len(tokens) <= SHORT
        closely = short or not self._also.isdisjoint(tokens)
        enough = TEXT_SAYS / self._temperature
        if ranked[1] < enough and not closely:
            return {}
        best, other = scores.index(ranked[0]), self._other
        if best != other and ranked[1] == scores[other] and not closely and (len(ranked) < 3 or ranked[2] < enough):  # noqa: PLR2004
            return {}
        others, own = self._own(found, said, best)
        if not others or (not closely and max(own.values(), default=0.0) < OWN_SAYS):
            return {}
        by: dict[int, tuple[float, Found, bool]] = {}
        for at, clause, also in self._candidates(tokens, best, 0.0 if short else CLAUSE_SAYS):
            share = _share(self._score(clause), at, self._temperature)
            if at not in by or share > by[at][0]:
                by[at] = share, clause, also
        return {
            at: Evidence(own.get(at, 0.0), share, also, [len(term.words) for term in clause].count(1), short)
            for at, (share, clause, also) in by.items()
        }

    def _own(self, found: Found, said: list[tuple[float, str, Term]], best: int) -> tuple[bool, dict[int, float]]:
        """Whether any term says most of another category than `best`; and what they say for such ones by words that do not speak for it.

        Nats more than for `best`.
        """
        spent: set[str] = set()
        for nats, _, term in said:
            if -nats < SPENDS:
                break
            spent.update(term.words)
        others, own, firsts = False, dict[int, float](), (best, self._other, -1)
        for term, factor in found.items():
            at = term.most
            if at not in firsts:
                others = True
                if factor > 0 and spent.isdisjoint(term.words):
                    of_best = term.nats.get(best, 0.0)
                    own[at] = own.get(at, 0.0) + factor * (term.by - of_best if of_best > 0 else term.by)
        return others, own

    def _candidates(self, tokens: list[str], best: int, enough: float) -> Iterator[tuple[int, Found, bool]]:
        """Each clause, and each piece of one between words like `dan`, that speaks for another category than `best`.

        The category that it says most of, its terms, and whether the clause has a word like `juga`. `enough`: so many nats it must say.
        """
        firsts = (best, self._other, -1)
        for whole, pieces, also in clauses(tokens, self._joins, self._also):
            for part in (whole, *pieces) if len(pieces) > 1 else (whole,):
                clause = self._reader.read(part, first=0)
                says: dict[int, float] = {}
                for term, factor in clause.items():
                    at = term.most
                    if at not in firsts:
                        says[at] = says.get(at, 0.0) + factor * term.by
                if says:
                    at = max(says, key=says.__getitem__)
                    if says[at] >= enough or (also and says[at] > 0):
                        yield at, clause, also

    def _score(self, found: Found) -> list[float]:
        """What terms say for each category, nats divided by the temperature."""
        scores = list(self._bias)
        for term, factor in found.items():
            for at, nats in term.says:
                scores[at] += factor * nats
        return scores


def is_of_few_words(tokens: Sequence[str]) -> bool:
    """Whether a text, by its `tokens_of`, is told its confidence by `few_temperature`."""
    return len(tokens) <= FEW


def _deciding(found: Found, best: int) -> list[tuple[float, str, Term]]:
    """The terms that decided for `best`, each after what it says for it, nats below zero, and its text: the strongest first."""
    said = []
    for term, factor in found.items():
        nats = factor * term.nats.get(best, 0.0)
        if nats >= DECIDES:
            said.append((-nats, term.text, term))
    said.sort()
    return said


def _terms(terms: Mapping[str, Mapping[str, float]], index: Mapping[str, int], temperature: float) -> dict[str, Term]:
    """The terms of a model. What equals is kept once, so that a text touches few places in memory."""
    number: dict[float, float] = {}
    pair: dict[tuple[int, float], tuple[int, float]] = {}
    rows: dict[tuple[tuple[int, float], ...], tuple[tuple[tuple[int, float], ...], dict[int, float]]] = {}
    made = {}
    for text, row in terms.items():
        nats = tuple([(index[category], number.setdefault(said, said)) for category, said in row.items()])
        known = rows.get(nats)
        if known is None:
            says = [(at, said / temperature) for at, said in nats]
            known = rows[nats] = tuple([pair.setdefault(one, one) for one in says]), dict(nats)
        most, by = nats[0] if nats else (-1, 0.0)
        made[text] = Term(text, tuple(text.split(" ")), *known, most, by)
    return made


def _pairs(terms: Mapping[str, Term]) -> dict[Term, dict[Term, Term]]:
    """Pairs by their first word and their second: to look one up makes no string then. Those of unknown words are never found."""
    found: dict[Term, dict[Term, Term]] = {}
    for term in terms.values():
        first, *rest = [terms.get(word) for word in term.words]
        if first is not None and len(rest) == 1 and rest[0] is not None:
            found.setdefault(first, {})[rest[0]] = term
    return found


def _share(scores: list[float], at: int, temperature: float) -> float:
    """The probability of one category by all scores, nats divided by the temperature."""
    nats = [score * temperature for score in scores]
    if abs(max(nats)) >= MOST_RAISED:
        return softmax(nats, 1.0)[at]
    return exp(nats[at]) / sum(map(exp, nats))


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
        values = json.loads(plain_bytes(path).decode("utf-8"))
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
