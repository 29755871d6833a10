"""Names in a list of words: exact, joined, split and misspelt."""

import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.gazetteer import file as gazetteer_file
from services.routing.gazetteer import names as finding
from services.routing.gazetteer import text as reading
from services.routing.gazetteer.marks import MARKS, mark_of
from services.routing.gazetteer.names import Name, Names
from services.routing.gazetteer.text import SEPARATORS, small_words, squash, words
from services.routing.invisible import INVISIBLE
from services.routing.tokens import may_be_stretched
from tests.support.routing import JAKARTA

WARDS = ("Kebon Jeruk", "Kebon Kacang", "Kramatjati", "Tebet", "Cipinang", "Cipinang Muara", "Pulau Pari", "Senen")
ORDINARY = frozenset(("pasar", "malam", "sedang", "di", "kebon", "muara", "senin", "jeruk", "kecil"))
NAMES = Names(
    ((name, Name(name, wards=(name,), parts=len(name.split()))) for name in WARDS), {"kebon": ("kb", "kebun")}, ORDINARY
)


def found(text):
    return [(name.label, start, end, typo) for name, start, end, typo, _level in NAMES.find(small_words(text))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("di kebon jeruk", [("Kebon Jeruk", 1, 3, False)]),
        ("kebonjeruk", [("Kebon Jeruk", 0, 1, False)]),
        ("kb jeruk kebun kacang", [("Kebon Jeruk", 0, 2, False), ("Kebon Kacang", 2, 4, False)]),
        ("Kramat Jati", [("Kramatjati", 0, 2, False)]),
        ("cipinang muara", [("Cipinang Muara", 0, 2, False)]),
        ("cipinang, muara", [("Cipinang", 0, 1, False)]),
        ("cipinang kecil", [("Cipinang", 0, 1, False)]),
        ("te bet", []),
        ("kebon, jeruk", []),
        ("kebon", []),
        ("", []),
    ],
)
def test_names_are_found_from_left_to_right_and_the_longest_counts(text, names):
    assert found(text) == names


@pytest.mark.parametrize("wrong", ["kebon jruk", "kebn jeruk", "kebon jeeruk", "kebon jerok", "kebon jeurk", "kbeon jeruk"])
def test_a_letter_left_out_put_in_changed_or_two_turned_is_one_wrong_letter(wrong):
    assert found(f"di {wrong}") == [("Kebon Jeruk", 1, 3, True)]


@pytest.mark.parametrize("wrong", ["kebn jruk", "kebon jerox1", "tebat", "senin", "pasar malam", "kebon kecil", "xebon juruk"])
def test_two_wrong_letters_short_names_and_common_words_are_no_names(wrong):
    assert found(wrong) == []


def test_what_is_one_letter_from_two_names_is_neither():
    two = Names((("Semanan", Name("Semanan")), ("Semaman", Name("Semaman"))), {}, frozenset())
    assert [name.label for name, *_ in two.find(["semanan"])] == ["Semanan"]
    assert list(two.find(["semajan"])) == []


def test_misspelt_names_are_looked_for_in_the_first_words_only():
    assert found("x " * 100 + "kramatjaty") != []
    assert found("x " * 200 + "kramatjaty") == []
    assert found("x " * 100 + "kebon jruk") != []
    assert found("x " * 200 + "kebon jruk") == []
    assert found("x " * 200 + "kramatjati") != []


@given(st.sampled_from([name for name in WARDS if len(name) >= 8]), st.data())
def test_any_one_wrong_letter_is_found_or_is_another_word(name, data):
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    text = name[:place] + letter + name[place + (data.draw(st.booleans())) :]
    labels = [label for label, *_rest in found(text)]
    assert labels in ([name], ["Cipinang"], []) or name == "Cipinang"
    if not set(text.lower().split()) & ORDINARY and " " in text and not name.startswith("Cipinang"):
        assert labels == [name]


@given(st.lists(st.text(max_size=6)))
def test_any_words_have_an_answer_and_matches_never_overlap(parts):
    ends = 0
    for _name, start, end, _typo, _level in NAMES.find([part.lower() for part in parts]):
        assert ends <= start < end <= len(parts)
        ends = end


