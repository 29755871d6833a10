"""Names in a list of words: exact, joined, split and misspelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.gazetteer.marks import MARKS, mark_of
from services.routing.gazetteer.names import Name, Names
from services.routing.gazetteer.text import words

WARDS = ("Kebon Jeruk", "Kebon Kacang", "Kramatjati", "Tebet", "Cipinang", "Cipinang Muara", "Pulau Pari", "Senen")
ORDINARY = frozenset(("pasar", "malam", "sedang", "di", "kebon", "muara", "senin", "jeruk", "kecil"))
NAMES = Names(
    ((name, Name(name, wards=(name,), parts=len(name.split()))) for name in WARDS), {"kebon": ("kb", "kebun")}, ORDINARY
)


def found(text):
    return [(match.name.label, match.start, match.end, match.typo) for match in NAMES.find([w.lower() for w in words(text)])]


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
    assert [match.name.label for match in two.find(["semanan"])] == ["Semanan"]
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
    for match in NAMES.find([part.lower() for part in parts]):
        assert ends <= match.start < match.end <= len(parts)
        ends = match.end


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
        labels = [label.lower().replace(" ", "") for label, start, end, _typo in found(wrong) if (start, end) == (0, 1)]
        assert labels == [name], wrong
