"""Makes the city's classifier of its sources and of texts that people have named, and says how it does on texts it has not learned from.

Of the texts a fifth at a time is left out, a model is made of all the rest, and asked for that fifth: that measures it, and sets how sure
it is. The model that is written has then learned from all. The same sources make the same bytes: nothing here depends on time or machine.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any, Final

from services.routing.classifier.calibrate import FOLDS, Calibration, Scored, calibrate, guarded
from services.routing.classifier.classifier import MODEL, Classifier, Guess, ModelFile, is_of_few_words, version_of
from services.routing.classifier.figures import Text, read_texts
from services.routing.classifier.learn import Example, learn
from services.routing.classifier.second import Worth
from services.routing.classifier.second import learn as worth
from services.routing.classifier.sources import FILES, FOLDER, Courtesies, Sources, Term, read
from services.routing.classifier.text import Reader, Spellings, stems
from services.routing.tokens import tokens_of
from tanggap.contracts.city import City
from tanggap.contracts.faults import CityFaults, Faults

SAYS: Final[Mapping[str, float]] = {"names": 1.0, "signs": 0.6, "hints": 0.3}
"""What a term of each level of the lexicon says for its category before anything is learned, nats."""
AS_SENTENCE: Final[Mapping[str, float]] = {"names": 1.0, "signs": 0.5, "hints": 0.1}
"""A term of the lexicon is also a text of one term: how much it counts beside a sentence."""
OF_A_LONG_PHRASE: Final = 0.6
"""A phrase of three words is two pairs, each of which says so much of it."""
PER_LIFT: Final = 0.25
"""What a word's statistics say: so much for each nat of its lift,"""
MOST_OF_LIFT: Final = 1.2
"""but no more than this, nats: they come from another city."""
WORD_SEEN: Final = 2
"""A word that only texts have counts when so many have it: who writes of a street names it once. A sentence of ours names none."""
PAIR_SEEN: Final = 3
"""A pair that the lexicon doesn't have counts when so many sentences and texts have it."""
BAREST: Final = 0.3
"""A weight smaller than this, nats, is left out of the model."""
MOST_WEIGHTS: Final = 5
"""So many of a term's weights are kept, the largest."""
DRESSED: Final = 4
"""Of so many sentences and texts one is learned from as it stands; one has an opening before it, one an ending after it, one has both."""
SECOND_LEAST: Final = 0.4
"""So likely a second subject must be to be told. A judgement: a wrong one costs a glance, one that is not told a second report."""


class SourceFaults(CityFaults):
    """Every fault of the classifier's sources."""


Reading = tuple[Mapping[str, float], int, float]
"""The terms of a sentence or text and how much each counts, the index of its category, its weight."""


@dataclass(frozen=True, slots=True)
class Ground:
    """All that there is to learn from, read once. `lexicon`: its terms, as texts of their own; `prior`: what they say beforehand.

    `seconds`: texts of one subject or two, from which only the second one is learned.
    """

    categories: tuple[str, ...]
    agencies: tuple[str | None, ...]
    spellings: Spellings
    prior: Mapping[str, Mapping[int, float]]
    lexicon: tuple[Reading, ...]
    sentences: tuple[Reading, ...]
    texts: tuple[Reading, ...]
    written: tuple[Text, ...]
    seconds: tuple[Text, ...]
    sums: Mapping[str, str]


class Crossed:
    """The models of a cross-validation as one: each text is asked of the model that has not learned from it.

    `calibration`: what was chosen by all of them, and seen when the terms that only the lexicon and the text itself have are left out.
    `second`: what tells a second subject, learned from all of the texts.
    """

    def __init__(self, asked: Mapping[str, Classifier], calibration: Calibration, second: Worth) -> None:
        self._asked = asked
        self.calibration = calibration
        self.second = second
        self.threshold = calibration.threshold

    def classify(self, text: str) -> Guess:
        """What a text of the set is about."""
        return self._asked[text].classify(text)


@dataclass(frozen=True, slots=True)
class Built:
    """A model, its file's text, how many sentences and texts it was made of, and the models that have not learned from all of these."""

    model: ModelFile
    text: str
    sentences: int
    texts: int
    crossed: Crossed


def build(folder: Path, city: City, texts: Path, seconds: Path) -> Built:
    """The classifier of the city in `folder`, which learns from `texts` too, and second subjects from `seconds`. Raises `SourceFaults`."""
    ground = _ground(folder, city, texts, seconds)
    crossed = _crossed(ground)
    seen = crossed.calibration
    values = _model(ground, ground.texts) | {
        **seen.chosen._asdict(),
        "threshold": seen.threshold,
        "second": crossed.second.model_dump(),
    }
    values["version"] = version_of(values)
    return Built(ModelFile.model_validate(values), render(values), len(ground.sentences), len(ground.texts), crossed)


def cross(folder: Path, city: City, texts: Path, seconds: Path) -> Crossed:
    """The classifier as it does on `texts` and `seconds` while it has not learned from them. Raises `SourceFaults`."""
    return _crossed(_ground(folder, city, texts, seconds))


