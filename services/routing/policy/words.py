"""The words of a complaint as a rule of the policy may ask for them: without case, marks and the sloppiness of phones. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import chain, combinations, product
from math import prod
from typing import Final, NamedTuple

from services.routing.tokens import SIGNS, are_words_and_signs, words_of

ENDING: Final = "nya"
"""Indonesian's the/its/their: apinya is asked for as api."""
_SHORTEST_STEM: Final = 3
"""The ending is taken off where so many letters are left: not from hanya or punya."""
GAP: Final = ".."
"""In a phrase: here up to `MOST_BETWEEN` other words of the same clause may stand. `atap .. roboh` is "atap rumah warga roboh" too."""
MOST_BETWEEN: Final = 3
"""Words between two that belong together: takut nanti akan ada begal."""
MOST_WAYS: Final = 100
MOST_GAPS: Final = 2

_EITHER: Final = re.compile(r"\s*/\s*")
_END: Final = "."
"""Between two clauses: no word, so that no phrase and no exception reaches over it. "Ini bahaya! Terbakar!" tells of a fire."""
_ENDS: Final = re.compile(rf"[{SIGNS}\n\r\x85\u2028\u2029]+")


def phrase_of(text: str) -> str:
    """The words of a text in a row: small letters, compatible forms made one (NFKC), without marks, stretched letters once, no -nya."""
    return " ".join(map(_stem, words_of(text)))


def phrases_of(text: str) -> list[str]:
    """The phrases that an entry of a policy means: `atap/tembok .. roboh` is two, with a gap (`GAP`) in each.

    Raises `TooManyError` where they are more than `MOST_WAYS`.
    """
    tokens = _EITHER.sub("/", " ".join(text.split())).replace(GAP, f" {GAP} ").split()
    ways = [[GAP] if token == GAP else [*filter(None, map(phrase_of, token.split("/")))] for token in tokens]
    ways = [each for at, each in enumerate(ways) if each and not (each == [GAP] and at and ways[at - 1] == [GAP])]
    if prod(map(len, ways)) > MOST_WAYS:
        raise TooManyError
    return [*dict.fromkeys(" ".join(way) for way in product(*ways))] if ways else []


class TooManyError(Exception):
    """An entry means more phrases than anybody would spell out."""


def parts_of(phrase: str) -> list[str]:
    """What of a phrase stands in a row: all of it, but for its gaps."""
    return phrase.split(f" {GAP} ")


def stands_in(phrase: str, other: str) -> bool:
    """Whether a text that has the other has the phrase too, whatever fills its gaps."""
    return all(any(True for _ in _places(phrase, text)) for text in _filled(other))


def held(phrases: Iterable[str], within: Iterable[str]) -> dict[str, list[str]]:
    """Of those phrases of which a part may stand within others: these, sorted.

    What fills a gap of theirs is none of theirs: "tagihan .. meledak" leaves the "bom" in "tagihan bom meledak" as it is.
    """
    ordered = sorted(within)
    if not ordered:
        return {}  # as for most rules, each of which is asked for this several times
    by_part: dict[str, list[str]] = {}
    for phrase in phrases:
        for part in parts_of(phrase):
            by_part.setdefault(part, []).append(phrase)
    parts = Rows(by_part)
    found: dict[str, list[str]] = {}
    for one in ordered:
        # All that may stand there in a row does where nothing fills the gaps.
        text = one.replace(f" {GAP} ", " ")
        for phrase in dict.fromkeys([phrase for part in parts.within(text) for phrase in by_part[part]]):
            found.setdefault(phrase, []).append(one)
    return found


class Rows:
    """Words in a row, many of them, to be found within longer ones without trying each: policies have ten thousand and more."""

    def __init__(self, rows: Iterable[str]) -> None:
        self._rows: Final = dict.fromkeys(rows)
        self._lengths: Final = sorted({row.count(" ") + 1 for row in self._rows})
        often = Counter(word for row in self._rows for word in set(row.split()))
        self._by_rarest: Final[dict[str, list[str]]] = {}
        for row in self._rows:
            self._by_rarest.setdefault(min(row.split(), key=often.__getitem__), []).append(row)

    def within(self, text: str) -> list[str]:
        """Those of them that stand in the words of a text."""
        words = text.split()
        rarest = [word for word in dict.fromkeys(words) if word in self._by_rarest]
        # Where many share all their words, it is less to look up whatever stands in the text.
        if sum(len(self._by_rarest[word]) for word in rarest) <= len(words) * len(self._lengths):
            spaced = f" {' '.join(words)} "
            return [row for word in rarest for row in self._by_rarest[word] if f" {row} " in spaced]
        slices = (" ".join(words[at : at + length]) for length in self._lengths for at in range(len(words) - length + 1))
        return [*dict.fromkeys(row for row in slices if row in self._rows)]


