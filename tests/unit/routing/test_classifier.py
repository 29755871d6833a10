"""What a text is about: words as citizens write them, how sure that is, and the model that the builder makes."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.classifier import build as classifier_build
from services.routing.classifier import text as spelling
from services.routing.classifier.classifier import (
    BAREST,
    DECIDES,
    LIKELY,
    MODEL,
    MOST_WORDS,
    OTHER,
    SECOND_WORDS,
    SPENDS,
    Classifier,
    ClassifierFault,
    probabilities,
    read,
)
from services.routing.classifier.figures import Text, measure, read_texts
from services.routing.tokens import MOST, tokens_of
from tanggap.contracts.faults import Faults
from tests.support.routing import JAKARTA

TEXTS = JAKARTA.parents[1] / "quality" / "texts.csv"


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load(JAKARTA)


@pytest.fixture(scope="module")
def texts():
    faults = Faults()
    found = read_texts(TEXTS, faults)
    assert not faults.found
    return found


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Lampu jalan di gang kami sudah padam tiga malam", "pju"),
        ("sampah numpuk bgt ga diangkut2", "sampah"),  # slang
        ("tlg dong min, jln berlubaaang parah bgt", "jalan_rusak"),  # letters drawn out
        ("There is rubbish everywhere, nobody collects it", "sampah"),  # English
        ("Street light mati sejak kemarin", "pju"),  # both
        ("Ada yang parkirr liar di trotoar depan ruko", "parkir_liar"),  # a typo
        ("fogging", "dbd"),  # one word
    ],
)
def test_a_text_is_about_its_category(classifier, text, category):
    guess = classifier.classify(text)
    assert guess.likely[0][0] == category
    assert guess.words


@pytest.mark.parametrize(
    "word", ["tergenang", "genangan", "menggenang", "menggenangi", "genangannya", "digenangi", "tergenanglah"]
)
def test_affixes_change_nothing(classifier, word):
    plain = classifier.classify("genang")
    assert plain.words
    assert classifier.classify(word).likely[0][0] == plain.likely[0][0]
    assert classifier.classify(word).words == plain.words


@pytest.mark.parametrize("text", ["zxqw vbnm", "", "   ", "12345", "?!"])
def test_a_text_of_no_known_word_has_no_category(classifier, text):
    guess = classifier.classify(text)
    assert guess.category is None
    assert guess.words == ()
    assert guess.confidence < classifier.threshold


def test_a_text_about_two_things_names_the_second(classifier):
    guess = classifier.classify("Sampah menumpuk di depan pasar dan lampu jalannya mati sudah seminggu")
    assert (guess.likely[0][0], guess.second) == ("sampah", "pju")


def test_where_the_text_says_also_less_makes_a_second_subject(classifier):
    assert classifier.classify("Jalan berlubang parah, lampunya juga mati").second == "pju"
    assert classifier.classify("Jalan berlubang parah, lampunya mati").second is None


def test_where_a_thing_lies_is_no_second_subject(classifier):
    where = "Sampah menumpuk di pintu masuk parkir, plastik dan sisa makanan berserakan sampai ke trotoar"
    assert classifier.classify(where).second is None
    assert classifier.classify(f"{where}. Mobil jg parkir di trotoar dan bikin macet").likely[0][0] in {"sampah", "parkir_liar"}
    assert classifier.classify(f"{where}. Mobil jg parkir di trotoar dan bikin macet").second in {"sampah", "parkir_liar"}


def test_below_the_threshold_it_does_not_decide(classifier, texts):
    guesses = [classifier.classify(text.text) for text in texts]
    assert {guess.category is not None for guess in guesses} == {True, False}
    for guess in guesses:
        assert (guess.category is not None) == (guess.confidence >= classifier.threshold and bool(guess.words))
        assert guess.category in {None, guess.likely[0][0]}


@given(st.text(max_size=400))
def test_every_text_has_an_answer(classifier, text):
    guess = classifier.classify(text)
    shares = [share for _, share in guess.likely]
    assert shares == sorted(shares, reverse=True)
    assert guess.confidence == shares[0]
    assert 0 < sum(shares) <= 1 + 1e-9
    assert all(slug in classifier.categories for slug, _ in guess.likely)


def test_the_words_told_are_the_models_own(classifier, texts):
    terms = set(read(JAKARTA / MODEL).terms)
    assert {word for text in texts for word in classifier.classify(text.text).words} <= terms


def test_the_words_told_are_those_that_speak_most_for_the_likeliest(classifier, texts):
    terms = read(JAKARTA / MODEL).terms
    for text in texts:
        guess = classifier.classify(text.text)
        if guess.words:
            best = guess.likely[0][0]
            nats = {term: factor * terms[term].get(best, 0.0) for term, factor in classifier.terms(text.text).items()}
            said = sorted((term for term in nats if nats[term] >= DECIDES), key=lambda term: (-nats[term], term))
            assert guess.words == tuple(said[:MOST_WORDS])


def test_a_second_subject_is_what_other_words_speak_for_most(classifier, texts):
    model = read(JAKARTA / MODEL)
    seen = 0
    for text in texts:
        guess = classifier.classify(text.text)
        best = guess.likely[0][0]
        rows = {term: (factor, model.terms[term]) for term, factor in classifier.terms(text.text).items()}
        spent = {word for term, (factor, row) in rows.items() if factor * row.get(best, 0.0) >= SPENDS for word in term.split()}
        own: dict[str, float] = {}
        supporting: dict[str, set[str]] = {}
        for term, (factor, row) in rows.items():
            if factor <= 0 or not row or not spent.isdisjoint(term.split()):
                continue
            most, by = next(iter(row.items()))
            lost = max(row.get(best, 0.0), 0.0)
            own[most] = own.get(most, 0.0) + factor * (by - lost)
            for category, weight in row.items():
                if 2 * weight >= by and factor * (weight - lost) >= DECIDES:
                    supporting.setdefault(category, set()).update(term.split())
        also = not set(model.also).isdisjoint(tokens_of(text.text))
        least = model.second_also_from if also else model.second_from
        may = {category: nats for category, nats in own.items() if category not in {best, OTHER}}
        most = max(may, key=may.__getitem__, default=None)
        told = most is not None and may[most] >= least and (also or len(supporting.get(most, ())) >= SECOND_WORDS)
        assert guess.second == (most if told else None), text.text
        seen += told
    assert seen


def test_the_likeliest_are_those_of_all_categories_probabilities(classifier, texts):
    model = read(JAKARTA / MODEL)
    for text in texts:
        scores = classifier.scores(classifier.terms(text.text))
        shares = probabilities(scores, model.temperature, model.doubt)
        ranked = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:LIKELY]
        guess = classifier.classify(text.text)
        if guess.words:
            assert guess.likely == tuple((classifier.categories[at], shares[at]) for at in ranked if shares[at] >= BAREST)
            assert guess.confidence == shares[ranked[0]]


def test_a_model_of_two_categories_tells_each_once():
    model = read(JAKARTA / MODEL).model_copy(
        update={"bias": {"lainnya": 0.5, "sampah": 0.0}, "terms": {"sampah": {"sampah": 1.0}, "rusak": {"lainnya": 0.2}}}
    )
    assert [slug for slug, _ in Classifier(model).classify("sampah rusak").likely] == ["sampah", "lainnya"]


def test_spellings_that_are_remembered_are_bounded_and_change_no_answer(texts, monkeypatch):
    monkeypatch.setattr(spelling, "REMEMBERED", 50)
    forgetful, fresh = Classifier.load(JAKARTA), Classifier.load(JAKARTA)
    for text in texts:
        # What it has never read before, it reads as what it has.
        fresh._reader._remembered.clear()
        assert forgetful.classify(text.text) == fresh.classify(text.text) == forgetful.classify(text.text)
        assert len(forgetful._reader._remembered) <= 50
        assert not any(" " in word for word in forgetful._reader._remembered)


def test_of_a_text_without_end_only_the_beginning_is_read(classifier):
    beginning = ("sampah menumpuk " * MOST)[:MOST]
    assert classifier.classify(beginning + " lampu jalan padam" * 1000) == classifier.classify(beginning)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A city's folder with a lexicon of one word a category and one sentence, so that only texts can teach."""
    folder = tmp_path_factory.mktemp("small") / "jakarta"
    shutil.copytree(JAKARTA, folder)
    slugs = [line.split(",")[0] for line in (folder / "categories.csv").read_text(encoding="utf-8").splitlines()[1:]]
    sources = folder / "classifier"
    (sources / "lexicon.yaml").write_text(
        "".join(f"{slug}:\n  names: [q{slug.replace('_', '')}]\n" for slug in slugs), encoding="utf-8"
    )
    (sources / "sentences.csv").write_text("category,text\nsampah,sampah\n", encoding="utf-8")
    (sources / "words.csv").write_text("category,word,share,lift\n", encoding="utf-8")
    return folder


