"""A point and what words name, put together: `locate` by itself, with words that name just what each case needs."""

import pytest

from services.routing.gazetteer.judge import NOTHING, Named
from services.routing.places import CONTRADICTS_FROM, MOST_TOLD, Places, locate
from tanggap.contracts.events import Point
from tests.support.routing import BEKASI, JATINEGARA_STATION, MONAS

KALIMALANG = -6.2480
"""Latitude of a road that crosses into Bekasi."""


OFF_ANCOL = (-6.1195, 106.8450)
"""On water, within 250 m of Kelurahan Ancol."""


@pytest.fixture(scope="module")
def places(jakarta):
    return Places(jakarta)


@pytest.fixture(scope="module")
def beyond(jakarta_wards):
    """A point a few metres outside the city, and the ward that it is beside."""
    last = max(lon for lon in (106.94 + step * 0.0001 for step in range(600)) if jakarta_wards.ward(KALIMALANG, lon))
    return Point(lat=KALIMALANG, lon=last + 0.0001), jakarta_wards.ward(KALIMALANG, last)


def ward(places, name):
    return next(info.unit for info in places.city.wards() if info.name == name)


def kecamatan(places, name):
    return next(info.unit for info in places.city.units.values() if info.level == "kecamatan" and info.name == name)


def perhaps(*others, kota=None):
    """Words that name nothing for certain."""
    return Named(None, None, kota, 0.0, "none", "", others)


def test_what_words_may_name_follows_what_is_near_the_point_and_nothing_is_told_twice(places, jakarta_wards, beyond):
    point, beside = beyond
    near, menteng, tebet = places.city.unit(beside), ward(places, "Menteng"), kecamatan(places, "Tebet")
    alone = locate(point, places, jakarta_wards)
    found = locate(point, places, jakarta_wards, perhaps(tebet, near, menteng))
    assert (alone.kind, alone.others) == ("outside", (near,))
    assert found.others == (near, tebet, menteng)
    assert (
        found.words.id == f"{alone.words.id} Alamat atau isi laporan mungkin menunjuk ke Kecamatan Tebet atau Kelurahan Menteng."
    )
    assert found.words.en == f"{alone.words.en} Its address or text may point to Kecamatan Tebet or Kelurahan Menteng."
    assert (found.kind, found.confidence, found.method) == ("outside", 0.0, "none")


@pytest.mark.parametrize("kota", [None, "31.74"])
def test_words_that_say_no_more_than_a_point_outside_add_nothing(places, jakarta_wards, beyond, kota):
    point, beside = beyond
    alone = locate(point, places, jakarta_wards)
    assert locate(point, places, jakarta_wards, perhaps(places.city.unit(beside), kota=kota)) == alone
    assert locate(point, places, jakarta_wards, perhaps(kota=kota)) == alone


def test_without_a_point_a_kota_is_told_only_where_no_unit_may_be_meant(places, jakarta_wards):
    menteng = ward(places, "Menteng")
    both = locate(None, places, jakarta_wards, perhaps(menteng, kota="31.74"))
    kota = locate(None, places, jakarta_wards, perhaps(kota="31.74"))
    neither = locate(None, places, jakarta_wards, perhaps())
    assert "mungkin menunjuk ke Kelurahan Menteng." in both.words.id
    assert "hanya menyebut" not in both.words.id
    assert both.others == (menteng,)
    assert "hanya menyebut Kota Administrasi Jakarta Selatan, tanpa kecamatan atau kelurahan yang pasti." in kota.words.id
    assert "names Kota Administrasi Jakarta Selatan only, and no kecamatan or ward for certain." in kota.words.en
    assert neither.words.id.endswith("Alamat atau isi laporan tidak menyebut kecamatan atau kelurahan yang pasti.")
    assert neither.words.en.endswith("Its address or text names no kecamatan or ward for certain.")
    assert kota.others == neither.others == ()


def test_words_that_may_name_something_change_nothing_of_a_ward_that_a_point_names(places, jakarta_wards):
    point = Point(lat=MONAS[0], lon=MONAS[1])
    assert locate(point, places, jakarta_wards, perhaps(ward(places, "Menteng"))) == locate(point, places, jakarta_wards)


@pytest.mark.parametrize("confidence", [CONTRADICTS_FROM, CONTRADICTS_FROM - 0.01])
def test_words_contradict_a_point_from_a_sureness_on(places, jakarta_wards, confidence):
    point, menteng = Point(lat=MONAS[0], lon=MONAS[1]), ward(places, "Menteng")
    named = Named(menteng, kecamatan(places, "Menteng"), "31.71", confidence, "name", "Menteng")
    assert (locate(point, places, jakarta_wards, named).conflict is not None) == (confidence == CONTRADICTS_FROM)


def test_a_kecamatan_contradicts_a_point_only_where_the_ward_is_anothers(places, jakarta_wards):
    point = Point(lat=MONAS[0], lon=MONAS[1])
    own, other = (
        locate(point, places, jakarta_wards, Named(None, kecamatan(places, name), "31.71", 0.96, "kecamatan", name))
        for name in ("Gambir", "Menteng")
    )
    assert own.conflict is None
    assert "Kelurahan Gambir, tetapi alamat atau isi laporan menyebut Kecamatan Menteng" in other.conflict.id
    outside = locate(
        Point(lat=BEKASI[0], lon=BEKASI[1]),
        places,
        jakarta_wards,
        Named(None, kecamatan(places, "Gambir"), "31.71", 0.96, "kecamatan", "Gambir"),
    )
    assert "The report's point is not in the city, but its address or text names Kecamatan Gambir" in outside.conflict.en


