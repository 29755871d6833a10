"""The words of a complaint as rules ask for them."""

import re
import time
import unicodedata
from itertools import chain, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.routing.gazetteer.text import words as gazetteers
from services.routing.policy.words import (
    MOST_BETWEEN,
    MOST_WAYS,
    Exceptions,
    Said,
    TooManyError,
    Wanted,
    phrase_of,
    phrases_of,
    says_already,
    stands_in,
)
from services.routing.tokens import MOST_WORDS, may_be_stretched, tokens_of


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Pohon  TUMBANG!", "pohon tumbang"),
        ("pohon-tumbang_besar", "pohon tumbang besar"),
        ("kebakaraaaaan", "kebakaran"),
        ("apinya besar", "api besar"),
        ("hanya punya tanya", "hanya punya tanya"),
        ("ＫＥＢＡＫＡＲＡＮ di Jl. Café", "kebakaran di jl cafe"),
        ("keba\u200bkaran keb\u00adakaran kebak\u2060aran\ufeff", "kebakaran kebakaran kebakaran"),
        ("ke\u0301bakaran kébakaran", "kebakaran kebakaran"),
        ("api\u200bnya a\u00adaapi", "api api"),
        ("RT 005, no 1112", "rt 005 no 1112"),
        ("🔥🔥 ... !!!", ""),
        ("", ""),
    ],
)
def test_case_marks_stretched_letters_and_nya_are_nothing_to_a_phrase(text, phrase):
    assert phrase_of(text) == phrase


@pytest.mark.parametrize(
    ("wanted", "text", "has"),
    [
        (["terbakar"], "Gudang TERBAKAR!", True),
        (["terbakar"], "gudang,terbakarnya pagi", True),
        (["terbakar"], "bakar sampah", False),
        (["api"], "kapital apik rapi", False),
        (["api"], "apinya membesar", True),
        (["api"], "Api\u200b! 🔥", True),
        (["kebakaran"], "keba\u200bkaran rumah", True),
        (["kebakaran"], "keb\u00adakaran rumah", True),
        (["kebakaran rumah"], "keba\u0300karan ru\u200d\u2063mah", True),
        (["api"], "a\u200b pi", False),
        (["pohon tumbang"], "ada Pohon tumbang di jalan", True),
        (["pohon tumbang"], "pohonnya (tumbang)", True),
        (["pohon tumbang"], "pohonnya, tumbang", False),
        (["pohon tumbang"], "pohon mau tumbang", False),
        (["pohon tumbang"], "tumbang pohon", False),
        (["got", "pohon tumbang"], "pohon dan got", True),
        (["api"], "", False),
    ],
)
def test_a_text_has_a_word_where_the_word_stands_by_itself_and_a_phrase_where_its_words_stand_in_a_row(wanted, text, has):
    said = Said(text)
    asked = Wanted(wanted)
    assert asked.in_(said) is has
    assert bool(asked.found(said)) is has


@pytest.mark.parametrize(
    ("wanted", "within", "text", "found"),
    [
        (["kebakaran"], ["pemadam kebakaran"], "Kantor pemadam kebakaran butuh AC", []),
        (["kebakaran"], ["pemadam kebakaran"], "Pemadam kebakaran tolong, ada kebakaran di rumah", ["kebakaran"]),
        (["kebakaran"], ["pemadam kebakaran"], "kebakaran! panggil pemadam kebakarannya", ["kebakaran"]),
        (["kebakaran"], ["pemadam kebakaran"], "pemadam kebakaran pemadam kebakaran", []),
        (["kebakaran"], ["pemadam kebakaran"], "pemadam dan kebakaran", ["kebakaran"]),
        (["kebakaran"], ["pemadam kebakaran", "asuransi kebakaran"], "asuransi kebakaran untuk pemadam kebakaran", []),
        (["kebakaran", "api"], ["pemadam kebakaran"], "pemadam kebakaran, api", ["api"]),
        # A phrase that reaches out of an exception does not stand within it.
        (["kebakaran besar"], ["pemadam kebakaran"], "pemadam kebakaran besar", ["kebakaran besar"]),
        (["begal"], ["rawan begal", "begal motor"], "rawan begal motor", []),
        # What only fills a gap of an exception is none of its words.
        (["tegangan"], ["tegangan .. tinggi", "tagihan .. meledak"], "tagihan tegangan meledak", ["tegangan"]),
        (["meledak"], ["tagihan .. meledak"], "tagihan tegangan meledak", []),
        # Of a phrase that stands twice in three words either may count.
        (["lama lama"], ["akan lama lama"], "akan lama lama lama", ["lama lama"]),
    ],
)
def test_a_word_counts_only_where_it_does_not_stand_within_an_exception(wanted, within, text, found):
    asked = Wanted(wanted, Exceptions(frozenset(within)))
    assert asked.in_(Said(text)) is bool(found)
    assert asked.found(Said(text)) == found


