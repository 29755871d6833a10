"""A text's words and pairs as the classifier reads them, with how much each counts."""

import pytest

from services.routing.classifier.text import DENIED_FACTOR, FIRST_FACTOR, PLACE_FACTOR, Reader, Spellings, clauses
from services.routing.tokens import tokens_of

SPELLINGS = Spellings(
    variants={"lobang": "lubang"},
    whole=frozenset(),
    places=frozenset({"depan"}),
    asks=frozenset({"tolong"}),
    results=frozenset(),
    denials=frozenset({"bukan"}),
    also=frozenset({"juga"}),
    joins=frozenset({"dan"}),
    everyday=frozenset({"di", "duren", "yang"}),
    names=frozenset({"lubang buaya", "duren buaya"}),
)
ROOTS = ("angkut", "buaya", "depan", "jalan", "lampu", "lubang", "mati", "pasar", "rusak", "tolong")
PAIRS = ("depan pasar", "jalan lubang", "jalan rusak", "lampu mati", "lubang rusak", "tolong angkut")
FIRST = FIRST_FACTOR


def pairs():
    found = {}
    for pair in PAIRS:
        first, second = pair.split()
        found.setdefault(first, {})[second] = pair
    return found


@pytest.fixture(scope="module")
def reader():
    return Reader(SPELLINGS, {root: root for root in ROOTS}, pairs())


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("lampu mati", {"lampu": FIRST, "mati": FIRST, "lampu mati": FIRST}),
        ("lampu di mati", {"lampu": FIRST, "mati": FIRST, "lampu mati": FIRST}),  # everyday words stand between
        ("lampu. mati", {"lampu": FIRST, "mati": FIRST}),  # a clause's end parts them
        ("mati lampu", {"lampu": FIRST, "mati": FIRST}),
        ("lampunya dimatikan", {"lampu": FIRST, "mati": FIRST, "lampu mati": FIRST}),  # in any form
        ("jalan berlobang", {"jalan": FIRST, "lubang": FIRST, "jalan lubang": FIRST}),
        # What is taken back counts against, and makes no pair with what was before.
        ("lampu bukan mati", {"lampu": FIRST, "mati": DENIED_FACTOR * FIRST}),
        # A word that tells a place, or asks, has pairs of its own.
        ("depan pasar", {"depan": FIRST, "pasar": PLACE_FACTOR * FIRST, "depan pasar": PLACE_FACTOR * FIRST}),
        ("tolong angkut", {"tolong": FIRST, "angkut": 1.4 * FIRST, "tolong angkut": 1.4 * FIRST}),
        # A place's name says nothing, and parts what stands around it.
        ("jalan lubang buaya rusak", {"jalan": FIRST, "rusak": FIRST}),
        ("lampu di duren buaya mati", {"lampu": FIRST, "mati": FIRST}),
        ("lubang lubang buaya", {"lubang": FIRST}),
        ("jalan lubang di jalan lubang buaya", {"jalan": FIRST, "lubang": FIRST, "jalan lubang": FIRST}),
        # Both words of it are what `depan` tells a place by; what follows counts whole.
        ("depan lubang buaya rusak", {"depan": FIRST, "rusak": FIRST}),
        ("depan duren buaya rusak", {"depan": FIRST, "rusak": FIRST}),
        ("lubang rusak", {"lubang": FIRST, "rusak": FIRST, "lubang rusak": FIRST}),
        ("", {}),
        ("di yang", {}),
    ],
)
def test_words_and_pairs_are_read_in_any_form_and_counted_by_where_they_stand(reader, text, terms):
    assert reader.read(tokens_of(text)) == pytest.approx(terms)


def test_a_word_that_takes_back_begins_no_pair_though_it_is_one_of_the_models():
    roots = {root: root for root in (*ROOTS, "bukan")}
    for pairs_ in ({"bukan": {"mati": "bukan mati"}}, None):
        assert Reader(SPELLINGS, roots, pairs_).read(tokens_of("bukan mati"), first=0) == {"bukan": 1, "mati": DENIED_FACTOR}


def test_without_pairs_of_its_own_a_reader_gives_all(reader):
    every = Reader(SPELLINGS, {root: root for root in ROOTS})
    assert "pasar mati" in every.read(tokens_of("pasar mati"))
    assert "pasar mati" not in reader.read(tokens_of("pasar mati"))


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("lampu mati", [(["lampu", "mati"], [["lampu", "mati"]], False)]),
        # Each clause tells for itself whether a word like `juga` is in it.
        (
            "lampu mati, lampunya juga rusak!",
            [
                (["lampu", "mati"], [["lampu", "mati"]], False),
                (["lampunya", "juga", "rusak"], [["lampunya", "juga", "rusak"]], True),
            ],
        ),
        ("juga. lampu", [(["juga"], [["juga"]], True), (["lampu"], [["lampu"]], False)]),
        (
            "lampu mati dan jalan rusak",
            [(["lampu", "mati", "dan", "jalan", "rusak"], [["lampu", "mati"], ["jalan", "rusak"]], False)],
        ),
        ("dan lampu dan dan mati dan", [(["dan", "lampu", "dan", "dan", "mati", "dan"], [["lampu"], ["mati"]], False)]),
        ("lampu \u2013\nmati", [(["lampu"], [["lampu"]], False), (["mati"], [["mati"]], False)]),
        ("?!., dan.", []),
        ("", []),
    ],
)
def test_a_text_is_parted_into_clauses_and_these_at_words_like_dan(text, parted):
    assert clauses(tokens_of(text), SPELLINGS.joins, SPELLINGS.also) == parted


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("lampu mati", {"lampu": 1, "mati": 1, "lampu mati": 1}),
        ("depan pasar", {"depan": 1, "pasar": PLACE_FACTOR, "depan pasar": PLACE_FACTOR}),
        ("lampu bukan mati", {"lampu": 1, "mati": DENIED_FACTOR}),
    ],
)
def test_in_a_part_of_a_text_no_words_come_first(reader, text, terms):
    assert reader.read(tokens_of(text), first=0) == terms


def test_only_so_many_words_come_first(reader):
    assert reader.read(tokens_of("lampu jalan mati"), first=2) == {"lampu": FIRST, "jalan": FIRST, "mati": 1}


def test_of_a_word_that_stands_twice_the_one_that_counts_more_counts(reader):
    assert reader.read(tokens_of("depan pasar, pasar")) == pytest.approx(
        {"depan": FIRST, "pasar": FIRST, "depan pasar": PLACE_FACTOR * FIRST}
    )
    assert reader.read(tokens_of("pasar depan pasar"), first=0) == {"depan": 1, "pasar": 1, "depan pasar": PLACE_FACTOR}
    # So does a pair; and what is taken back once is taken back.
    assert reader.read(tokens_of("lampu mati. depan lampu mati"), first=0)["lampu mati"] == 1
    assert reader.read(tokens_of("mati, bukan mati"), first=0) == {"mati": DENIED_FACTOR}


def test_a_mistyped_word_is_read_alike_however_many_unknown_ones_stand_before_it_and_however_often():
    text = tokens_of(" ".join(f"q{a}{b}xxwz" for a in "bcdfghjkl" for b in "bcdfghjkl") + " lampxu")
    reader = Reader(SPELLINGS, {root: root for root in ROOTS})
    first = reader.read(text)
    assert first == {"lampu": FIRST}  # the first that says anything
    assert reader.read(text) == first
