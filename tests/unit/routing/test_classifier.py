"""What a text is about: words as citizens write them, how sure that is, and the model that the builder makes."""

import json
import os
import shutil
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.classifier import build as classifier_build
from services.routing.classifier import classifier as classifying
from services.routing.classifier import text as spelling
from services.routing.classifier.classifier import (
    BAREST,
    CLAUSE_SAYS,
    DECIDES,
    FEW,
    LIKELY,
    MODEL,
    MOST_RAISED,
    MOST_WORDS,
    OTHER,
    OWN_SAYS,
    SHORT,
    SPENDS,
    TEXT_SAYS,
    Classifier,
    ClassifierFault,
    probabilities,
    read,
    softmax,
)
from services.routing.classifier.figures import Text, measure, read_texts
from services.routing.classifier.second import Evidence
from services.routing.classifier.text import FIRST_FACTOR
from services.routing.tokens import MOST, SIGNS, tokens_of
from tanggap.contracts.faults import Faults
from tests.support.routing import JAKARTA

TEXTS = JAKARTA.parents[1] / "quality" / "texts.csv"
SECONDS = TEXTS.with_name("two_subjects.csv")


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


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("Sampah menumpuk di depan pasar. Lampu jalannya mati sudah seminggu", {"sampah", "pju"}),
        ("Jalan berlubang parah, lampunya juga mati", {"jalan_rusak", "pju"}),
        ("Jalan berlubang di depan pasar dan lampu jalan juga mati", {"jalan_rusak", "pju"}),
        ("Banjir selutut dan pohon tumbang di jalan raya", {"banjir", "pohon_tumbang"}),
        ("parkir liar di depan sekolah sama pedagang kaki lima", {"parkir_liar", "pkl"}),
        ("air pam mati dan listrik padam", {"air_bersih", "listrik"}),
        ("banjir dan listrik padam", {"banjir", "listrik"}),
        ("listrik padam, banjir", {"banjir", "listrik"}),
        ("jalan rusak dan got mampet", {"jalan_rusak", "saluran_air"}),
        ("PJU mati, got mampet", {"pju", "saluran_air"}),
        ("jalan rusak dan sampah menumpuk", {"jalan_rusak", "sampah"}),
        ("ada tawuran dan pohon tumbang", {"kriminal", "pohon_tumbang"}),
        ("PLN mati, air PAM juga mati", {"listrik", "air_bersih"}),
        ("trotoar ancur, sampah berserakan", {"trotoar", "sampah"}),
        ("maling sama lampu jalan mati", {"kriminal", "pju"}),
    ],
)
def test_a_text_about_two_things_names_the_second(classifier, text, both):
    guess = classifier.classify(text)
    assert {guess.likely[0][0], guess.second} == both


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("banjir", "banjir"),
        ("sampah", "sampah"),
        ("macet", "lalu_lintas"),
        ("KTP", "kependudukan"),
        ("pkl", "pkl"),
        ("begal", "kriminal"),
        ("kebakran", "kebakaran"),
        ("fire!", "kebakaran"),
        ("nyamuk!!", "dbd"),
    ],
)
def test_a_word_that_names_its_subject_outright_is_enough_by_itself(classifier, text, category):
    assert classifier.classify(text).category == category


@pytest.mark.parametrize("text", ["hidran", "kereta", "semrawut", "air", "bocor", "mohon bantuan"])
def test_a_word_that_may_mean_this_or_that_decides_nothing_by_itself(classifier, text):
    assert classifier.classify(text).category is None


@pytest.mark.parametrize(
    "text",
    [
        "mulut berbusa, ga sadar, ga bisa bangun",
        "pagar sekolah rubuh timpa murid",
        "orang sesak nafas di pinggir jalan",
        "kakek tidak sadarkan diri, mulutnya keluar busa",
        "ada yang kestrum di kamar mandi",
        "kena setrum",
    ],
)
def test_people_in_danger_are_no_matter_of_the_place_where_they_are(classifier, text):
    assert classifier.classify(text).likely[0][0] == "penyelamatan"


@pytest.mark.parametrize(
    "text",
    [
        "pos pemadam kebakaran temboknya kusam",
        "alat pemadam kebakaran kedaluwarsa",
        "minta penyuluhan pencegahan kebakaran",
        "tangga darurat kebakaran dipakai gudang",
        "kantor damkar halamannya kusam",
        "minta patroli anti begal",
    ],
)
def test_what_only_bears_the_name_of_a_danger_is_none(classifier, text):
    assert classifier.classify(text).likely[0][0] not in {"kebakaran", "kriminal"}