@pytest.mark.parametrize(
    ("text", "start", "address", "mark"),
    [
        ("kel tebet", 1, False, "kelurahan"),
        ("kel : tebet", 2, False, "kelurahan"),
        ("kecamatn tebet", 1, False, "kecamatan"),
        ("rt 3 / rw 7 tebet", 5, False, "rt"),
        ("rw07 tebet", 1, False, "rt"),
        ("no 7 tebet", 2, False, "bare"),
        ("no 7 tebet", 2, True, "part"),
        ("jl raya tebet", 2, False, "street"),
        ("jl h tebet", 2, False, "street"),
        ("jl dr tebet", 2, False, "street"),
        ("dr tebet", 1, False, "away"),
        ("raya tebet", 1, False, "bare"),
        ("di tebet", 1, False, "at"),
        ("dekat tebet", 1, False, "near"),
        ("ke tebet", 1, False, "away"),
        ("puskesmas tebet", 1, False, "thing"),
        ("pak tebet", 1, False, "person"),
        ("hari tebet", 1, False, "time"),
        ("buah tebet", 1, False, "never"),
        ("kota tebet", 1, False, "kota"),
        ("tebet", 0, False, "bare"),
        ("tebet", 0, True, "part"),
        ("x , tebet , y", 2, True, "part"),
        ("x , tebet kec y", 2, True, "part"),
        ("x , tebet raya", 2, True, "bare"),
        ("x , tebet , y", 2, False, "bare"),
    ],
)
def test_the_word_before_a_name_says_how_it_stands(text, start, address, mark):
    assert mark_of(text.split(), start, start + 1, address=address) == mark


def test_a_short_word_for_kelurahan_is_none_for_kecamatan():
    assert {MARKS["kel"], MARKS["lurah"], MARKS["kelurhan"], MARKS["kelruahan"]} == {"kelurahan"}
    assert {MARKS["kec"], MARKS["camat"], MARKS["kecamtan"]} == {"kecamatan"}


@given(st.sampled_from([name.lower().replace(" ", "") for name in WARDS if len(name) > 7]), st.data())
def test_whichever_letter_of_a_long_name_is_wrong_it_is_found(name, data):
    at = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    for wrong in (name[:at] + name[at + 1 :], name[:at] + letter + name[at + 1 :], name[:at] + letter + name[at:], swapped):
        if may_be_stretched(wrong):
            continue  # a letter that makes three alike is read as a stretched one
        labels = [label.lower().replace(" ", "") for label, start, end, _typo in found(wrong) if (start, end) == (0, 1)]
        assert labels == [name], wrong


# Misspelt, beside the plain way


class Plainly(Names):
    """As `Names`, but every long name is tried for every unknown word, alone and with the next two, and every word for a beginning."""

    def __init__(self, names, spellings, ordinary):
        names = tuple(names)
        super().__init__(names, spellings, ordinary)
        self.by_length = {}
        for key, name in {squash(written): name for written, name in names}.items():
            if key.isalpha() and len(key) >= (finding.LONG_OUTSIDE if name.outside else finding.LONG_ENOUGH):
                self.by_length.setdefault(len(key), []).append(key)

    def find(self, lows):
        done = 0
        for start, word in enumerate(lows):
            if start >= done and (word in self._known or word not in self._ordinary):
                match = self._from(lows, start) if word in self._known else self._unknown(lows, start)
                if match is not None:
                    done = match[2]
                    yield match

    def _from(self, lows, start):
        best, end, at, joined = None, start + 1, start + 1, lows[start]
        if joined not in self._apart:
            best = self._known[joined]
        # A name ends before a common word that is part of none, even of one letter ("k" in "bali k papan").
        while at < min(len(lows), start + finding._MOST_WORDS) and self._says.get(lows[at], "unknown") is not None:
            joined += lows[at]
            if joined not in self._known:
                match = self._misspelt_from(lows, start, at, joined)
                if match is not None and match[0] is not best:
                    return match
                return None if best is None else (best, start, end, False, None)
            at += 1
            if self._known[joined] is not None:
                best, end = self._known[joined], at
        return None if best is None else (best, start, end, False, None)

    def _unknown(self, lows, start):
        for end in (start + 3, start + 2, start + 1):
            if end <= len(lows) and len(lows[start]) >= finding._LEAST_PART:
                last = lows[end - 1] if end > start + 1 else ""
                name = self._closest("".join(lows[start:end]), last) if self._says.get(last, "unknown") is not None else None
                if name is not None:
                    return name, start, end, True, None
        return None

    def _closest(self, joined, end):
        if not joined.isalpha() or len(joined) > finding._LONGEST:
            return None
        near = [key for count in (-1, 0, 1) for key in self.by_length.get(len(joined) + count, ())]
        fits = [key for key in near if finding._one_off(joined, key) and (end not in self._ordinary or key.endswith(end))]
        names = {id(self._known[key]): self._known[key] for key in fits}
        return next(iter(names.values())) if len(names) == 1 else None