def test_a_point_on_water_that_words_contradict_is_near_a_ward_and_not_in_it(places, jakarta_wards):
    point, menteng = Point(lat=OFF_ANCOL[0], lon=OFF_ANCOL[1]), ward(places, "Menteng")
    found = locate(point, places, jakarta_wards, Named(menteng, kecamatan(places, "Menteng"), "31.71", 0.96, "kelurahan", "x"))
    assert (found.method, found.ward.name) == ("nearest", "Ancol")
    assert found.conflict.id.startswith("Titik laporan berada di air dekat Kelurahan Ancol, tetapi ")
    assert found.conflict.en.startswith("The report's point is on water near Kelurahan Ancol, but ")


def test_a_place_outside_that_the_words_name_is_told_where_there_is_no_point(places, jakarta_wards, beyond):
    named = Named(None, None, None, 0.0, "none", "", (), "Depok")
    alone = locate(None, places, jakarta_wards)
    found = locate(None, places, jakarta_wards, named)
    assert found.words.id == f"{alone.words.id} Alamat atau isi laporan menyebut Depok, di luar Jakarta."
    assert found.words.en == f"{alone.words.en} Its address or text names Depok, outside Jakarta."
    assert (found.kind, found.others, found.confidence) == ("none", (), 0.0)
    point = beyond[0]
    assert locate(point, places, jakarta_wards, named) == locate(point, places, jakarta_wards)


def test_a_ward_beside_its_namesake_of_another_kecamatan_is_told_with_its_own(places, jakarta_wards):
    streets = kecamatan(places, "Jatinegara"), ward(places, "Jatinegara")
    found = locate(None, places, jakarta_wards, perhaps(*streets))
    assert "menunjuk ke Kecamatan Jatinegara atau Kelurahan Jatinegara di Kecamatan Cakung." in found.words.id
    assert "point to Kecamatan Jatinegara or Kelurahan Jatinegara in Kecamatan Cakung." in found.words.en
    menteng = locate(None, places, jakarta_wards, perhaps(ward(places, "Menteng"), kecamatan(places, "Menteng")))
    assert "menunjuk ke Kelurahan Menteng atau Kecamatan Menteng." in menteng.words.id


def test_two_witnesses_of_a_ward_at_a_border_leave_the_doubt_that_both_err(places, jakarta_wards):
    point = Point(lat=JATINEGARA_STATION[0], lon=JATINEGARA_STATION[1])
    alone = locate(point, places, jakarta_wards)
    own = places.city.unit(places.city.units[alone.ward.code].parent_code)
    agreed = locate(point, places, jakarta_wards, Named(alone.ward, own, "31.75", 0.9, "kelurahan", "x"))
    assert agreed.confidence == pytest.approx(1 - (1 - alone.confidence) * 0.1)
    assert agreed.others == alone.others
    clear = Point(lat=MONAS[0], lon=MONAS[1])
    gambir = Named(ward(places, "Gambir"), kecamatan(places, "Gambir"), "31.71", 0.9, "kelurahan", "Gambir")
    assert locate(clear, places, jakarta_wards, gambir) == locate(clear, places, jakarta_wards)


def test_a_place_beside_others_is_made_once_and_anew_for_an_index_that_is_surer(places, jakarta_wards):
    hit = jakarta_wards.find(*JATINEGARA_STATION)
    first = places.beside(hit.ward, hit)
    assert places.beside(hit.ward, hit) is first
    surer = hit.__class__(hit.ward, hit.how, 0.99, hit.border, hit.others, hit.edge)
    assert (places.beside(hit.ward, surer).confidence, first.confidence) == (0.99, hit.confidence)
    edge = hit.__class__(hit.ward, hit.how, hit.confidence, hit.border, hit.others, edge=True)
    assert "dan luar kota" in places.beside(hit.ward, edge).words.id
    assert "luar kota" not in places.beside(hit.ward, hit).words.id


def test_of_many_other_places_the_first_are_told_and_all_are_kept(places, jakarta_wards):
    others = tuple(ward(places, name) for name in ("Slipi", "Cawang", "Koja", "Kalibata"))
    named = Named(ward(places, "Gambir"), kecamatan(places, "Gambir"), "31.71", 0.9, "kelurahan", "Gambir", others)
    found = locate(None, places, jakarta_wards, named)
    assert found.others == others
    assert [unit.name in found.words.id for unit in others] == [True] * MOST_TOLD + [False]


@pytest.mark.parametrize(
    ("lat", "lon", "is_none"), [(0.0, 0.0, True), (0.0009, -0.0009, True), (0.0011, 0.0, False), (0.0, 0.0011, False)]
)
def test_a_point_within_some_hundred_metres_of_null_island_is_none(places, jakarta_wards, lat, lon, is_none):
    assert (locate(Point(lat=lat, lon=lon), places, jakarta_wards).kind == "none") == is_none


def test_of_a_complaint_without_any_place_the_same_is_said_however_that_is_known(places, jakarta_wards):
    nowhere = locate(None, places, jakarta_wards, NOTHING)
    assert nowhere == locate(None, places, jakarta_wards, perhaps())
    assert nowhere.words.en.endswith("Its address or text names no kecamatan or ward for certain.")
    assert nowhere.words.en != locate(Point(lat=0, lon=0), places, jakarta_wards, NOTHING).words.en