@pytest.mark.parametrize(
    "text",
    [
        "Sampah menumpuk di pintu masuk parkir, plastik dan sisa makanan berserakan sampai ke trotoar",
        "jalan berlubang dan bergelombang",
        "sampah menumpuk dan bau",
        "got mampet bikin banjir",
        "pohon tumbang menimpa kabel",
        "jalan rusak depan pasar",
        "banjir",
        "sampah menumpuk di depan sekolah",
        "Jalan berlubang parah, sudah dua minggu, tolong ditambal",
    ],
)
def test_where_a_thing_lies_and_what_else_is_wrong_with_it_is_no_second_subject(classifier, text):
    assert classifier.classify(text).second is None


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("BANJIR!!!", "banjir"),
        ("Lampu jalan mati", "pju"),
        ("Sampah menumpuk di depan rumah", "sampah"),
        ("Jalan berlubang", "jalan_rusak"),
    ],
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", " mohon bantuannya terima kasih"),
        ("", ". Mohon segera ditindaklanjuti, terima kasih"),
        ("", ". Terima kasih atas perhatian dan kerja samanya."),
        ("Selamat siang bapak ibu, mohon bantuannya. ", ""),
        ("Assalamualaikum wr wb. Dengan hormat, ", ". Wassalam"),
    ],
)
def test_what_is_only_courteous_changes_no_subject(classifier, text, category, before, after):
    assert classifier.classify(f"{before}{text}{after}").likely[0][0] == category


@pytest.mark.parametrize(
    "text", ["mohon bantuan", "tolong dibantu", "Selamat siang bapak ibu mohon bantuannya terima kasih", "tolong"]
)
def test_a_text_that_is_only_courteous_decides_nothing(classifier, text):
    assert classifier.classify(text).category is None


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


def clauses_of(tokens):
    """The tokens between signs."""
    found = [[]]
    for token in tokens:
        if token in SIGNS or token == "\n":
            found.append([])
        else:
            found[-1].append(token)
    return [clause for clause in found if clause]


def parts_of(model, classifier, tokens):
    """The terms of a clause, and of each piece between words like `dan`, each read by itself."""
    pieces = [[]]
    for token in tokens:
        if token in model.joins:
            pieces.append([])
        else:
            pieces[-1].append(token)
    pieces = [piece for piece in pieces if piece]
    yield classifier.terms(" ".join(tokens))
    if len(pieces) > 1:
        for piece in pieces:
            yield classifier.terms(" ".join(piece))


def plain_evidence(model, classifier, text, whole):  # noqa: C901 - the rule, told once more from its beginning
    """What speaks for a second subject, from the model's own rows; `whole`: the text's terms."""
    bias = list(model.bias.values())
    categories = list(model.bias)

    def score(terms):
        return [
            start + sum(factor * model.terms[term].get(category, 0.0) for term, factor in terms.items())
            for category, start in zip(categories, bias, strict=True)
        ]

    scores = score(whole)
    best = categories[scores.index(max(scores))]
    spent = {
        word for term, factor in whole.items() if factor * model.terms[term].get(best, 0.0) >= SPENDS for word in term.split()
    }
    own = dict.fromkeys(categories, 0.0)
    for term, factor in whole.items():
        row = model.terms[term]
        if row and factor > 0 and spent.isdisjoint(term.split()):
            category = next(iter(row))
            own[category] += factor * (row[category] - max(row.get(best, 0.0), 0.0))
    others = [at for at, category in enumerate(categories) if category not in {best, OTHER}]
    enough = max(scores[at] for at in others) >= TEXT_SAYS and max(own[categories[at]] for at in others) >= OWN_SAYS
    short = len(tokens_of(text)) <= SHORT
    if not (enough or short) and set(model.also).isdisjoint(tokens_of(text)):
        return {}
    found = {}
    for tokens in clauses_of(tokens_of(text)):
        also = not set(model.also).isdisjoint(tokens)
        for terms in parts_of(model, classifier, tokens):
            says = {}
            for term, factor in terms.items():
                for category, weight in list(model.terms[term].items())[:1]:
                    if category not in {best, OTHER}:
                        says[category] = says.get(category, 0.0) + factor * weight
            if not says:
                continue
            most = max(says, key=says.__getitem__)
            if says[most] >= CLAUSE_SAYS or ((also or short) and says[most] > 0):
                share = softmax(score(terms), 1.0)[categories.index(most)]
                if most not in found or share > found[most].share:
                    found[most] = Evidence(own[most], share, also, sum(" " not in term for term in terms), short)
    return found