def says_already(after: Container[str], phrase: str) -> str | None:
    """Which of the exceptions after which words don't count already stands wherever that other does; None without one."""
    *words, last = phrase.split()
    soon = last == GAP
    words = words if soon else [*words, last]
    for start, end in combinations(range(len(words) + 1), 2):
        if len(words) - end <= (0 if soon else MOST_BETWEEN):
            base = " ".join(words[start:end])
            may: list[str] = [f"{base} {GAP}", *([base] if end == len(words) and not soon else ())]
            found = next((one for one in may if one != phrase and one in after), None)
            if found is not None:
                return found
    return None


class Said:
    """A complaint's text, of which rules ask words. It is taken apart when the first does, since of some complaints none does.

    `tokens`: the text's own (`tokens_of`), where whoever asks has read it already: most texts need no second reading then.
    """

    __slots__ = ("_given", "_phrase", "_tokens", "text")

    def __init__(self, text: str, tokens: list[str] | None = None) -> None:
        self.text: Final = text
        self._given: Final = tokens
        self._tokens: list[str] | None = None
        self._phrase: str | None = None

    @property
    def tokens(self) -> list[str]:
        """Its words as they stand in it, with their endings; there may be signs among them, which no rule asks for."""
        if self._tokens is None:
            given = self._given
            self._tokens = given if given is not None and are_words_and_signs(given, self.text) else words_of(self.text)
        return self._tokens

    @property
    def phrase(self) -> str:
        """All its words in a row, without endings, clause by clause, a space at either end."""
        if self._phrase is None:
            text, given = self.text, self._given
            if given is not None and self.tokens is given and "\n" not in text and "\r" not in text:
                self._phrase = f" {' '.join(_clauses(given))} "
            else:
                # A wide sign ends a clause as well.
                text = text if text.isascii() else unicodedata.normalize("NFKC", text)
                self._phrase = f" {f' {_END} '.join(filter(None, map(phrase_of, _ENDS.split(text))))} "
        return self._phrase


class Exceptions(NamedTuple):
    """Where words of a rule don't count: within these phrases, and after these, right after or, with a gap at the end, soon after."""

    within: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()


NO_EXCEPTIONS: Final = Exceptions()


class Wanted:
    """Words of a rule, of which a text must have one; a phrase counts where all its words stand in a row in one clause, but for its gaps.

    `but_not`: where they don't count: of "pemadam kebakaran tolong, ada kebakaran" the second word still does. `keys`: words of which a
    text has one where it has any of them.
    """

    __slots__ = ("_after", "_by_key", "_soon_after", "_within", "keys", "phrases")

    def __init__(self, phrases: Iterable[str], but_not: Exceptions = NO_EXCEPTIONS) -> None:
        self.phrases: Final = tuple(sorted(set(phrases)))
        self._after: Final = tuple(f" {phrase} " for phrase in but_not.after if not phrase.endswith(GAP))
        self._soon_after: Final = tuple(f" {phrase[: -len(GAP)]}" for phrase in but_not.after if phrase.endswith(GAP))
        self._within: Final = held(self.phrases, but_not.within)
        # A phrase is looked for only in a text that has one word of it: the one that another phrase is looked for by already, or else
        # the longest. So `ada korban` is not looked for in each text that has `ada`, and `sekolah ambruk` only where `rumah ambruk` is.
        by_key: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}
        for words, phrase in sorted([(phrase.replace(GAP, "").split(), phrase) for phrase in self.phrases], key=_by_length):
            known = [word for word in reversed(words) if word in by_key]
            chosen = known[0] if known else max(reversed(words), key=len)
            others = tuple([word for word in words if word != chosen])
            for key in _with_ending(chosen):
                by_key[key] = (*by_key.get(key, ()), (phrase, others))
        self._by_key: Final = by_key
        self.keys: Final = frozenset(by_key)

    def in_(self, said: Said, keys: AbstractSet[str] | None = None) -> bool:
        """Whether the text has one of them that counts. `keys`: of its words, those that any rule has among its `keys`, where known."""
        keys = self.keys.intersection(said.tokens if keys is None else keys)
        if not keys:
            return False
        tokens = set(said.tokens)
        for key in keys:
            for phrase, others in self._by_key[key]:
                for word in others:
                    if word not in tokens and f"{word}{ENDING}" not in tokens:
                        break  # as in most texts that have one word of a phrase: they need not be read clause by clause
                else:
                    if self._counts(phrase, said.phrase):
                        return True
        return False

    def found(self, said: Said) -> list[str]:
        """Those that the text has and that count."""
        return [phrase for phrase in self.phrases if self._counts(phrase, said.phrase)]

    def excepted(self, said: Said) -> list[str]:
        """What of the text holds words that don't count."""
        text, found = said.phrase, []
        for phrase in self.phrases:
            within = [(one[0][0], one[-1][1]) for holding in self._within.get(phrase, ()) for one in _places(holding, text)]
            for at, to in (part for parts in _places(phrase, text) for part in parts):
                found += [text[start + 1 : end] for start, end in within if start <= at and to <= end]
                begins = self._exception(at, text)
                if begins is not None:
                    found.append(text[begins + 1 : to])
        return [*dict.fromkeys(found)]

    def never_in(self, phrase: str) -> bool:
        """Whether none of them counts in what has that phrase alone, whatever fills its gaps."""
        return not any(self._counts(one, text) for text in _filled(phrase) for one in self.phrases)

    def _counts(self, phrase: str, text: str) -> bool:
        """Whether it stands somewhere in the text where all its parts count."""
        within = None
        for parts in _places(phrase, text):
            if any(self._exception(at, text) is not None for at, _ in parts):
                continue
            if within is None:
                places = (places for one in self._within.get(phrase, ()) for places in _places(one, text))
                within = [(place[0][0], place[-1][1]) for place in places]
            if not any(start <= at and to <= end for start, end in within for at, to in parts):
                return True
        return False

    def _exception(self, at: int, text: str) -> int | None:
        """Where the exception begins after which a place in the text stands; None without one."""
        end = at + 1
        if text.endswith(self._after, 0, end):
            return end - max(len(one) for one in self._after if text.endswith(one, 0, end))
        for _ in range(MOST_BETWEEN + 1 if self._soon_after else 0):
            if text.endswith(self._soon_after, 0, end):
                return end - max(len(one) for one in self._soon_after if text.endswith(one, 0, end))
            before = text.rfind(" ", 0, end - 1)
            if before < 0 or text[before + 1 : end - 1] == _END:
                break
            end = before + 1
        return None


