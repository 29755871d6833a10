"""A decision by a complaint's words: its place where it has no point, its category where the app gave none, and what contradicts."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.classifier.classifier import Guess
from services.routing.decide import Readers, decide
from services.routing.places import CONTRADICTS_FROM, full_name
from services.routing.router import Router, read_words
from services.routing.subject import NAMES_FROM, name_subject
from tanggap.contracts.events import ComplaintAssigned, ComplaintTriageRequested, whole_percent
from tanggap.contracts.faults import CityFaults
from tests.support.routing import BEKASI, DECIDED, JAKARTA, JATINEGARA_STATION, MONAS, SECRET, submitted


@pytest.fixture(scope="session")
def readers(jakarta):
    return read_words(JAKARTA, jakarta)


@pytest.fixture(scope="session")
def decided(jakarta, jakarta_wards, jakarta_policy, readers):
    def run(words, category=None, at=MONAS, address=None):
        return decide(
            submitted(category, at, words=words, address=address), jakarta, jakarta_wards, jakarta_policy, DECIDED, readers
        )

    return run


class Says:
    """A classifier with one answer."""

    version = "says"

    def __init__(self, category, confidence, likely=None, words=("kata",), second=None, second_confidence=None):
        likely = likely or (((category or "lainnya"), confidence),)
        self.guess = Guess(category, confidence, likely, words, second, second_confidence)

    def classify(self, text, tokens=None):
        return self.guess


# Where


def test_a_complaint_without_a_point_goes_to_the_ward_that_its_address_names(decided):
    event = decided(
        "Sampah menumpuk di pinggir jalan", "sampah", None, "Jl. Kebon Kacang XII, Kel. Kebon Kacang, Kec. Tanah Abang"
    )
    assert isinstance(event, ComplaintAssigned)
    assert (event.unit.name, event.ward.name, event.decision.method) == ("Kebon Kacang", "Kebon Kacang", "text")
    assert 0.9 <= event.decision.confidence < 1
    assert "Kelurahan Kebon Kacang" in event.decision.reason.id
    assert event.decision.gazetteer_version


def test_only_a_kecamatan_known_is_its_camats_triage(decided):
    event = decided("Jalan berlubang di daerah Kec. Tebet", "jalan_rusak", None)
    assert isinstance(event, ComplaintTriageRequested)
    assert (event.problem, event.unit.name, event.ward) == ("only_kecamatan", "Tebet", None)
    assert "tanpa kelurahan yang pasti" in event.decision.reason.id


def test_a_wards_own_kecamatan_which_confirms_it_is_no_alternative(decided, jakarta):
    for ward in jakarta.wards():
        kecamatan = jakarta.units[ward.parent_code]
        for address in (
            f"Kel. {ward.name}, Kec. {kecamatan.name}",
            f"{ward.name}, {kecamatan.name}, {jakarta.kota(ward.code).name}",
        ):
            event = decided("Sampah menumpuk", "sampah", None, address)
            assert (event.ward, event.decision.alternatives) == (ward.unit, ())


def test_a_kecamatan_that_is_another_than_the_wards_own_is_an_alternative(decided):
    event = decided("Sampah menumpuk", "sampah", None, "Kel. Kampung Bali, Kec. Menteng")
    assert event.ward.name == "Kampung Bali"
    assert [unit.name for unit in event.decision.alternatives] == ["Menteng"]


@pytest.mark.parametrize(
    ("words", "address", "units"),
    [
        ("Sampah numpuk di depan Stasiun Jatinegara", None, ["Kelurahan Rawa Bunga", "Kelurahan Pisangan Baru"]),
        ("Sampah menumpuk", "Jl. Gambir", ["Kelurahan Gambir", "Kecamatan Gambir"]),
        ("Sampah menumpuk", "Jl. Kramat Raya", ["Kelurahan Kramat"]),
        ("Sampah menumpuk", "Gandaria", ["Kelurahan Gandaria Utara", "Kelurahan Gandaria Selatan"]),
        ("Sampah di Patung Pancoran", None, ["Kelurahan Tebet Barat", "Kelurahan Menteng Dalam", "Kelurahan Pancoran"]),
    ],
)
@pytest.mark.parametrize("at", [None, (0.0, 0.0), BEKASI])
def test_what_the_words_may_name_is_told_to_the_person_who_decides(decided, jakarta, words, address, units, at):
    event = decided(words, "sampah", at, address)
    assert isinstance(event, ComplaintTriageRequested)
    assert event.decision.method == "none"
    assert {full_name(jakarta.units[unit.code]) for unit in event.decision.alternatives} >= set(units)
    told = event.decision.reason.id.partition("Alamat atau isi laporan mungkin menunjuk ke ")[2].partition(". ")[0]
    assert set(told.replace(" atau ", ", ").split(", ")) == set(units)
    assert told.count(" atau ") == (len(units) > 1)
    assert "Its address or text may point to " in event.decision.reason.en


def test_what_words_may_name_is_no_alternative_to_the_ward_of_a_point(decided):
    event = decided("Sampah numpuk di depan Stasiun Jatinegara", "sampah", MONAS)
    assert event.decision.alternatives == ()
    assert "Alamat atau isi" not in event.decision.reason.id


def test_a_namesake_in_a_place_outside_is_no_alternative(decided):
    assert decided("Sampah menumpuk", "sampah", None, "Cipayung, Depok").decision.alternatives == ()


def test_a_neighbouring_city_that_the_words_name_is_told_to_the_triage_desk(decided):
    event = decided("sampah di Depok", "sampah", None)
    assert isinstance(event, ComplaintTriageRequested)
    assert "Alamat atau isi laporan menyebut Depok, di luar Jakarta." in event.decision.reason.id
    assert "Its address or text names Depok, outside Jakarta." in event.decision.reason.en


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("Rumah biru", "tidak menyebut kecamatan atau kelurahan yang pasti"),
        ("Jakarta Selatan", "hanya menyebut Kota Administrasi Jakarta Selatan"),
        ("Blok M", "menyebut Blok M, di Kecamatan Kebayoran Baru, tanpa kelurahan yang pasti"),
        ("Kec. Kby. Baru", "menyebut Kecamatan Kebayoran Baru, tanpa kelurahan yang pasti"),
        ("daerah Tebet", "menyebut Kecamatan Tebet, tanpa kelurahan yang pasti"),
        ("Kel. Gambir", "menyebut Gambir: Kelurahan Gambir (Kecamatan Gambir, Kota Administrasi Jakarta Pusat)"),
    ],
)
def test_the_reason_says_what_was_read_of_a_place_without_a_point(decided, address, said):
    reason = decided("Sampah menumpuk", "sampah", None, address).decision.reason
    assert f"Alamat atau isi laporan {said}" in reason.id
    assert "Its address or text names" in reason.en


@pytest.mark.parametrize(
    ("address", "id_", "en"),
    [
        (
            "Jatinegara",
            "mungkin juga Kelurahan Jatinegara di Kecamatan Cakung",
            "it may also be Kelurahan Jatinegara in Kecamatan Cakung",
        ),
        ("daerah Penjaringan", "mungkin Kelurahan Penjaringan", "it may be Kelurahan Penjaringan"),
        (
            "Stasiun Tebet",
            "mungkin Kelurahan Tebet Timur atau Kelurahan Kebon Baru",
            "it may be Kelurahan Tebet Timur or Kelurahan Kebon Baru",
        ),
        ("Kel. Jatinegara Kec. Jatinegara", "mungkin juga Kecamatan Jatinegara", "it may also be Kecamatan Jatinegara"),
        (
            "Kel. Gambir, dekat Kel. Petojo Utara",
            "mungkin juga Kelurahan Petojo Utara",
            "it may also be Kelurahan Petojo Utara",
        ),
        (
            "Kec. Menteng, dekat Tebet, dekat Slipi, dekat Cawang, dekat Koja",
            "mungkin juga Kecamatan Tebet, Kelurahan Slipi di Kecamatan Pal Merah atau Kelurahan Cawang di Kecamatan Kramatjati",
            "it may also be Kecamatan Tebet, Kelurahan Slipi in Kecamatan Pal Merah or Kelurahan Cawang in Kecamatan Kramatjati",
        ),
    ],
)
def test_the_reason_says_what_else_the_words_may_name(decided, address, id_, en):
    reason = decided("Sampah menumpuk", "sampah", None, address).decision.reason
    assert f"; {id_}. Keyakinan tempat: " in reason.id
    assert f"; {en}. Confidence in the place: " in reason.en


def test_words_that_name_one_place_only_say_nothing_of_another(decided):
    reason = decided("Sampah menumpuk", "sampah", None, "Kel. Gambir").decision.reason
    assert "mungkin" not in reason.id
    assert "may" not in reason.en


def test_how_sure_a_place_by_words_is_is_said_once(decided):
    event = decided("Sampah di Kel. Kampung Bali, dekat Kel. Gambir", "sampah", None)
    assert event.decision.alternatives
    assert event.decision.reason.id.count("Keyakinan") == event.decision.reason.en.count("Confidence") == 1


def test_words_contradict_a_point_from_the_sureness_of_a_ward_that_is_named_anywhere(decided, readers):
    plain, near = "Rawasari banyak sampah", "sampah dekat Rawasari"
    assert (
        readers.gazetteer.find(None, near).confidence < CONTRADICTS_FROM <= readers.gazetteer.find(None, plain).confidence < 0.7
    )
    assert decided(plain, "sampah").decision.conflicts
    assert not decided(near, "sampah").decision.conflicts


def test_a_point_wins_over_words_that_name_another_ward_and_the_contradiction_is_told(decided):
    event = decided("Sampah menumpuk", "sampah", MONAS, "Kel. Kebon Kacang, Kec. Tanah Abang")
    assert (event.ward.name, event.decision.method) == ("Gambir", "point")
    [conflict] = event.decision.conflicts
    assert "Kelurahan Gambir" in conflict.id
    assert "Kelurahan Kebon Kacang" in conflict.en


def test_a_point_outside_the_city_wins_too(decided):
    event = decided("Sampah menumpuk", "sampah", (-6.2349, 106.9923), "Kel. Kebon Kacang, Kec. Tanah Abang")
    assert isinstance(event, ComplaintTriageRequested)
    assert event.problem == "outside_city"
    assert "Kelurahan Kebon Kacang" in event.decision.conflicts[0].en


@pytest.mark.parametrize("address", ["Kel. Gambir, Kec. Gambir", "Kecamatan Gambir", None, "Jl. Kebon Kacang"])
def test_words_that_say_the_same_or_too_little_contradict_nothing(decided, address):
    assert decided("Sampah menumpuk", "sampah", MONAS, address).decision.conflicts == ()


def test_at_a_border_words_that_name_the_ward_of_the_point_make_it_surer(decided):
    alone = decided("Sampah menumpuk", "sampah", JATINEGARA_STATION)
    both = decided("Sampah menumpuk", "sampah", JATINEGARA_STATION, f"Kel. {alone.ward.name}")
    assert both.ward == alone.ward
    assert alone.decision.confidence < both.decision.confidence < 1


# What


def test_a_complaint_without_a_category_gets_the_one_that_its_words_name(decided):
    event = decided("Lampu jalan di gang kami padam sudah tiga malam")
    assert isinstance(event, ComplaintAssigned)
    assert (event.category, event.decision.category_method) == ("pju", "text")
    assert event.decision.category_confidence > 0.8
    assert event.decision.category_words
    assert "terbaca dari isi laporan" in event.decision.reason.id
    assert "read from the report's text" in event.decision.reason.en


def test_a_text_that_is_not_clear_is_asked_about_rather_than_guessed(jakarta, jakarta_wards, jakarta_policy):
    unsure = Readers(classifier=Says(None, 0.4, (("pju", 0.4), ("listrik", 0.35))))
    event = decide(submitted(None), jakarta, jakarta_wards, jakarta_policy, DECIDED, unsure)
    assert isinstance(event, ComplaintTriageRequested)
    assert (event.problem, event.decision.other_categories) == ("unsure_category", ("pju", "listrik"))
    assert "; mungkin Lampu jalan (PJU) mati (keyakinan 40%; kata: kata) atau " in event.decision.reason.id
    assert "; it may be Street light out (confidence 40%; words: kata) or " in event.decision.reason.en


def test_the_apps_category_stands_and_a_likely_mistake_is_told(decided):
    event = decided("Lampu jalan di gang kami padam sudah tiga malam, gelap sekali", "sampah")
    assert (event.category, event.decision.category_method, event.decision.other_categories) == ("sampah", "app", ("pju",))
    assert "Lampu jalan" in event.decision.conflicts[0].id


@pytest.mark.parametrize("decides", ["pju", None])
def test_the_apps_category_is_called_a_likely_mistake_from_a_sureness_of_four_in_five(jakarta, decides):
    # Also below the classifier's own threshold, where it names none.
    subject = name_subject(submitted("sampah"), jakarta, Says(decides, 0.8, (("pju", 0.8),)))
    assert jakarta.categories["pju"].label_en in subject.conflict.en
    assert (subject.category, subject.others) == ("sampah", ("pju",))


@pytest.mark.parametrize(
    "guess",
    [
        Says("pju", 0.79),  # not sure enough
        Says(None, 0.79, (("pju", 0.79), ("listrik", 0.2))),  # nor here
        Says("sampah", 0.95),  # the same
        Says("pju", 0.85, (("pju", 0.85), ("sampah", 0.12))),  # the app's is likely too
        Says("no-such-category", 0.99),
    ],
)
def test_the_apps_category_is_not_called_a_mistake_on_weak_grounds(jakarta, guess):
    assert name_subject(submitted("sampah"), jakarta, guess).conflict is None


def test_a_second_subject_is_named(decided):
    event = decided("Sampah rumah tangga menumpuk di depan pasar, lampu jalannya juga mati sudah seminggu")
    assert event.category == "sampah"
    assert "pju" in event.decision.other_categories
    assert "juga menyangkut" in event.decision.reason.id


@pytest.mark.parametrize(
    ("guess", "others"),
    [
        (Says("pju", 0.8, (("pju", 0.8), ("sampah", 0.15)), second="sampah"), ("sampah",)),  # once
        (Says("pju", 0.8, (("pju", 0.8), ("sampah", 0.15)), second="pohon"), ("sampah", "pohon")),
        (Says("pju", 0.8, (("pju", 0.8), ("sampah", 0.05))), ()),  # too unlikely
        (Says("pju", 0.8, (("pju", 0.8), ("unheard-of", 0.15))), ()),  # no category of the city
        (Says("pju", 0.8, second="pju"), ()),  # the one that counts
    ],
)
def test_what_else_a_text_may_be_about_is_told_once_each(jakarta, guess, others):
    assert name_subject(submitted(None), jakarta, guess).others == others


def test_an_app_that_names_the_second_of_two_subjects_is_not_contradicted_and_the_first_is_told(decided, jakarta):
    event = decided("air pam mati, listrik juga mati", "listrik")
    assert (event.category, event.decision.conflicts) == ("listrik", ())
    assert "air_bersih" in event.decision.other_categories
    assert jakarta.categories["air_bersih"].label_en in event.decision.reason.en
    # A text of one subject is another matter.
    assert decided("air pam mati sudah tiga hari", "listrik").decision.conflicts


def test_the_first_subject_is_told_only_where_the_city_has_it(jakarta):
    subject = name_subject(submitted("sampah"), jakarta, Says("banjir", 0.9, [("banjir", 0.9), ("x", 0.1)], second="sampah"))
    assert (subject.conflict, subject.second, subject.others) == (None, "banjir", ("banjir",))
    strange = name_subject(submitted("sampah"), jakarta, Says("x", 0.9, [("x", 0.9)], second="sampah"))
    assert (strange.conflict, strange.second, strange.others) == (None, None, ())


def test_an_unknown_category_of_the_app_stays_a_persons_to_judge_with_what_the_words_suggest(decided):
    event = decided("Lampu jalan di gang kami padam sudah tiga malam", "gangguan-x")
    assert (event.problem, event.category) == ("unknown_category", "gangguan-x")
    assert "pju" in event.decision.other_categories


def test_words_that_say_nearly_nothing_name_no_category(jakarta):
    faint, unsure = (
        name_subject(submitted(None), jakarta, Says(None, sure, (("pju", sure),))) for sure in (NAMES_FROM - 0.01, NAMES_FROM)
    )
    assert (faint.category, faint.category_from, faint.others, faint.words) == (None, "none", (), ())
    assert (unsure.category, unsure.category_from, unsure.others) == (None, "text", ("pju",))


@pytest.mark.parametrize("words", ["tolong dong pak", "halo", "test"])
def test_a_text_without_a_subject_is_no_unsure_category(jakarta, readers, words):
    subject = name_subject(submitted(None, words=words), jakarta, readers.classifier)
    assert (subject.category, subject.category_from, subject.others) == (None, "none", ())


@pytest.mark.parametrize("words", ["", "zxqw", "...", "\N{PILE OF POO}"])
def test_a_text_that_says_nothing_names_no_category(decided, words):
    event = decided(words)
    assert event.decision.category_method in {"none", "policy"}
    assert event.decision.category_words == ()


@pytest.mark.parametrize(
    ("words", "category", "said"),
    [
        ("Sampah menumpuk", "sampah", "Kategori: Sampah, menurut aplikasi."),
        ("Sampah menumpuk", None, "Kategori: Sampah, terbaca dari isi laporan (keyakinan "),
        ("\N{PILE OF POO}", None, "Aplikasi tidak menyebut kategori, dan isi laporan pun tidak menunjukkannya;"),
    ],
)
def test_the_reason_says_who_named_the_category_and_what_was_read(decided, words, category, said):
    assert said in decided(words, category).decision.reason.id


# Always


@pytest.mark.parametrize(("confidence", "says"), [(1.0, 100), (0.995, 99), (0.9999, 99), (0.29, 29), (0.57, 57), (0.0, 0)])
def test_nothing_short_of_certain_is_called_certain(confidence, says):
    assert whole_percent(confidence) == says


def test_a_reason_rounds_no_confidence_up(jakarta, jakarta_wards, jakarta_policy):
    event = decide(submitted(None), jakarta, jakarta_wards, jakarta_policy, DECIDED, Readers(classifier=Says("pju", 0.998)))
    assert "keyakinan 99%" in event.decision.reason.id
    assert "confidence 99%" in event.decision.reason.en


def test_without_data_for_its_words_a_city_decides_as_its_apps_say(jakarta):
    subject = name_subject(submitted(None, words="Lampu jalan padam"), jakarta, None)
    assert (subject.category, subject.category_from) == (None, "none")


def test_what_the_citizen_wrote_is_never_repeated(decided):
    event = decided(f"{SECRET} lampu jalan padam dekat rumah saya", None, None, f"{SECRET}, Kel. Gambir")
    assert "Budi" not in event.decision.model_dump_json()
    assert "0812" not in event.decision.model_dump_json()


@given(words=st.text(max_size=300), address=st.none() | st.text(max_size=120), category=st.none() | st.just("sampah"))
def test_every_text_has_a_decision(decided, words, address, category):
    event = decided(words, category, None, address)
    assert event.decision.reason.id
    assert 0 <= event.decision.confidence <= 1


@pytest.mark.parametrize("words", ["x" * 4000, "kel " * 1000, "\u200b" * 500, "جاكرتا " * 200, "👍" * 1000, "\x00\ud800"])
def test_a_text_meant_to_hurt_has_a_decision(jakarta, readers, words):
    named = readers.gazetteer.find(words, words)
    guess = readers.classifier.classify(words)
    assert 0 <= named.confidence <= 1
    assert 0 <= guess.confidence <= 1


def test_a_router_reads_the_citys_words(monkeypatch):
    router = Router.load(JAKARTA)
    event = router.decide(submitted(None, None, words="Lampu jalan padam", address="Kel. Gambir"))
    assert (event.ward.name, event.category) == ("Gambir", "pju")
    assert event.decision.classifier_version == router.readers.classifier.version


def test_a_broken_classifier_is_a_fault_of_the_city_and_never_switched_off(tmp_path, jakarta):
    (tmp_path / "classifier.json").write_text("{")
    with pytest.raises(CityFaults, match=r"classifier\.json.*not JSON.*tanggap classifier build"):
        read_words(tmp_path, jakarta)


@pytest.mark.parametrize("name", ["landmarks.csv", "classifier.json"])
def test_words_that_can_not_even_be_looked_for_are_a_fault_of_the_city_and_never_switched_off(tmp_path, jakarta, name):
    (tmp_path / name).symlink_to("x" * 300)
    with pytest.raises(CityFaults, match=rf"{name}.*can't be read: File name too long"):
        read_words(tmp_path, jakarta)


# Emergencies that the words speak of

BPBD = "Badan Penanggulangan Bencana Daerah"


def informed(event):
    return {unit.name for unit in event.also}


@pytest.mark.parametrize(
    ("words", "category"),
    [
        ("ada begal bawa celurit, orang dibacok", "kriminal"),
        ("banjir sepinggang, tolong evakuasi lansia", "banjir"),
        ("pohon tumbang menimpa mobil, ada orang di dalam", "pohon_tumbang"),
    ],
)
def test_where_the_app_says_other_and_the_words_are_sure_they_name_the_category(decided, words, category):
    event = decided(words, "lainnya")
    assert isinstance(event, ComplaintAssigned)
    assert (event.category, event.urgency, event.decision.category_method) == (category, "emergency", "text")
    assert BPBD in informed(event)


def test_where_the_app_says_other_and_the_words_name_nothing_it_stays_other(decided):
    event = decided("mohon dibantu ya pak", "lainnya")
    assert (event.category, event.decision.category_method) == ("lainnya", "app")
    assert event.decision.other_categories == ()


def test_where_the_app_says_other_and_the_words_are_unsure_what_they_may_name_is_told(jakarta, jakarta_wards, jakarta_policy):
    unsure = Readers(classifier=Says(None, 0.5, (("pju", 0.5), ("listrik", 0.35), ("sampah", 0.05))))
    event = decide(submitted("lainnya"), jakarta, jakarta_wards, jakarta_policy, DECIDED, unsure)
    assert (event.category, event.decision.category_method) == ("lainnya", "app")
    assert event.decision.other_categories == ("pju", "listrik")
    pju, listrik = jakarta.categories["pju"], jakarta.categories["listrik"]
    assert f"mungkin juga menyangkut {pju.label_id} atau {listrik.label_id}. " in event.decision.reason.id
    assert f"may also be about {pju.label_en} or {listrik.label_en}. " in event.decision.reason.en
    alone = decide(submitted(None), jakarta, jakarta_wards, jakarta_policy, DECIDED, unsure)
    assert alone.decision.other_categories == event.decision.other_categories
    # An app that named a subject is not doubted on such grounds.
    other = decide(submitted("sampah"), jakarta, jakarta_wards, jakarta_policy, DECIDED, unsure)
    assert other.decision.other_categories == ()


def test_what_the_words_may_name_is_told_where_the_apps_category_is_not_the_citys(jakarta, jakarta_wards, jakarta_policy):
    readers = Readers(classifier=Says("pju", 0.9, (("pju", 0.9),), second="listrik", second_confidence=0.6))
    event = decide(submitted("xyz"), jakarta, jakarta_wards, jakarta_policy, DECIDED, readers)
    pju, listrik = jakarta.categories["pju"], jakarta.categories["listrik"]
    assert event.decision.other_categories == ("pju", "listrik")
    assert (
        f'"xyz" tidak dikenal; laporan ini mungkin menyangkut {pju.label_id} atau {listrik.label_id}. '
        in event.decision.reason.id
    )
    assert f'"xyz" is not known; the report may be about {pju.label_en} or {listrik.label_en}. ' in event.decision.reason.en


def test_what_else_a_text_that_names_its_category_may_be_about_is_told_but_for_other(jakarta, jakarta_wards, jakarta_policy):
    readers = Readers(classifier=Says("pju", 0.7, (("pju", 0.7), ("listrik", 0.15), ("lainnya", 0.12))))
    event = decide(submitted(None), jakarta, jakarta_wards, jakarta_policy, DECIDED, readers)
    assert event.decision.other_categories == ("listrik", "lainnya")
    assert f"; laporan ini mungkin juga menyangkut {jakarta.categories['listrik'].label_id}. " in event.decision.reason.id
    assert f"; the report may also be about {jakarta.categories['listrik'].label_en}. " in event.decision.reason.en


def test_the_category_that_a_rule_counts_a_complaint_under_is_no_other_one(decided):
    event = decided("Mobil boks terbakar di bahu tol dalam kota arah Cawang, macet total panjang", "xyz")
    assert (event.category, event.decision.category_method) == ("kebakaran", "policy")
    assert "lalu_lintas" in event.decision.other_categories
    assert "kebakaran" not in event.decision.other_categories


@pytest.mark.parametrize("words", ["hewan", "ambruk"])
def test_an_emergency_that_is_not_sure_is_triage_of_its_urgency_and_the_emergency_service_is_told(decided, words):
    event = decided(words)
    assert isinstance(event, ComplaintTriageRequested)
    assert (event.problem, event.category, event.urgency) == ("unsure_category", None, "emergency")
    assert BPBD in informed(event)


def test_an_emergency_under_a_category_that_nobody_knows_is_told_to_the_emergency_service_and_the_lurah(decided):
    event = decided("banjir sepinggang", "xyz")
    assert (event.problem, event.urgency) == ("unknown_category", "emergency")
    assert {BPBD, "Gambir"} <= informed(event)


def test_what_an_unsure_text_is_counted_as_is_told_once_and_then_what_else_it_may_be(jakarta, jakarta_wards, jakarta_policy):
    unsure = Readers(classifier=Says(None, 0.6, (("kebakaran", 0.6), ("sampah", 0.3))))
    event = decide(submitted(None, words="kobaran api"), jakarta, jakarta_wards, jakarta_policy, DECIDED, unsure)
    assert (event.category, event.decision.category_method) == ("kebakaran", "policy")
    reason = event.decision.reason
    likeliest = "its category clear; counted as Fire (confidence 60%; words: kata); it may also be "
    assert f"{likeliest}{jakarta.categories['sampah'].label_en}. Sent to" in reason.en
    assert "dari isi laporan; dicatat sebagai Kebakaran (keyakinan 60%; kata: kata); mungkin juga " in reason.id
    assert reason.en.count("Fire (") == 1


def test_an_emergency_that_contradicts_the_app_is_told_though_the_apps_category_counts(decided):
    event = decided("tolong, ada tawuran pakai celurit di depan sekolah", "taman")
    assert event.category == "taman"
    assert event.decision.conflicts
    assert BPBD in informed(event)


@pytest.mark.parametrize(
    ("words", "category", "emergency", "label"),
    [
        ("hewan", "pju", "penyelamatan", "Penyelamatan"),
        ("ambruk", "lainnya", "pohon_tumbang", "Pohon tumbang"),
        ("asap tebal dari rumah", "sampah", "kebakaran", "Kebakaran"),
    ],
)
def test_which_emergency_others_are_told_of_is_said(decided, words, category, emergency, label):
    event = decided(words, category)
    assert (event.category, event.decision.conflicts) == (category, ())
    assert BPBD in informed(event)
    assert event.decision.other_categories[0] == emergency
    assert f"; isi laporan mungkin menyangkut keadaan darurat: {label} (keyakinan " in event.decision.reason.id
    assert "; the report's text may speak of an emergency: " in event.decision.reason.en


def test_an_emergency_stands_before_what_else_it_may_be_and_is_told_once(jakarta, jakarta_wards, jakarta_policy):
    likely = (("banjir", 0.6), ("pju", 0.3))
    for second, others in (("sampah", ("banjir", "sampah")), ("banjir", ("banjir",))):
        readers = Readers(classifier=Says(None, 0.6, likely, second=second))
        event = decide(submitted("pju"), jakarta, jakarta_wards, jakarta_policy, DECIDED, readers)
        assert event.decision.other_categories == others
        assert event.decision.reason.id.count("Banjir") == 1
        assert "Banjir (keyakinan 60%)" in event.decision.reason.id


def test_an_emergency_that_a_rule_counts_the_complaint_as_is_not_said_to_be_another(decided):
    event = decided("gudang ban terbakar, apinya sudah besar", "xyz")
    assert event.category == "kebakaran"
    assert "keadaan darurat: " not in event.decision.reason.id


def test_nobody_is_told_of_an_emergency_where_none_is_spoken_of(decided):
    event = decided("lampu jalan mati sejak tiga malam", "pju")
    assert event.also == ()


@pytest.mark.parametrize(
    ("likely", "emergencies"),
    [
        ((("banjir", 0.5), ("pju", 0.3)), ("banjir",)),
        ((("banjir", 0.49), ("pju", 0.3)), ()),
        ((("sampah", 0.6),), ()),
        ((("no-such-category", 0.9),), ()),
    ],
)
def test_an_emergency_is_told_from_even_chances_on(jakarta, likely, emergencies):
    assert name_subject(submitted("pju"), jakarta, Says(None, likely[0][1], likely)).emergencies == emergencies
    assert name_subject(submitted(None), jakarta, Says(None, likely[0][1], likely)).emergencies == emergencies


@pytest.mark.parametrize("category", [None, "listrik", "sampah", "lainnya", "xyz"])
@pytest.mark.parametrize("words", ["banjir dan listrik padam", "listrik padam, banjir"])
def test_a_second_subject_that_is_an_emergency_is_told_to_those_who_hear_of_one(decided, jakarta, words, category):
    event = decided(words, category)
    assert BPBD in informed(event)
    assert "banjir" in event.decision.other_categories
    assert jakarta.categories["banjir"].label_id in event.decision.reason.id


def test_how_sure_a_second_subject_is_that_is_an_emergency_is_told(jakarta):
    says = Says("pju", 0.9, (("pju", 0.9),), second="banjir", second_confidence=0.6)
    subject = name_subject(submitted(None), jakarta, says)
    assert (subject.category, subject.emergencies, subject.spoken, subject.others) == ("pju", ("banjir",), 0.6, ("banjir",))
    # It is named only where it is likely: no even chances are asked of it besides.
    less = Says("pju", 0.9, (("pju", 0.9),), second="banjir", second_confidence=0.41)
    assert (name_subject(submitted(None), jakarta, less).emergencies, name_subject(submitted("pju"), jakarta, less).spoken) == (
        ("banjir",),
        0.41,
    )
    calm = Says("pju", 0.9, (("pju", 0.9),), second="sampah", second_confidence=0.6)
    assert name_subject(submitted(None), jakarta, calm).emergencies == ()
    named = name_subject(submitted("banjir"), jakarta, says)
    assert (named.emergencies, named.second) == ((), "pju")


@pytest.mark.parametrize(
    ("named", "category"),
    [
        ("Banjir", "banjir"),
        (" BANJIR ", "banjir"),
        ("jalan_rusak ", "jalan_rusak"),
        ("Jalan rusak", "jalan_rusak"),
        ("  jalan   RUSAK", "jalan_rusak"),
        ("Damaged road / pothole", "jalan_rusak"),
        ("KEPENDUDUKAN DAN KTP", "kependudukan"),
    ],
)
def test_an_apps_category_counts_as_the_slug_or_a_label_whatever_its_capital_letters_and_spaces(decided, named, category):
    event = decided("mohon dibantu ya pak", named)
    assert (event.category, event.decision.category_method) == (category, "app")


def test_every_label_of_the_city_names_its_category(jakarta):
    for slug, one in jakarta.categories.items():
        for label in (one.label_id, one.label_en):
            assert name_subject(submitted(label), jakarta, None).category == slug


def test_a_label_that_two_categories_bear_names_neither(jakarta):
    jalan = jakarta.categories["jalan_rusak"]
    twice = dataclasses.replace(
        jakarta, categories=dict(jakarta.categories) | {"jalan_rusak": dataclasses.replace(jalan, label_en="Trotoar rusak")}
    )
    assert name_subject(submitted("trotoar rusak"), twice, None).category == "trotoar rusak"
    assert name_subject(submitted("jalan rusak"), twice, None).category == "jalan_rusak"


@pytest.mark.parametrize("named", ["rusak", "jalan", "", "   "])
def test_a_part_of_a_label_is_no_category(jakarta, named):
    assert name_subject(submitted(named), jakarta, None).category == named