@pytest.mark.parametrize(
    ("text", "found", "excepted"),
    [
        ("Takut kebakaran", [], ["takut kebakaran"]),
        ("Takutnya kebakaran besar", [], ["takut kebakaran"]),
        ("takut ada kebakaran", ["kebakaran"], []),
        ("jangan sampai kebakaran", [], ["jangan sampai kebakaran"]),
        ("dipukul sampai pingsan", ["pingsan"], []),
        ("penakut kebakaran", ["kebakaran"], []),
        ("takut kebakaran, ternyata kebakaran", ["kebakaran"], ["takut kebakaran"]),
        *((f"saya takut{sign}kebakaran", ["kebakaran"], []) for sign in ".,!?;\n\r\u2028！…"),
        ("takut - kebakaran", [], ["takut kebakaran"]),
    ],
)
def test_a_word_counts_only_where_it_does_not_stand_right_after_an_exception(text, found, excepted):
    asked = Wanted(["kebakaran", "pingsan"], Exceptions(after=frozenset({"takut", "jangan sampai"})))
    assert asked.in_(Said(text)) is bool(found)
    assert asked.found(Said(text)) == found
    assert asked.excepted(Said(text)) == excepted


@pytest.mark.parametrize(
    ("text", "excepted"),
    [
        ("takut kebakaran", "takut kebakaran"),
        ("takut akan terjadi kebakaran", "takut akan terjadi kebakaran"),
        ("takut di sini terjadi kebakaran", "takut di sini terjadi kebakaran"),
        ("takut di sini nanti terjadi kebakaran", None),
        ("takut, ada kebakaran", None),
        ("takut ada. kebakaran", None),
        ("mau kebakaran", "mau kebakaran"),
        ("mau tahu kebakaran", None),
        ("lapor takut mau kebakaran", "mau kebakaran"),
    ],
)
def test_an_exception_with_a_gap_reaches_over_a_few_words_of_its_clause(text, excepted):
    asked = Wanted(["kebakaran"], Exceptions(after=frozenset({"takut ..", "mau"})))
    assert asked.in_(Said(text)) is (excepted is None)
    assert asked.excepted(Said(text)) == ([] if excepted is None else [excepted])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("atap roboh", True),
        ("atapnya tadi malam roboh", True),
        ("atap rumah warga kami roboh", True),
        ("atap rumah warga sebelah kami roboh", False),
        ("atap bocor, roboh", False),
        ("roboh atap", False),
        ("atap rumah mau roboh", False),
        ("takut atap roboh", False),
        ("atap kena pohon roboh", False),
        ("atap kena pohon roboh lalu ikut roboh", False),
        ("atap kena pohon roboh, atap roboh", True),
        ("atap mau roboh lalu roboh", True),
    ],
)
def test_a_phrase_with_a_gap_counts_where_all_its_parts_do(text, found):
    asked = Wanted(["atap .. roboh"], Exceptions(frozenset({"pohon roboh"}), frozenset({"mau", "takut .."})))
    assert asked.in_(Said(text)) is found
    assert asked.found(Said(text)) == (["atap .. roboh"] if found else [])


def test_an_exception_is_told_only_where_it_holds_words_that_are_asked_for():
    asked = Wanted(["rumah .. roboh"], Exceptions(frozenset({"depan rumah", "pohon roboh"})))
    assert asked.excepted(Said("banjir di depan rumah")) == []
    assert asked.excepted(Said("di depan rumah ada pohon roboh")) == ["depan rumah", "pohon roboh"]