def _by_length(one: tuple[list[str], str]) -> tuple[bool, int, str]:
    """Single words first, since each is its own key; then phrases whose longest word is shortest."""
    words, phrase = one
    return len(words) > 1, max(map(len, words)), phrase


def _places(phrase: str, text: str) -> Iterator[list[tuple[int, int]]]:
    """Where in a text's words in a row the parts of a phrase stand, each time that it does: the spaces around each."""
    first, *rest = (f" {part} " for part in parts_of(phrase))
    at = text.find(first)
    while at >= 0:
        yield from _following([(at, at + len(first) - 1)], rest, text)
        at = text.find(first, at + 1)


def _following(found: list[tuple[int, int]], parts: list[str], text: str) -> Iterator[list[tuple[int, int]]]:
    """Places of a phrase of which the first parts were found: each further one few words of the same clause after the one before."""
    if not parts:
        yield found
        return
    at = found[-1][1]
    for _ in range(MOST_BETWEEN + 1):
        if text.startswith(parts[0], at):
            yield from _following([*found, (at, at + len(parts[0]) - 1)], parts[1:], text)
        following = text.find(" ", at + 1)
        if following < 0 or text[at + 1 : following] == _END:
            return
        at = following


@lru_cache(maxsize=10_000)
def _filled(phrase: str) -> tuple[str, ...]:
    """Texts that have a phrase and no more: one for each width of its gaps, filled with what is no word of any policy."""
    ways = [[["_"] * width for width in range(MOST_BETWEEN + 1)] if word == GAP else [[word]] for word in phrase.split()]
    return tuple([f" {' '.join(chain.from_iterable(way))} " for way in product(*ways)])


def _clauses(tokens: list[str]) -> list[str]:
    """Words without endings, and one mark where a clause ends, of tokens that may have signs among them."""
    found: list[str] = []
    for token in tokens:
        if token not in SIGNS:
            found.append(_stem(token) if token.endswith(ENDING) else token)
        elif found and found[-1] != _END:
            found.append(_END)
    if found and found[-1] == _END:
        found.pop()
    return found


def _stem(word: str) -> str:
    return word.removesuffix(ENDING) if len(word) >= _SHORTEST_STEM + len(ENDING) else word


def _with_ending(word: str) -> tuple[str, ...]:
    """A word, and with the ending where it would be taken off: so that a text's words need not be stemmed one by one."""
    return (word, word + ENDING) if len(word) >= _SHORTEST_STEM else (word,)
