"""The words of a complaint as a rule of the policy may ask for them: without case, marks and the sloppiness of phones. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from services.routing.tokens import SIGNS, are_words_and_signs, words_of

ENDING: Final = "nya"
"""Indonesian's the/its/their: apinya is asked for as api."""
_SHORTEST_STEM: Final = 3
"""The ending is taken off where so many letters are left: not from hanya or punya."""
_END: Final = "."
"""Between two clauses: no word, so that no phrase and no exception reaches over it. "Ini bahaya! Terbakar!" tells of a fire."""
_ENDS: Final = re.compile(rf"[{SIGNS}\n\r\x85\u2028\u2029]+")


def phrase_of(text: str) -> str:
    """The words of a text in a row: small letters, compatible forms made one (NFKC), without marks, stretched letters once, no -nya."""
    return " ".join(map(_stem, words_of(text)))


def stands_in(phrase: str, other: str) -> bool:
    """Whether all words of a phrase stand in a row in another, or are that."""
    return f" {phrase} " in f" {other} "


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
            # A wide sign ends a clause as well.
            text = self.text if self.text.isascii() else unicodedata.normalize("NFKC", self.text)
            clauses = filter(None, map(phrase_of, _ENDS.split(text)))
            self._phrase = f" {f' {_END} '.join(clauses)} "
        return self._phrase

    def has(self, phrase: str) -> bool:
        """Whether all words of a phrase stand in one of its clauses in a row."""
        return f" {phrase} " in self.phrase


class Exceptions(NamedTuple):
    """Where words of a rule don't count: within these phrases, and right after these words or phrases."""

    within: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()


NO_EXCEPTIONS: Final = Exceptions()


class Wanted:
    """Words of a rule, of which a text must have one; a phrase counts where all its words stand in a row in one clause.

    `but_not`: where they don't count: of "pemadam kebakaran tolong, ada kebakaran" the second word still does. `keys`: words of which a
    text has one where it has any of them.
    """

    __slots__ = ("_after", "_by_key", "_within", "keys", "phrases")

    def __init__(self, phrases: Iterable[str], but_not: Exceptions = NO_EXCEPTIONS) -> None:
        self.phrases: Final = tuple(sorted(set(phrases)))
        self._after: Final = tuple(f" {phrase} " for phrase in sorted(but_not.after))
        within = {phrase: [one for one in sorted(but_not.within) if stands_in(phrase, one)] for phrase in self.phrases}
        self._within: Final = {phrase: tuple(holding) for phrase, holding in within.items() if holding}
        # A phrase is looked for only in a text that has one word of it: the one that another phrase is looked for by already, or else
        # the longest. So `ada korban` is not looked for in each text that has `ada`, and `sekolah ambruk` only where `rumah ambruk` is.
        by_key: dict[str, tuple[str, ...]] = {}
        for words, phrase in sorted([(phrase.split(), phrase) for phrase in self.phrases], key=_by_length):
            known = [word for word in reversed(words) if word in by_key]
            for key in _with_ending(known[0] if known else max(reversed(words), key=len)):
                by_key[key] = (*by_key.get(key, ()), phrase)
        self._by_key: Final = by_key
        self.keys: Final = frozenset(by_key)

    def in_(self, said: Said) -> bool:
        """Whether the text has one of them that counts."""
        keys = self.keys.intersection(said.tokens)
        return bool(keys) and any(self._counts(phrase, said) for key in keys for phrase in self._by_key[key])

    def found(self, said: Said) -> list[str]:
        """Those that the text has and that count."""
        return [phrase for phrase in self.phrases if self._counts(phrase, said)]

    def excepted(self, said: Said) -> list[str]:
        """What of the text holds words that don't count."""
        within = {one for phrase in self.phrases for one in self._within.get(phrase, ()) if said.has(one)}
        after = [f"{before[1:]}{phrase}" for phrase in self.phrases if said.has(phrase) for before in self._after]
        return [*sorted(within), *filter(said.has, after)]

    def _counts(self, phrase: str, said: Said) -> bool:
        """Whether it stands somewhere in the text where it counts."""
        if not said.has(phrase):
            return False
        within = [span for one in self._within.get(phrase, ()) for span in _spans(one, said)]
        return any(
            not said.phrase.endswith(self._after, 0, at + 1) and not any(start <= at and to <= end for start, end in within)
            for at, to in _spans(phrase, said)
        )


def _by_length(one: tuple[list[str], str]) -> tuple[bool, int, str]:
    """Single words first, since each is its own key; then phrases whose longest word is shortest."""
    words, phrase = one
    return len(words) > 1, max(map(len, words)), phrase


def _spans(phrase: str, said: Said) -> Iterator[tuple[int, int]]:
    """Where in the text's words in a row a phrase begins and ends, each time that it stands there."""
    at = said.phrase.find(f" {phrase} ")
    while at >= 0:
        yield at, at + len(phrase)
        at = said.phrase.find(f" {phrase} ", at + 1)


def _stem(word: str) -> str:
    return word.removesuffix(ENDING) if len(word) >= _SHORTEST_STEM + len(ENDING) else word


def _with_ending(word: str) -> tuple[str, ...]:
    """A word, and with the ending where it would be taken off: so that a text's words need not be stemmed one by one."""
    return (word, word + ENDING) if len(word) >= _SHORTEST_STEM else (word,)