def test_what_speaks_for_a_second_subject_is_what_the_models_rows_say_clause_by_clause(classifier, texts, monkeypatch):
    model = read(JAKARTA / MODEL)
    whole = {text: classifier.terms(text.text) for text in texts}
    found = {text: classifier.seconds(text.text) for text in texts}
    # In a clause by itself no words come first.
    monkeypatch.setattr(spelling, "FIRST_FACTOR", 1.0)
    for text in texts:
        plain = plain_evidence(model, classifier, text.text, whole[text])
        assert found[text].keys() == plain.keys(), text.text
        for category, evidence in plain.items():
            assert found[text][category] == pytest.approx(evidence), text.text
    assert sum(map(len, found.values())) > 50


@pytest.mark.parametrize("temperature", [0.9, 1.0, 1.1, 1.5, 2.0])
@pytest.mark.parametrize(("nats", "count"), [(1.2, 5), (0.6, 10), (0.5, 12), (0.4, 15), (0.3, 20)])
def test_words_that_say_just_enough_are_looked_at_however_they_add_up(monkeypatch, temperature, nats, count):
    monkeypatch.setattr(spelling, "FIRST_FACTOR", 1.0)
    words = [f"kata{chr(97 + at)}" for at in range(count)]
    model = of_three({"buangan": {"sampah": 9.0}} | {word: {"pohon": nats} for word in words}, temperature=temperature)
    first = "buangan rumah di sana sejak lama sekali di situ,"
    assert model.seconds(f"{first} {' '.join(words)}").keys() == {"pohon"}
    assert model.seconds(f"{first} {' '.join(words[1:])}") == {}


def test_the_likeliest_candidate_is_told_where_it_is_likely_enough(classifier, texts):
    model = read(JAKARTA / MODEL)
    told = 0
    for text in texts:
        seen = {category: 1 / (1 + exp(-model.second.nats(one))) for category, one in classifier.seconds(text.text).items()}
        likeliest = max(seen, key=seen.__getitem__, default=None)
        second = likeliest if likeliest is not None and seen[likeliest] >= model.second.least else None
        guess = classifier.classify(text.text)
        assert guess.second == second
        assert guess.second_confidence == pytest.approx(seen[second] if second is not None else None)
        told += second is not None
    assert 0 < told < len(texts) / 4


@pytest.mark.parametrize("temperature", [1.0, 2.0, 0.5])
@pytest.mark.parametrize("raised", [0.0, MOST_RAISED])  # of large scores too
def test_the_likeliest_are_those_of_all_categories_probabilities(texts, monkeypatch, temperature, raised):
    monkeypatch.setattr(classifying, "MOST_RAISED", raised)
    model = read(JAKARTA / MODEL).model_copy(update={"temperature": temperature, "few_temperature": 0.7})
    classifier = Classifier(model)
    assert 10 < sum(len(tokens_of(text.text)) <= FEW for text in texts) < len(texts) / 2
    for text in texts:
        scores = classifier.scores(classifier.terms(text.text))
        shares = probabilities(scores, 0.7 if len(tokens_of(text.text)) <= FEW else temperature, model.doubt)
        ranked = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:LIKELY]
        guess = classifier.classify(text.text)
        if guess.words:
            told = [(classifier.categories[at], shares[at]) for at in ranked if shares[at] >= BAREST]
            assert [slug for slug, _ in guess.likely] == [slug for slug, _ in told]
            assert [share for _, share in guess.likely] == pytest.approx([share for _, share in told])
            assert guess.confidence == guess.likely[0][1]


@pytest.mark.parametrize("bias", [-900.0, -800.0, 900.0])
def test_a_model_that_says_beyond_what_e_can_be_raised_to_before_any_word_has_an_answer(bias):
    model = read(JAKARTA / MODEL).model_copy(
        update={
            "bias": {"lainnya": bias, "sampah": bias},
            "terms": {"kata": {"sampah": 1.0}},
            "doubt": 0.0,
            "temperature": 1.0,
            "few_temperature": 1.0,
        }
    )
    best = Classifier(model).classify("kata juga. kata dan kata")
    assert best.likely[0] == ("sampah", pytest.approx(1 / (1 + exp(-FIRST_FACTOR))))


def of_three(terms, **more):
    """A classifier of three categories with these terms, of which nothing is said before any word."""
    model = {
        "bias": dict.fromkeys(("lainnya", "sampah", "pohon"), 0.0),
        "terms": terms,
        "temperature": 1.0,
        "few_temperature": 1.0,
    }
    return Classifier(read(JAKARTA / MODEL).model_copy(update=model | more))