def _ground(folder: Path, city: City, path: Path, seconds_path: Path) -> Ground:
    faults = Faults()
    sources = read(folder, city, faults)
    texts, seconds = tuple(read_texts(path, faults)), tuple(read_texts(seconds_path, faults))
    if not faults.found and len(texts) < FOLDS:
        faults.add(path.name, 1, f"has {len(texts)} texts; to tell how right the classifier is, it takes {FOLDS} or more")
    for name, of in ((path.name, texts), (seconds_path.name, seconds)):
        for text in of:
            for category in (text.category, text.second):
                if category is not None and category not in city.categories:
                    faults.add(name, 1, f"{category} is no category of categories.csv")
    if faults.found:
        raise SourceFaults(faults.found)
    spellings, roots = _roots(sources, texts)
    reader = Reader(spellings, {root: root for root in roots})
    index = {category: at for at, category in enumerate(city.categories)}
    prior = _prior(sources, reader, index)
    if faults.found:
        raise SourceFaults(faults.found)
    return Ground(
        categories=tuple(city.categories),
        agencies=tuple(category.agency for category in city.categories.values()),
        spellings=spellings,
        prior=prior,
        lexicon=tuple(
            (reader.read(tokens_of(" ".join(one.words))), index[one.category], AS_SENTENCE[one.level]) for one in sources.lexicon
        ),
        sentences=tuple(
            (reader.read(tokens_of(said)), index[one.category], 1.0)
            for one, said in zip(
                sources.sentences, _dressed([one.text for one in sources.sentences], sources.courtesies), strict=True
            )
        ),
        texts=tuple(
            (reader.read(tokens_of(said)), index[one.category], 1.0)
            for one, said in zip(texts, _dressed([one.text for one in texts], sources.courtesies), strict=True)
        ),
        written=texts,
        seconds=seconds,
        sums={name: _sum(folder / FOLDER / name) for name in FILES} | {one.name: _sum(one) for one in (path, seconds_path)},
    )


def _dressed(texts: Sequence[str], courtesies: Courtesies) -> Iterator[str]:
    """The texts, most with something courteous around them, so that it is learned of its words that they say nothing."""
    openings, endings = cycle(courtesies.openings), cycle(courtesies.endings)
    for at, text in enumerate(texts):
        before = next(openings) + (", " if at % 3 else ". ") if at % DRESSED in {1, 3} else ""
        after = (". " if at % 3 else " ") + next(endings) if at % DRESSED in {2, 3} else ""
        yield f"{before}{text}{after}"


def _model(ground: Ground, texts: Sequence[Reading]) -> dict[str, Any]:
    """A model that has learned from the lexicon, the sentences and these texts, not calibrated yet."""
    learned = learn(_examples(ground, texts), ground.prior, len(ground.categories))
    spellings = ground.spellings
    return {
        "version": "",
        "about": "What words say for categories, nats. Made by: tanggap classifier build",
        "sources": dict(ground.sums),
        "threshold": 0.5,
        "temperature": 1.0,
        "few_temperature": 1.0,
        "doubt": 0.0,
        "second": worth([], SECOND_LEAST).model_dump(),
        "bias": {category: round(weight, 2) for category, weight in zip(ground.categories, learned.bias, strict=True)},
        "variants": dict(sorted((spelt, word) for spelt, word in spellings.variants.items())),
        **{
            name: sorted(getattr(spellings, name))
            for name in ("places", "asks", "results", "denials", "also", "joins", "names", "whole", "everyday")
        },
        "terms": {
            term: row
            for term, weights in sorted(learned.weights.items())
            if (row := _row(weights, ground.categories)) or " " not in term
        },
    }


def _crossed(ground: Ground) -> Crossed:
    """A model for each fifth of the texts, learned from the other four, and what they choose and show together."""
    folds = range(FOLDS)
    models = [_model(ground, [one for at, one in enumerate(ground.texts) if at % FOLDS != fold]) for fold in folds]
    raw = [Classifier(ModelFile.model_validate(model)) for model in models]
    terms = [raw[at % FOLDS].terms(text.text) for at, text in enumerate(ground.written)]
    own = guarded(terms, (said for said, _, _ in ground.sentences))
    scored = [
        Scored(raw[at % FOLDS].scores(said), ground.texts[at][1], is_of_few_words(tokens_of(text.text)))
        for at, (said, text) in enumerate(zip(own, ground.written, strict=True))
    ]
    found = calibrate(scored, ground.agencies)
    chosen = found.chosen._asdict() | {"threshold": found.threshold}
    asked = [*enumerate(ground.written), *enumerate(ground.seconds)]
    seen = [
        (at % FOLDS, evidence, text.second is not None and category in {text.category, text.second})
        for at, text in asked
        for category, evidence in raw[at % FOLDS].seconds(text.text).items()
    ]
    sure = []
    for fold, model in enumerate(models):
        second = worth(((evidence, true) for of, evidence, true in seen if of != fold), SECOND_LEAST)
        sure.append(Classifier(ModelFile.model_validate(model | chosen | {"second": second.model_dump()})))
    return Crossed(
        {text.text: sure[at % FOLDS] for at, text in asked},
        found,
        worth(((evidence, true) for _, evidence, true in seen), SECOND_LEAST),
    )