def wrong(word, at, how):
    """The word with its letter `at` changed, left out, doubled, or in the place of the next."""
    changed = {
        "changed": word[:at] + ("x" if word[at] != "x" else "q") + word[at + 1 :],
        "left out": word[:at] + word[at + 1 :],
        "doubled": word[:at] + word[at] + word[at:],
        "swapped": word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
    }
    return changed[how]


HOW = ("changed", "left out", "doubled", "swapped")


def test_a_misspelt_name_is_found_as_if_every_name_were_tried(jakarta):
    book = gazetteer_file.read(JAKARTA, jakarta)
    quick, plain = (each(book.names, book.spellings, book.ordinary) for each in (Names, Plainly))
    dice = random.Random(4)
    beside = ("rusak", "di", "xyz", "barat", "depan", "12", "rt05", ",")
    found = 0
    for written, _ in book.names:
        parts = [squash(part) for part in written.split()]
        for how in HOW:
            # The first letters of a name of several words, and any letter of any of its words.
            for at, letter in ((0, dice.randrange(2)), (dice.randrange(len(parts)), -1)):
                part = parts[at]
                bad = wrong(part, min(letter, len(part) - 1) if letter >= 0 else dice.randrange(len(part)), how)
                lows = [dice.choice(beside), *parts[:at], *([bad] if bad else []), *parts[at + 1 :], dice.choice(beside)]
                if dice.random() < 0.4:  # written apart
                    whole = "".join(lows[1:-1])
                    first, second = sorted(dice.randrange(len(whole) + 1) for _ in range(2))
                    lows[1:-1] = [piece for piece in (whole[:first], whole[first:second], whole[second:]) if piece]
                expected = list(plain.find(lows))
                assert list(quick.find(lows)) == expected, lows
                found += any(typo for _, _, _, typo, _ in expected)
    assert found > len(book.names)


@pytest.mark.parametrize("text", ["cipinangmuar4", "kebon k4cang", "kramatjat1", "1ramat jati"])
def test_a_digit_is_no_wrong_letter(text):
    assert not any(typo for *_, typo in found(text))


def of(*written):
    return Names([(name, Name(name, parts=len(name.split()))) for name in written], {}, ORDINARY)


def test_what_a_misspelt_name_has_taken_begins_no_other():
    matches = list(of("Senja Kramatjati", "Kramatjati").find(["senja", "kramatjxti"]))
    assert [(name.label, start, end) for name, start, end, *_ in matches] == [("Senja Kramatjati", 0, 2)]


def test_two_words_that_are_right_are_no_name_with_a_letter_wrong():
    names = of("Kebon Kecil", "Kebin Raya")
    assert [name.label for name, *_ in names.find(["kebun", "kecil"])] == ["Kebon Kecil"]
    assert list(names.find(["kebin", "kecil"])) == []


def test_no_word_of_the_classifiers_is_one_of_a_places_name_or_nearly_so(jakarta):
    """Such a word would hide a name that somebody misspells: it must be put into the list by hand, or not at all."""
    book = gazetteer_file.read(JAKARTA, jakarta)
    spelt = [word for written, _ in book.names for word in written.split()]
    spelt += [word for name, others in book.spellings.items() for other in (name, *others) for word in other.split()]
    parts = {}
    for part in {squash(word) for word in spelt}:
        parts.setdefault(len(part), []).append(part)
    _, told, listed = (JAKARTA / gazetteer_file.ORDINARY).read_text(encoding="utf-8").partition("# Words of classifier/")
    ours = listed.partition("\n")[2].split()
    assert told
    assert len(ours) > 1_000
    for word in ours:
        near = [part for count in (-1, 0, 1) for part in parts.get(len(word) + count, ()) if len(part) > 1]
        assert not [part for part in near if finding._one_off(word, part)], word