def test_an_exception_with_a_gap_is_told_whole():
    asked = Wanted(["roboh"], Exceptions(frozenset({"rumah .. roboh"})))
    assert asked.excepted(Said("rumah warga roboh")) == ["rumah warga roboh"]


@pytest.mark.parametrize(
    ("entry", "phrases"),
    [
        ("Pohon  TUMBANG!", ["pohon tumbang"]),
        ("atap/tembok roboh/rubuh", ["atap roboh", "atap rubuh", "tembok roboh", "tembok rubuh"]),
        ("ga / gak sadar", ["ga sadar", "gak sadar"]),
        ("lama-lama/terus", ["lama lama", "terus"]),
        ("atapnya/atap .. roboh", ["atap .. roboh"]),
        ("takut..", ["takut .."]),
        ("takut .. .. api", ["takut .. api"]),
        ("api/", ["api"]),
        ("!/?", []),
    ],
)
def test_an_entry_of_a_policy_may_mean_several_phrases_and_have_gaps(entry, phrases):
    assert phrases_of(entry) == phrases


def test_an_entry_may_not_mean_more_phrases_than_anybody_would_spell_out():
    ten = "/".join("abcdefghij")
    assert len(phrases_of(f"{ten} {ten}")) == MOST_WAYS == 100
    with pytest.raises(TooManyError):
        phrases_of(f"{ten} {ten} k/l")


def test_an_entry_with_much_space_in_it_is_read_at_once():
    started = time.process_time()
    assert phrases_of(f"atap{' ' * 200_000}roboh / {' ' * 1_000} rubuh") == ["atap roboh", "atap rubuh"]
    assert time.process_time() - started < 2


ABC = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(" ".join)
GAPPED = st.lists(ABC, min_size=1, max_size=3).map(" .. ".join)


def places(phrase, text):
    """All that a phrase's parts may stand at, tried place by place: for each of its parts, its words' numbers in the text."""
    sizes = [part.split() for part in phrase.split(" .. ")]
    alone = [[range(at, at + len(part)) for at in range(len(text)) if text[at : at + len(part)] == part] for part in sizes]
    found = [()]
    for each in alone:
        found = [
            (*before, at)
            for before in found
            for at in each
            if not before or (0 <= at.start - before[-1].stop <= MOST_BETWEEN and "." not in text[before[-1].stop : at.start])
        ]
    return found


def may_stand_in(phrase, exception):
    """Whether a part of a phrase may stand in an exception whose gaps have other words, which it says nothing of."""
    fillings = product(*[["", " _", " _ _", " _ _ _"] for _ in exception.split(" .. ")[1:]], [""])
    filled = ["".join(chain(*zip(exception.replace(" .. ", "| ").split("|"), gaps, strict=True))) for gaps in fillings]
    return any(f" {part} " in f" {text} " for part in phrase.split(" .. ") for text in filled)


@example(["a", "a", "a"], ["a a a"], frozenset({"a .. a"}), frozenset())
@example(["a", "b", "c"], ["b"], frozenset({"a .. c"}), frozenset())
@given(
    st.lists(st.sampled_from("abcd."), max_size=10),
    st.lists(GAPPED, min_size=1, max_size=3),
    st.frozensets(GAPPED, max_size=3),
    st.frozensets(st.tuples(ABC, st.sampled_from(["", " .."])).map("".join), max_size=3),
)
@settings(deadline=None)  # the plain way is the slow one
def test_exceptions_are_as_the_places_of_words_say(text, wanted, within, after):
    def excepted(part, phrase):
        holders = [one for one in within if may_stand_in(phrase, one)]
        holding = [range(place[0].start, place[-1].stop) for one in holders for place in places(one, text)]
        ends = {
            place[0].stop + far
            for one in after
            for place in places(one.removesuffix(" .."), text)
            for far in range(MOST_BETWEEN + 1 if one.endswith("..") else 1)
            if "." not in text[place[0].stop : place[0].stop + far]
        }
        return part.start in ends or any(one.start <= part.start and part.stop <= one.stop for one in holding)

    counts = [one for one in set(wanted) if any(not any(excepted(part, one) for part in place) for place in places(one, text))]
    asked, said = Wanted(wanted, Exceptions(within, after)), Said(" ".join(text))
    assert asked.found(said) == sorted(counts)
    assert asked.in_(said) is bool(counts)