@pytest.mark.parametrize(
    ("says", "order"),
    [
        ({"sampah": 1.0, "pohon": 1.0, "lainnya": 1.0}, ["lainnya", "sampah", "pohon"]),
        ({"pohon": 2.0, "sampah": 1.0, "lainnya": 1.0}, ["pohon", "lainnya", "sampah"]),
        ({"pohon": 2.0, "lainnya": 2.0, "sampah": 1.0}, ["lainnya", "pohon", "sampah"]),
    ],
)
def test_of_categories_that_are_equally_likely_each_is_told_once_in_the_citys_order(says, order):
    assert [slug for slug, _ in of_three({"kata": says}).classify("kata").likely] == order


def test_a_clause_that_says_more_than_e_can_be_raised_to_is_weighed_all_the_same():
    words = {f"kata{chr(97 + at)}": {"pohon": 90.0} for at in range(10)} | {"buangan": {"sampah": 100.0}}
    text = " ".join(["buangan,", *[word for word in words if word != "buangan"], "juga"])
    assert of_three(words).seconds(text) == {"sampah": Evidence(pytest.approx(120.0), pytest.approx(1.0), False, 1, False)}


def test_words_that_say_more_than_e_can_be_raised_to_are_weighed_all_the_same():
    words = {f"kata{chr(97 + at)}": {"sampah": 90.0, "pohon": 89.0} for at in range(20)}
    model = read(JAKARTA / MODEL).model_copy(
        update={"bias": {"lainnya": 0.5, "sampah": 0.0, "pohon": 0.0}, "terms": words, "doubt": 0.0}
    )
    guess = Classifier(model).classify(" ".join(words))
    assert guess.likely == (("sampah", pytest.approx(1.0)),)


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


@pytest.fixture(scope="module")
def seconds(small):
    """Texts of two subjects for the small city."""
    path = small / "two.csv"
    path.write_text("text,category,second\nqpju. qdbd,pju,dbd\nqsampah,sampah,\n", encoding="utf-8")
    return path


def test_a_text_is_measured_by_a_model_that_has_not_learned_from_it(small, jakarta, seconds):
    # Each text has a word of its own, which no other has, so only a model that has learned from the text can know it.
    own = ["bzumqaf", "cvuntir", "dwolpex", "fyarkub", "gzembil", "hruvnot", "kjostam", "lfegrid", "mhuplak", "nbivros"]
    path = write_texts(small / "own.csv", [(f"{word} {word}", "pju") for word in own])
    crossed = classifier_build.cross(small, jakarta, path, seconds)
    assert all(crossed.classify(f"{word} {word}").words == () for word in own)


def test_what_other_texts_teach_counts(small, jakarta, seconds):
    rows = [(f"zorkel {number} kalmut", "pju") for number in range(10)] + [
        (f"vindra {number} tosbek", "dbd") for number in range(10)
    ]
    path = write_texts(small / "shared.csv", rows)
    crossed = classifier_build.cross(small, jakarta, path, seconds)
    assert [crossed.classify(text).likely[0][0] for text, _ in rows] == [category for _, category in rows]
    built = classifier_build.build(small, jakarta, path, seconds)
    assert Classifier(built.model).classify("kalmut").likely[0][0] == "pju"
    assert built.text == classifier_build.build(small, jakarta, path, seconds).text


def test_too_few_texts_or_one_of_no_category_are_refused(small, jakarta, seconds):
    with pytest.raises(classifier_build.SourceFaults, match="has 2 texts"):
        classifier_build.cross(small, jakarta, write_texts(small / "few.csv", [("a", "pju"), ("b", "dbd")]), seconds)
    with pytest.raises(classifier_build.SourceFaults, match="no_such_category is no category"):
        classifier_build.cross(small, jakarta, write_texts(small / "wrong.csv", [("a", "no_such_category")] * 9), seconds)


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
    assert (figures.with_second, figures.seconds) == (2, 1)
    assert (figures.seconds_right, figures.seconds_found, figures.seconds_true) == (0.5, 0.5, 1.0)
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
        (broken(temperature=1e-320), "is no model: temperature"),  # with it no text would have a confidence
        (broken(few_temperature=1e-320), "is no model: few_temperature"),
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


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_the_model_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / MODEL)
    with pytest.raises(ClassifierFault, match=r"classifier\.json: can't be read: no regular file"):
        Classifier.load(tmp_path)


def test_a_fault_in_the_builders_sources_is_named_by_its_line(tmp_path, jakarta):
    folder = tmp_path / "jakarta"
    shutil.copytree(JAKARTA, folder)
    path = folder / "classifier" / "sentences.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].rsplit(",", 1)[0] + ",no_such_category" if lines[0].endswith("category") else "no_such_category,x"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(classifier_build.SourceFaults, match=r"sentences\.csv:5: .*no_such_category"):
        classifier_build.build(folder, jakarta, TEXTS, SECONDS)