def test_a_common_word_ends_a_misspelt_name_only_where_it_is_a_word_of_one():
    assert [typo for *_, typo, _ in of("Kebon Malam").find(["kebxn", "malam"])] == [True]
    assert list(of("Kebonmxlam").find(["kebxn", "malam"])) == []


# A text's words, beside the plain way


def plainly(text):
    """The words of text as one expression has them: a full stop parts after five letters, a dash where it stands free."""
    text = INVISIBLE.sub("", unicodedata.normalize("NFKD", text[: reading.MOST]))[: reading.MOST]
    return reading._WORDS.findall(reading._STRETCHED.sub(r"\1", text))


def alike(read):
    """What is read, with one sign for those separators that need not be told apart."""
    return ["," if word in SEPARATORS - set(":\n-") else word for word in read]


PIECES = [
    *"abcdeXYZ01 .,;:()!?/|-'_\n\t\r\x0b\x1c\x00",
    ". ",
    " - ",
    " -",
    "- ",
    "rusak.",
    "Rawa. ",
    "Jl. ",
    "III",
    "aaa",
    "\r\n",
    "--",
    "..",
    "Tebet",
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_plain_text_is_read_as_the_expression_reads_it(text):
    assert alike(words(text)) == alike(plainly(text))
    assert small_words(text) == [word.lower() for word in words(text)]


SIGNS = [
    *("😭", "’", "“", "—", " — ", "–", " – ", "*", "²", "\u200b", "\u00a0", "\u2003", "\u2028"),
    *("é", "a\u0301", "ＢＡ", "İ", "漢", "نص", "ก็"),
]
"""Signs and letters that are not plain: some become so, some part words, some are words or space."""


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES + SIGNS * 2), max_size=40).map("".join))
def test_text_with_other_signs_is_read_as_the_expression_reads_it(text):
    assert alike(words(text)) == alike(plainly(text))
    assert small_words(text) == [word.lower() for word in words(text)]


@given(st.text(), st.booleans())
def test_any_text_has_as_many_small_words_as_words(text, stretched):
    assert small_words(text, stretched=stretched) == [word.lower() for word in words(text, stretched=stretched)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("rusak. Tebet", ["rusak", ",", "Tebet"]),
        ("Kec. Kb. Jeruk", ["Kec", "Kb", "Jeruk"]),
        ('rusak." Tebet', ["rusak", "Tebet"]),
        ("rusak .Tebet", ["rusak", "Tebet"]),
        ("rusak", ["rusak"]),
        ("Rawa. Jati", ["Rawa", "Jati"]),
        ("rusak.", ["rusak"]),
        ("di Tebet - Menteng", ["di", "Tebet", "-", "Menteng"]),
        ("anak-anak -Tebet", ["anak", "anak", "Tebet"]),
        ("Kelurahan: Cawang", ["Kelurahan", ":", "Cawang"]),
        ("Tebet\nTimur", ["Tebet", "\n", "Timur"]),
        ("(Tebet)/Menteng", [",", "Tebet", ",", ",", "Menteng"]),
        ("Jum'at kodok_ijo", ["Jum", "at", "kodok", "ijo"]),
        ("banjirrr😭Tebet 😭- Menteng", ["banjir", "Tebet", "Menteng"]),
        ("di Tebet — Menteng, Jum’at", ["di", "Tebet", "—", "Menteng", ",", "Jum", "at"]),
        ("a - b 😭- c", ["a", "-", "b", "c"]),
    ],
)
def test_separators_are_words_of_their_own(text, read):
    assert words(text) == read


def test_a_letter_after_a_name_that_is_right_is_none_too_many():
    assert found("kramatjati s") == [("Kramatjati", 0, 1, False)]
    assert found("kramatjxt i") == [("Kramatjati", 0, 2, True)]
