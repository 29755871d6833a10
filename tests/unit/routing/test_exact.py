"""Borders with the boundaries at hand: as the polygons say, to the metre."""

import math
import os
import random
import time

import pytest
import shapely

from services.routing.wards import exact, wards
from services.routing.wards.wards import BORDER_M, CLOSE_M, METRES_PER_DEGREE
from tests.support.boundaries import EAST, NORTH, SOUTH, WEST, CrookedCity, build
from tests.support.routing import square

EAST_M = METRES_PER_DEGREE * math.cos(math.radians(6.015))
"""Metres in a degree of longitude, there."""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The crooked city, its index built."""
    made = CrookedCity(tmp_path_factory.mktemp("crooked") / "city")
    build(made)
    return made


@pytest.fixture(scope="module")
def borders(city):
    """Its index with the boundaries at hand."""
    return exact.open_wards(city.folder, city.file, city.names)


@pytest.fixture(scope="module")
def flat(city):
    """Its polygons in metres, as shapely has them: the truth to compare with."""
    return {code: shapely.transform(one, lambda at: at * (EAST_M, METRES_PER_DEGREE)) for code, one in city.polygons.items()}


def scattered(count, seed, margin=0.004):
    """Random points (lat, lon) over the mainland and around it."""
    dice = random.Random(seed)
    return [(dice.uniform(SOUTH - margin, NORTH + margin), dice.uniform(WEST - margin, EAST + margin)) for _ in range(count)]


def along_borders(city, count, seed):
    """Random points within some 3 m of the borders."""
    dice = random.Random(seed)
    lines = [one.boundary for one in city.polygons.values()]
    for line in dice.choices(lines, weights=[line.length for line in lines], k=count):
        at = line.interpolate(dice.random(), normalized=True)
        yield at.y + dice.uniform(-3e-5, 3e-5), at.x + dice.uniform(-3e-5, 3e-5)


def truth(city, lat, lon):
    """The ward whose polygon the point is in; None where it is in none."""
    return next((code for code, one in city.polygons.items() if shapely.contains_xy(one, lon, lat)), None)


def test_the_ward_is_the_polygons_for_every_point_also_within_metres_of_a_border(city, borders):
    for lat, lon in (*scattered(6_000, 1), *along_borders(city, 6_000, 2)):
        assert borders.ward(lat, lon) == truth(city, lat, lon), (lat, lon)


def test_the_index_alone_errs_where_the_boundaries_do_not(city, borders):
    index = wards.load(city.folder)
    points = list(along_borders(city, 1_000, 3))
    assert sum(index.ward(*at) != truth(city, *at) for at in points) > 100
    assert [borders.find(*at).ward for at in points if borders.find(*at).how == "point"] == [
        found for at in points if (found := truth(city, *at)) is not None
    ]


def test_a_finger_too_thin_for_any_cell_is_found(city, borders):
    at = city.finger.representative_point()
    inside = truth(city, at.y, at.x)
    assert borders.find(at.y, at.x).ward == inside
    beside = borders.find(at.y + 0.0001, at.x)
    assert beside.ward == truth(city, at.y + 0.0001, at.x) != inside
    assert inside in beside.others


def test_a_point_in_an_enclave_is_its_own(city, borders):
    enclave = list(city.polygons)[-2]
    at = city.polygons[enclave].representative_point()
    assert borders.find(at.y, at.x).ward == enclave


def test_within_fifty_metres_of_a_border_the_other_wards_are_named_and_no_others(city, borders, flat):
    seen = 0
    for lat, lon in scattered(3_000, 4, margin=0):
        hit = borders.find(lat, lon)
        here = shapely.Point(lon * EAST_M, lat * METRES_PER_DEGREE)
        away = {code: one.distance(here) for code, one in flat.items() if code != hit.ward}
        # A plane for the whole city and one for each point differ by some centimetres in fifty metres.
        surely = {code for code, metres in away.items() if metres < BORDER_M - 0.1}
        maybe = {code for code, metres in away.items() if metres < BORDER_M + 0.1}
        assert surely <= set(hit.others) <= maybe
        assert [away[code] for code in hit.others] == sorted(away[code] for code in hit.others), "the nearest comes first"
        seen += bool(surely)
    assert seen > 400


def test_nearness_and_confidence_follow_the_true_distance(borders, flat):
    sure = borders.manifest.exact
    assert sure.within_25_m < sure.within_50_m < sure.clear < 1
    seen = set()
    for lat, lon in scattered(2_000, 5, margin=-0.002):
        hit = borders.find(lat, lon)
        here = shapely.Point(lon * EAST_M, lat * METRES_PER_DEGREE)
        metres = flat[hit.ward].boundary.distance(here)
        if min(abs(metres - BORDER_M), abs(metres - CLOSE_M)) > 0.1:
            wanted = "clear" if metres > BORDER_M else "within_50_m" if metres > CLOSE_M else "within_25_m"
            assert hit.border == wanted
            assert hit.confidence == getattr(sure, wanted)
            seen.add(wanted)
    assert seen == {"clear", "within_50_m", "within_25_m"}


def test_the_citys_own_edge_is_told_on_land_and_not_at_the_shore(borders):
    metre = 1 / METRES_PER_DEGREE
    middle = 106.8212
    for metres, border, edge in [(5, "within_25_m", True), (40, "within_50_m", True), (60, "clear", False)]:
        inside = borders.find(SOUTH + metres * metre, middle)
        assert (inside.how, inside.border, inside.edge) == ("point", border, edge)
        shore = borders.find(NORTH - metres * metre, middle)
        assert (shore.how, shore.border, shore.edge) == ("point", "clear", False)
        beyond = borders.find(SOUTH - metres * metre, middle)
        assert (beyond.ward, beyond.how, beyond.waters) == (None, "none", False)
        assert bool(beyond.others) == (metres < BORDER_M)


@pytest.mark.parametrize("metres", [0.5, 20, 60, 100, 200])
def test_water_off_the_shore_belongs_to_the_nearest_ward(city, borders, flat, metres):
    for lon in (106.803, 106.8113, 106.8212, 106.828):
        lat = NORTH + metres / METRES_PER_DEGREE
        hit = borders.find(lat, lon)
        here = shapely.Point(lon * EAST_M, lat * METRES_PER_DEGREE)
        away = {code: one.distance(here) for code, one in flat.items()}
        assert (hit.how, hit.waters, hit.confidence) == ("nearest", True, wards.NEAREST_CONFIDENCE)
        # Farther off the index answers, whose cells are some 50 m wide.
        assert away[hit.ward] - min(away.values()) < (0.1 if metres <= BORDER_M else 30)
        assert hit.ward not in hit.others


def test_far_at_sea_and_far_on_land_no_ward_is_named(borders):
    assert borders.find(NORTH + 400 / METRES_PER_DEGREE, 106.803) == wards.Hit(None, "none", 0.0, waters=True)
    assert borders.find(SOUTH - 400 / METRES_PER_DEGREE, 106.803) == wards.Hit(None, "none", 0.0)


def test_a_point_on_a_border_itself_is_in_one_ward_and_tells_of_both_sides(tiny):
    build(tiny)
    borders = exact.open_wards(tiny.folder, tiny.file, tiny.names)
    between = borders.find(-6.01, 106.805)
    assert {between.ward, *between.others} == {"1.1.1.1", "1.1.1.2"}
    assert (between.border, between.edge) == ("within_25_m", False)
    assert borders.find(-6.015, 106.80).edge
    corner = borders.find(-6.01, 106.81)
    assert {corner.ward, *corner.others} == {"1.1.1.1", "1.1.1.2", "1.1.1.3"}


def test_a_city_whose_land_is_nearer_to_the_point_than_its_water_reaches_is_asked_how_far_that_is(tiny):
    tiny.write_recipe()
    recipe = tiny.folder / "wards.yaml"
    recipe.write_text(recipe.read_text().replace("nearest_within_m: 250", "nearest_within_m: 10"))
    build(tiny)
    borders = exact.open_wards(tiny.folder, tiny.file, tiny.names)
    assert borders.find(-6.00 + 5 / METRES_PER_DEGREE, 106.805).how == "nearest"
    assert borders.find(-6.00 + 15 / METRES_PER_DEGREE, 106.805) == wards.Hit(None, "none", 0.0, others=("1.1.1.1",), waters=True)


def test_a_gap_that_is_rounding_belongs_to_the_nearer_ward(tiny):
    # Two millimetres between Utara and Selatan over 440 m, which the builder lets pass: shorter than a slit, smaller than a hole.
    low = -6.01 - 2e-8
    ring = [[106.80, -6.02], [106.81, -6.02], [106.81, -6.01], [106.804, -6.01], [106.804, low], [106.80, low], [106.80, -6.02]]
    tiny.shapes["1.1.1.2"] = [ring]
    build(tiny)
    borders = exact.open_wards(tiny.folder, tiny.file, tiny.names)
    assert borders.ward(-6.01 - 1e-8, 106.802) is None
    hit = borders.find(-6.01 - 1e-8, 106.802)
    assert (hit.how, {hit.ward, *hit.others}) == ("point", {"1.1.1.1", "1.1.1.2"})
    # The city's own edge is no gap.
    assert borders.find(-6.015, 106.80 - 1e-7).ward is None


def test_decisions_can_tell_an_exact_index_from_one_that_is_not(city, borders):
    assert borders.version == f"{wards.load(city.folder).version}+exact"


def test_every_point_of_the_earth_has_an_answer_near_the_city_or_not(borders):
    for lat, lon in [(0, 0), (90, 0), (-90, 180), (-6.01, 180), (-6.01, -180), *scattered(2_000, 6, margin=0.1)]:
        hit = borders.find(lat, lon)
        assert (hit.ward is None) == (hit.how == "none")
        assert 0 <= hit.confidence < 1


def test_a_look_up_takes_some_microseconds(borders):
    points = scattered(2_000, 8)
    rounds = []
    for _ in range(5):
        started = time.process_time()
        for at in points:
            borders.find(*at)
        rounds.append((time.process_time() - started) / len(points))
    # Measured some 15 us here, where every third point is near a border.
    assert min(rounds) < 60e-6


def test_boundaries_that_the_index_was_not_built_from_are_refused_with_what_to_do(tiny):
    build(tiny)
    tiny.shapes["1.1.1.4"] = square(106.805, -5.990, 106.807, -5.987)
    tiny.write()
    with pytest.raises(exact.BoundariesFault, match=r"not the file that the index was built from.*tanggap wards build"):
        exact.open_wards(tiny.folder, tiny.file, tiny.names)


def test_a_pipe_in_place_of_the_boundaries_is_refused_and_not_waited_for(tiny, tmp_path):
    build(tiny)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(exact.BoundariesFault, match="no regular file"):
        exact.open_wards(tiny.folder, tmp_path / "pipe", tiny.names)


def test_boundaries_that_are_not_there_are_refused(tiny):
    build(tiny)
    with pytest.raises(exact.BoundariesFault, match=r"none\.geojson: can't be read"):
        exact.open_wards(tiny.folder, tiny.folder / "none.geojson", tiny.names)


def test_the_boundaries_are_read_by_the_properties_that_the_index_was_built_by(tiny):
    features = tiny.features()
    for feature in features:
        code = feature["properties"].pop("code")
        feature["properties"] = {"KODE": code, "LAMA": code if code != "1.1.1.4" else "1.1.1.9"}
    build(tiny, features)
    borders = exact.open_wards(tiny.folder, tiny.file, tiny.names)
    assert (borders.manifest.code_property, borders.manifest.name_property) == ("KODE", None)
    assert borders.find(-6.005, 106.805).ward == "1.1.1.1"


def test_an_index_of_other_wards_is_refused_before_the_boundaries_are_asked(tiny):
    build(tiny)
    with pytest.raises(wards.WardsFault, match=r"has 1\.1\.1\.4, not in units\.csv"):
        exact.open_wards(tiny.folder, tiny.file, {code: name for code, name in tiny.names.items() if code != "1.1.1.4"})