def write_texts(path, rows):
    path.write_text("text,category,second\n" + "".join(f"{text},{category},\n" for text, category in rows), encoding="utf-8")
    return path


def test_a_text_is_measured_by_a_model_that_has_not_learned_from_it(small, jakarta):
    # Each text has a word of its own, which no other has, so only a model that has learned from the text can know it.
    own = ["bzumqaf", "cvuntir", "dwolpex", "fyarkub", "gzembil", "hruvnot", "kjostam", "lfegrid", "mhuplak", "nbivros"]
    path = write_texts(small / "own.csv", [(f"{word} {word}", "pju") for word in own])
    crossed = classifier_build.cross(small, jakarta, path)
    assert all(crossed.classify(f"{word} {word}").words == () for word in own)


def test_what_other_texts_teach_counts(small, jakarta):
    rows = [(f"zorkel {number} kalmut", "pju") for number in range(10)] + [
        (f"vindra {number} tosbek", "dbd") for number in range(10)
    ]
    path = write_texts(small / "shared.csv", rows)
    crossed = classifier_build.cross(small, jakarta, path)
    assert [crossed.classify(text).likely[0][0] for text, _ in rows] == [category for _, category in rows]
    built = classifier_build.build(small, jakarta, path)
    assert Classifier(built.model).classify("kalmut").likely[0][0] == "pju"
    assert built.text == classifier_build.build(small, jakarta, path).text


