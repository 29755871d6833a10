"""The classifier's sources in a city's folder: lexicon, spellings, sentences, courtesies, word statistics, read with every fault named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from services.routing.classifier.text import Spellings
from tanggap.contracts.city import City
from tanggap.contracts.faults import Faults
from tanggap.contracts.sources import Entry, read_rows, read_yaml

FOLDER: Final = "classifier"
"""In the city's folder."""
LEXICON: Final = "lexicon.yaml"
SPELLINGS: Final = "spellings.yaml"
SENTENCES: Final = "sentences.csv"
STATISTICS: Final = "words.csv"
COURTESIES: Final = "courtesies.yaml"
FILES: Final = (LEXICON, SPELLINGS, SENTENCES, STATISTICS, COURTESIES)

LEVELS: Final = ("names", "signs", "hints")
"""How strongly a term of the lexicon speaks for its category, strongest first."""
MOST_WORDS: Final = 3
"""A phrase of the lexicon has so many words at most."""
_WORD: Final = re.compile(r"[^\W_]+")


class Term(NamedTuple):
    """A term of the lexicon: its words as written."""

    category: str
    level: str
    words: tuple[str, ...]
    entry: Entry


class Sentence(NamedTuple):
    """A sentence whose category is known, of our own making."""

    text: str
    category: str


class Statistic(NamedTuple):
    """By how much more often a category's complaints have the word than others: the lift."""

    word: str
    category: str
    lift: float


class Courtesies(NamedTuple):
    """What citizens say besides their subject, before it and after it."""

    openings: tuple[str, ...]
    endings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """All that the builder reads. `names`: places' names, in small letters."""

    lexicon: tuple[Term, ...]
    spellings: Spellings
    sentences: tuple[Sentence, ...]
    statistics: tuple[Statistic, ...]
    courtesies: Courtesies
    names: frozenset[str]


def read(folder: Path, city: City, faults: Faults) -> Sources:
    """The sources of the city in `folder`; what is wrong with them is added to `faults`."""
    known = frozenset(city.categories)
    within = folder / FOLDER
    return Sources(
        lexicon=tuple(_lexicon(within / LEXICON, known, faults)),
        spellings=_spellings(within / SPELLINGS, faults),
        sentences=tuple(_sentences(within / SENTENCES, known, faults)),
        statistics=tuple(_statistics(within / STATISTICS, known, faults)),
        courtesies=_courtesies(within / COURTESIES, faults),
        names=frozenset(unit.name.lower() for unit in city.units.values() if unit.level in {"kelurahan", "kecamatan"}),
    )


def words_of(text: str) -> tuple[str, ...]:
    """The words of a term, in small letters."""
    return tuple(_WORD.findall(text.lower()))


def _lexicon(path: Path, known: frozenset[str], faults: Faults) -> Iterator[Term]:
    top = read_yaml(path, faults)
    table = top.as_table("the lexicon") if top else {}
    for category, (line, entry) in table.items():
        if category not in known:
            faults.add(path.name, line, f"{category} is no category of categories.csv")
            continue
        for level, terms in entry.as_record(category, LEVELS[:1], LEVELS[1:]).items():
            seen: set[tuple[str, ...]] = set()
            for term in terms.as_list(f"{category}.{level}"):
                words = words_of(term.as_text("a term") or "")
                if not words or len(words) > MOST_WORDS:
                    term.fault(f"a term has one to {MOST_WORDS} words")
                elif words in seen:
                    term.fault(f"{' '.join(words)} stands twice in {category}.{level}; keep one")
                else:
                    seen.add(words)
                    yield Term(category, level, words, term)
    if table:
        for category in sorted(known - set(table)):
            faults.add(path.name, 1, f"lacks the category {category}")


def _spellings(path: Path, faults: Faults) -> Spellings:
    sets = ("whole", "places", "asks", "results", "denials", "also", "joins", "everyday")
    top = read_yaml(path, faults)
    record = top.as_record("the spellings", ("variants", *sets)) if top else {}
    variants: dict[str, str] = {}
    table = record["variants"].as_table("variants") if "variants" in record else {}
    for word, (_, entry) in table.items():
        for spelling in entry.as_list(f"variants.{word}"):
            text = spelling.as_text("a spelling") or ""
            if text in table:
                spelling.fault(f"{text} is a word with variants of its own; keep it as one of the two")
            elif variants.setdefault(text, word) != word:
                spelling.fault(f"{text} stands for {variants[text]} already; keep one")
    words = {name: frozenset(_words(record.get(name), name)) for name in sets}
    for word in sorted(words["everyday"] & (variants.keys() | table.keys())):
        record["everyday"].fault(f"{word} is among the variants too; keep one")
    return Spellings(variants=variants, names=frozenset(), **words)


def _words(entry: Entry | None, name: str) -> Iterable[str]:
    return [word.as_text(f"one of {name}") or "" for word in entry.as_list(name)] if entry else []


def _sentences(path: Path, known: frozenset[str], faults: Faults) -> Iterator[Sentence]:
    for row in read_rows(path, ("category", "text"), faults):
        if row.check(
            (row["category"] in known, f"{row['category']} is no category of categories.csv"), (row["text"], "has no text")
        ):
            yield Sentence(row["text"], row["category"])


def _statistics(path: Path, known: frozenset[str], faults: Faults) -> Iterator[Statistic]:
    for row in read_rows(path, ("category", "word", "share", "lift"), faults):
        lift = _number(row["lift"])
        if row.check(
            (row["category"] in known, f"{row['category']} is no category of categories.csv"),
            (lift > 1, f"the lift must be a number above 1, not {row['lift']!r}"),
        ):
            yield Statistic(row["word"], row["category"], lift)


def _courtesies(path: Path, faults: Faults) -> Courtesies:
    top = read_yaml(path, faults)
    record = top.as_record("the courtesies", Courtesies._fields) if top else {}
    openings, endings = (tuple(_words(record.get(name), name)) for name in Courtesies._fields)
    if record:
        for name, said in zip(Courtesies._fields, (openings, endings), strict=True):
            if name in record and not said:
                record[name].fault(f"{name} must have one or more")
    return Courtesies(openings, endings)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def categories_of(city: City) -> Mapping[str, str | None]:
    """Every category of the city with its agency, None where the ward itself acts."""
    return {slug: category.agency for slug, category in city.categories.items()}