@given(GAPPED, GAPPED, st.lists(st.sampled_from("abcd"), max_size=10))
def test_a_phrase_that_stands_in_another_is_in_each_text_that_has_the_other(phrase, other, text):
    if stands_in(phrase, other) and places(other, text):
        assert places(phrase, text)


@given(st.frozensets(GAPPED, min_size=1), ABC, st.lists(st.sampled_from("abcd"), max_size=8))
def test_an_exception_that_others_say_already_changes_nothing(after, last, text):
    after = {one if len(one.split(" .. ")) == 1 else one.split(" .. ")[0] + " .." for one in after}
    for one in after:
        if says_already(after, one) is not None:
            asked, less = (Wanted([last], Exceptions(after=frozenset(some))) for some in (after, after - {one}))
            assert asked.in_(Said(" ".join(text))) is less.in_(Said(" ".join(text)))


ENDS = re.compile(r"[.,!?;\n\r\x85\u2028\u2029]")


@given(st.text(), st.lists(st.text(min_size=1).map(phrase_of).filter(bool), min_size=1, max_size=4))
def test_every_text_has_an_answer_and_the_quick_look_agrees_with_the_plain_one(text, wanted):
    said = Said(text)
    clauses = [f" {phrase_of(clause)} " for clause in ENDS.split(unicodedata.normalize("NFKC", text))]
    assert Wanted(wanted).in_(said) == any(f" {one} " in clause for one in wanted for clause in clauses)


@given(st.lists(st.sampled_from(["api", "apinya", "hanya", "nya", "pohon", "besaaar", "Api!", "-"]), max_size=6).map(" ".join))
def test_a_clauses_own_phrase_is_always_found_in_it(text):
    phrase = phrase_of(text.partition("!")[0])
    assert not phrase or Wanted([phrase]).in_(Said(text))


PIECES = [
    "api",
    "apinya",
    "besaaar",
    "don't",
    "a'aa",
    "...",
    "-",
    "aaa",
    "Api!",
    "jalan,rusak",
    "é",
    "api\u200bnya",
    "x " * 450,
    "y" * 4_100,
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=6).map(" ".join))
def test_words_read_for_the_classifier_answer_a_rule_as_words_read_for_it(text):
    own, given_ = Said(text), Said(text, tokens_of(text))
    assert given_.phrase == own.phrase
    for wanted in (Wanted(["api"]), Wanted(["besar"]), Wanted(["jalan rusak"]), Wanted([phrase_of(text) or "api"])):
        assert wanted.in_(given_) is wanted.in_(own)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Besaaar sekaliiii", ["besar", "sekali"]),
        ("aa bb 000 ... aab", ["aa", "bb", "000", ".", ".", ".", "aab"]),
        ("aaa", ["a"]),
        ("baa" + "a", ["ba"]),
        ("a'aa don't", ["aaa", "dont"]),
        ("\0\0\0api", ["api"]),
        ("jl.Raya,no;5", ["jl", ".", "raya", ",", "no", ";", "5"]),
        ("ＫＥＢＡＫＡＲＡＮ", ["kebakaran"]),  # wide letters
        ("keb\u00e1karan ke\u0301bakaran", ["kebakaran", "kebakaran"]),  # a mark in its letter, and after it
        ("\ud55c\uad6d", ["\ud55c\uad6d"]),  # what decomposing takes apart is put together again
        ("", []),
    ],
)
def test_a_texts_tokens_are_its_words_without_stretched_letters_and_the_signs_that_end_a_clause(text, tokens):
    assert tokens_of(text) == tokens


@pytest.mark.parametrize("word", ["a", "\u00e9"])
def test_so_many_words_of_a_text_are_read_and_no_more(word):
    assert MOST_WORDS == 400
    assert len(tokens_of(f"{word} " * (MOST_WORDS + 1))) == MOST_WORDS


@given(st.text() | st.from_regex(r"[a-cA-C .]{0,12}", fullmatch=True))
def test_a_text_that_is_not_stretched_reads_alike_whether_its_letters_are_looked_at_or_not(text):
    if not may_be_stretched(text):
        assert tokens_of(text, stretched=False) == tokens_of(text)
        assert gazetteers(text, stretched=False) == gazetteers(text)