def test_too_few_texts_or_one_of_no_category_are_refused(small, jakarta):
    with pytest.raises(classifier_build.SourceFaults, match="has 2 texts"):
        classifier_build.cross(small, jakarta, write_texts(small / "few.csv", [("a", "pju"), ("b", "dbd")]))
    with pytest.raises(classifier_build.SourceFaults, match="no_such_category is no category"):
        classifier_build.cross(small, jakarta, write_texts(small / "wrong.csv", [("a", "no_such_category")] * 9))


@pytest.mark.parametrize("text", ["halo", "test", "selamat pagi bapak ibu", "p"])
def test_a_greeting_says_nothing(classifier, text):
    assert classifier.classify(text).words == ()


def test_the_figures_count_right_undecided_and_second_subjects():
    class Asked:
        threshold = 0.5

        def classify(self, text):
            from services.routing.classifier.classifier import Guess  # noqa: PLC0415 - the test's own stand-in

            best, confidence, second = text.split("/")
            return Guess(
                best if float(confidence) >= 0.5 else None, float(confidence), ((best, float(confidence)),), (), second or None
            )

    figures = measure(
        Asked(),
        [Text("a/0.9/b", "a", "b"), Text("a/0.8/", "b", None), Text("c/0.7/", "a", None), Text("a/0.2/", "a", "c")],
        {"a": "x", "b": "x", "c": "y"},
    )
    assert (figures.texts, figures.category_right, figures.agency_right) == (4, 0.5, 0.75)
    assert (figures.coverage, figures.decided_category_right, figures.decided_agency_right) == (0.75, 1 / 3, 2 / 3)
    assert (figures.with_second, figures.seconds_right, figures.seconds_found, figures.seconds_true) == (2, 0.5, 0.5, 1.0)
    assert [(one.category, one.taken_for, one.texts) for one in figures.confusions] == [("a", "c", 1), ("b", "a", 1)]
    at_half = next(point for point in figures.curve if point.threshold == 0.5)
    assert (at_half.coverage, at_half.category_right) == (0.75, 1 / 3)


def broken(**changes):
    def change(values):
        values.update(changes)
        return json.dumps(values)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda values: "", "is not JSON"),
        (lambda values: "[" * 100_000, "is not JSON|is no model"),
        (lambda values: json.dumps([values]), "is no model"),
        (broken(threshold=0.51), "is not what version"),
        (broken(temperature="warm"), "is no model: temperature"),
        (lambda values: json.dumps({key: value for key, value in values.items() if key != "terms"}), "is no model: terms"),
    ],
)
def test_a_broken_model_is_refused_with_what_to_do(tmp_path, change, says):
    values = json.loads((JAKARTA / MODEL).read_text(encoding="utf-8"))
    (tmp_path / MODEL).write_text(change(values), encoding="utf-8")
    with pytest.raises(ClassifierFault, match=rf"(?:{says}).*tanggap classifier build"):
        Classifier.load(tmp_path)


def test_a_model_that_is_missing_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(ClassifierFault, match=r"classifier\.json: is missing; build it with"):
        Classifier.load(tmp_path)


def test_a_fault_in_the_builders_sources_is_named_by_its_line(tmp_path, jakarta):
    folder = tmp_path / "jakarta"
    shutil.copytree(JAKARTA, folder)
    path = folder / "classifier" / "sentences.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].rsplit(",", 1)[0] + ",no_such_category" if lines[0].endswith("category") else "no_such_category,x"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(classifier_build.SourceFaults, match=r"sentences\.csv:5: .*no_such_category"):
        classifier_build.build(folder, jakarta, TEXTS)