def write(folder: Path, built: Built) -> None:
    """Put the model into the city's folder, whole or not at all."""
    path = folder / MODEL
    fresh = path.with_suffix(".new")
    fresh.write_text(built.text, encoding="utf-8")
    fresh.replace(path)


def render(values: Mapping[str, Any]) -> str:
    """The model as JSON that can be read: one term and one spelling a line."""
    lines: list[str] = []
    for key, value in values.items():
        if isinstance(value, dict) and value:
            inner = ",\n".join(f"  {_json(name)}: {_json(of)}" for name, of in value.items())
            lines.append(f" {_json(key)}: {{\n{inner}\n }}")
        else:
            lines.append(f" {_json(key)}: {_json(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _row(weights: Sequence[float], categories: Sequence[str]) -> dict[str, float]:
    """The weights worth keeping, the largest first; of equals, in the order of categories."""
    kept = sorted(
        ((weight, at) for at, weight in enumerate(weights) if abs(weight) >= BAREST), key=lambda one: (-abs(one[0]), one[1])
    )
    return {categories[at]: round(weight, 1) for weight, at in sorted(kept[:MOST_WEIGHTS], key=lambda one: (-one[0], one[1]))}


def _roots(sources: Sources, texts: Sequence[Text]) -> tuple[Spellings, list[str]]:
    """The words that the model may know, each once: of two that are forms of one, the shorter. And the spellings, with places' names."""
    spelt = sources.spellings
    lexicon = {word for term in sources.lexicon for word in term.words}
    ours = {token for sentence in sources.sentences for token in tokens_of(sentence.text)}
    written = Counter(token for text in texts for token in set(tokens_of(text.text)))
    seen = ours | {token for token, count in written.items() if count >= WORD_SEEN}
    wanted = lexicon | {token for token in seen if token.isalnum()} | {one.word for one in sources.statistics}
    parts = {part for name in sources.names for part in name.split()}
    silent = spelt.everyday | {part for part in parts if part not in lexicon and part not in spelt.variants}
    cues = (spelt.places | spelt.asks | spelt.results | spelt.denials) - lexicon
    words = set(spelt.variants.values())
    silent -= words
    for word in sorted(wanted, key=lambda word: (len(word), word)):
        if word in silent or word in cues or word in spelt.variants or word in words or not word.isascii():
            continue
        if word.isdigit() or len(word) == 1:
            continue
        if word in spelt.whole or not any(stem in words or stem in spelt.variants for stem in stems(word)):
            words.add(word)
    names = {
        name
        for name in sources.names
        if name.count(" ") == 1 and any(part in words or part in spelt.variants for part in name.split())
    }
    spellings = Spellings(
        variants=spelt.variants,
        whole=spelt.whole,
        places=spelt.places,
        asks=spelt.asks,
        results=spelt.results,
        denials=spelt.denials,
        also=spelt.also,
        joins=spelt.joins,
        everyday=silent,
        names=frozenset(names),
    )
    return spellings, sorted(words)


def _prior(sources: Sources, reader: Reader[str], index: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """What the lexicon and the statistics say of a term beforehand. A term of the lexicon that says nothing is noted as a fault."""
    prior: dict[str, dict[int, float]] = {}
    for term in sources.lexicon:
        terms = dict(_terms(term, reader))
        if not terms:
            term.entry.fault(f"{' '.join(term.words)} says nothing: its words are everyday words or places' names")
        for name, says in terms.items():
            _raise(prior, name, index[term.category], says)
    for one in sources.statistics:
        if root := reader.root(one.word):
            _raise(prior, root, index[one.category], min(PER_LIFT * math.log(one.lift), MOST_OF_LIFT))
    return prior


def _raise(prior: dict[str, dict[int, float]], term: str, at: int, says: float) -> None:
    before = prior.setdefault(term, {})
    before[at] = max(before.get(at, 0.0), says)


def _examples(ground: Ground, texts: Sequence[Reading]) -> list[Example]:
    """What a model learns from: the sentences, these texts, and the lexicon's terms as texts of their own."""
    read = (*ground.sentences, *texts)
    pairs = Counter(term for terms, _, _ in read for term in terms if " " in term)
    kept = ground.prior.keys() | {pair for pair, count in pairs.items() if count >= PAIR_SEEN}
    examples = [
        Example({term: factor for term, factor in terms.items() if " " not in term or term in kept}, at, weight)
        for terms, at, weight in (*read, *ground.lexicon)
        if weight
    ]
    return [example for example in examples if example.terms]


def _terms(term: Term, reader: Reader[str]) -> Iterator[tuple[str, float]]:
    """The model's terms that a term of the lexicon is: a word, a pair, or the two pairs of three words."""
    says = SAYS[term.level]
    roots = [root for word in term.words if (root := reader.root(word))]
    if len(roots) == 1:
        yield roots[0], says
    for pair in pairwise(roots):
        yield " ".join(pair), says * (OF_A_LONG_PHRASE if len(roots) > 2 else 1.0)  # noqa: PLR2004 - more than one pair
