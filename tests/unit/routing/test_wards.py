"""The index from a point to its ward."""

import csv
import gzip
import hashlib
import json
import math
import os
import random
import shutil
import time
import tracemalloc
import zlib

import h3.api.basic_int as h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.wards import wards as index
from tests.support.routing import JAKARTA

# Places as the public knows them (lat, lon from maps, rounded to some 10 m) and the kelurahan of their own address.
LANDMARKS = {
    "Monumen Nasional": (-6.17539, 106.82715, "Gambir"),
    "Kota Tua, Museum Fatahillah": (-6.13520, 106.81330, "Pinangsia"),
    "Stadion Utama Gelora Bung Karno": (-6.21862, 106.80257, "Gelora"),
    "Kebun Binatang Ragunan": (-6.31250, 106.82010, "Ragunan"),
    "Pulau Pramuka": (-5.74570, 106.61300, "Pulau Panggang"),
    "Bundaran Hotel Indonesia": (-6.19496, 106.82306, "Menteng"),
    "Dunia Fantasi, Ancol": (-6.12531, 106.83354, "Ancol"),
    "Taman Mini Indonesia Indah": (-6.30245, 106.89516, "Ceger"),
    "Blok M Plaza": (-6.24400, 106.79750, "Kramat Pela"),
    "Mal Kelapa Gading": (-6.15700, 106.90800, "Kelapa Gading Timur"),
    "Pulau Tidung": (-5.79750, 106.49500, "Pulau Tidung"),
    "Pelabuhan Tanjung Priok": (-6.10440, 106.88060, "Tanjung Priok"),
    "Bandara Halim Perdanakusuma": (-6.26550, 106.89060, "Halim Perdana Kusuma"),
    "Masjid Istiqlal": (-6.17020, 106.83140, "Pasar Baru"),
    "Pasar Senen": (-6.17550, 106.84300, "Senen"),
    "Setu Babakan": (-6.34100, 106.82390, "Srengseng Sawah"),
}


def names():
    with (JAKARTA / "units.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(("lat", "lon", "ward"), LANDMARKS.values(), ids=LANDMARKS)
def test_a_landmark_lies_in_the_ward_of_its_address(jakarta_wards, lat, lon, ward):
    hit = jakarta_wards.find(lat, lon)
    assert hit.how == "point"
    assert names()[hit.ward] == ward


def test_every_ward_of_the_city_can_be_found(jakarta_wards):
    kelurahan = {code for code in names() if code.count(".") == 3}
    assert set(jakarta_wards.codes) == kelurahan
    assert len(kelurahan) == 267


@pytest.mark.parametrize(
    ("place", "lat", "lon"),
    [
        ("Bekasi, Alun-alun", -6.2349, 106.9923),
        ("Depok, Balai Kota", -6.4025, 106.7942),
        ("Depok, Universitas Indonesia, 700 m beyond the border", -6.3675, 106.8270),
        ("Tangerang, Alun-alun", -6.1783, 106.6319),
        ("Tangerang, Dadap, land beside Jakarta's shore", -6.0890, 106.7120),
        ("Bekasi, Tarumajaya, land beside Jakarta's shore", -6.0935, 106.9730),
        ("null island", 0.0, 0.0),
        ("north pole", 90.0, 0.0),
        ("date line", -6.2, 180.0),
    ],
)
def test_a_point_outside_the_city_has_no_ward(jakarta_wards, place, lat, lon):
    hit = jakarta_wards.find(lat, lon)
    assert (hit.ward, hit.how, hit.confidence, hit.waters) == (None, "none", 0.0, False), place


def test_a_point_just_off_the_beach_belongs_to_the_nearest_ward_and_is_less_sure(jakarta_wards):
    # Some 150 m north of the beach of Ancol, and as far off Pulau Pramuka.
    for lat, lon, ward in [(-6.1195, 106.8450, "Ancol"), (-5.7430, 106.6130, "Pulau Panggang")]:
        hit = jakarta_wards.find(lat, lon)
        assert hit.how == "nearest"
        assert names()[hit.ward] == ward
        assert hit.confidence == index.NEAREST_CONFIDENCE < jakarta_wards.find(-6.17539, 106.82715).confidence
        assert hit.waters


def test_the_open_sea_has_no_ward_but_is_known_as_the_citys_waters(jakarta_wards):
    hit = jakarta_wards.find(-5.95, 106.75)
    assert (hit.ward, hit.how, hit.waters) == (None, "none", True)


def test_the_nearest_ward_of_a_far_point_and_its_distance_are_told(jakarta_wards):
    ward, away = jakarta_wards.nearest(-5.80, 106.60)  # between Pulau Pramuka and Pulau Pari
    assert names()[ward] in {"Pulau Panggang", "Pulau Pari"}
    assert 3_000 < away < 8_000


def test_near_a_border_the_other_ward_is_named_and_the_confidence_is_lower(jakarta_wards):
    # Stasiun Jatinegara stands on the border of Rawa Bunga and Pisangan Baru.
    hit = jakarta_wards.find(-6.21514, 106.87056)
    both = {names()[code] for code in (hit.ward, *hit.others)}
    assert both == {"Rawa Bunga", "Pisangan Baru"}
    assert hit.ward not in hit.others
    assert hit.border == "within_25_m"
    assert hit.confidence == jakarta_wards.manifest.confidence.within_25_m < 0.9


def test_confidence_falls_towards_a_border_and_is_never_certainty(jakarta_wards):
    sure = jakarta_wards.manifest.confidence
    assert 0.5 < sure.within_25_m < sure.within_50_m < sure.clear < 1


def test_within_fifty_metres_of_the_land_of_another_city_the_edge_is_told(jakarta_wards):
    # Jalan Raya Kalimalang crosses into Bekasi; walk east along it until the index ends.
    steps = [106.94 + step * 0.0001 for step in range(600)]
    last = max(lon for lon in steps if jakarta_wards.ward(-6.2480, lon))
    assert jakarta_wards.find(-6.2480, last).edge
    assert not jakarta_wards.find(-6.2480, last - 0.003).edge
    beyond = jakarta_wards.find(-6.2480, last + 0.0001)
    assert beyond.how == "none"
    assert beyond.others == (jakarta_wards.ward(-6.2480, last),)


def eight_places(wards, lat, lon, reach):
    """The wards whose land lies `reach` metres off in some of eight directions, and whether land outside the city does."""
    north = reach / index.METRES_PER_DEGREE
    east = north / math.cos(math.radians(lat))
    angles = [turn * math.pi / 4 for turn in range(8)]
    hits = [wards.find(lat + north * math.sin(angle), lon + east * math.cos(angle)) for angle in angles]
    return {hit.ward for hit in hits if hit.how == "point"}, any(hit.how == "none" for hit in hits)


def test_what_lies_near_is_told_as_points_around_say_on_land_and_off_it(jakarta_wards):
    cells = index.parse(gzip.decompress((JAKARTA / index.INDEX).read_bytes()))
    dice = random.Random(3)
    seen = set()
    border, shore = ([h3.cell_to_latlng(cell) for own in cells[kind].values() for cell in own] for kind in ("border", "shore"))
    # Where two wards meet at the shore is rare.
    meeting = [at for at in shore if jakarta_wards.find(*at).others]
    for lat, lon in (*dice.sample(border, 600), *dice.sample(shore, 200), *meeting):
        hit = jakarta_wards.find(lat, lon)
        (near, edge), (close, close_edge) = (eight_places(jakarta_wards, lat, lon, reach) for reach in (50.0, 25.0))
        assert set(hit.others) == near - {hit.ward}
        if hit.how == "point":
            assert hit.edge == edge
            others, beside = bool(near - {hit.ward}), bool(close - {hit.ward})
            assert hit.border == ("clear" if not (others or edge) else "within_25_m" if beside or close_edge else "within_50_m")
            seen.add((hit.border, others, edge))
        else:
            seen.add((hit.how, bool(hit.others)))
    # Each kind of place was among them: at the city's edge without another ward too.
    assert seen >= {("clear", False, False), ("within_25_m", False, True), ("within_50_m", False, True)}
    assert seen >= {("within_25_m", True, False), ("within_50_m", True, False), ("nearest", True), ("nearest", False)}


def test_neither_water_nor_a_wards_own_land_clear_of_borders_makes_one_close(jakarta_wards):
    manifest = jakarta_wards.manifest.model_copy(update={"resolution": 13})  # cells of 7 m
    own, other = "31.71.01.1001", "31.71.01.1002"
    middle = h3.latlng_to_cell(-6.2, 106.8, 13)
    at = h3.cell_to_latlng(middle)
    cells = {"inner": {own: []}, "border": {own: [], other: []}, "shore": {own: []}}
    for cell in h3.grid_disk(middle, 20):
        lat, lon = h3.cell_to_latlng(cell)
        north, east = ((one - known) * index.METRES_PER_DEGREE for one, known in zip((lat, lon), at, strict=True))
        if east > 45:
            cells["border"][other].append(cell)
        elif north > 15:
            cells["shore"][own].append(cell)
        else:
            cells["inner" if east < -15 else "border"][own].append(cell)
    hit = index.Wards(manifest, cells).find(*at)
    assert hit == index.Hit(own, "point", manifest.confidence.within_50_m, "within_50_m", (other,))


def test_an_islet_smaller_than_what_is_looked_at_is_its_wards_as_surely_as_land_far_from_any_border(jakarta_wards):
    manifest, code = jakarta_wards.manifest, "31.01.01.1001"
    at = (-5.6, 106.55)
    islet = h3.latlng_to_cell(*at, manifest.resolution)
    water = [cell for cell in h3.grid_disk(islet, 5) if cell != islet]
    wards = index.Wards(manifest, {"inner": {}, "border": {code: [islet]}, "shore": {code: water}})
    hit = wards.find(*h3.cell_to_latlng(islet))
    assert hit == index.Hit(code, "point", manifest.confidence.clear)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180))
def test_every_point_of_the_earth_has_an_answer(jakarta_wards, lat, lon):
    hit = jakarta_wards.find(lat, lon)
    assert (hit.ward is None) == (hit.how == "none")
    assert 0 <= hit.confidence < 1


def test_a_look_up_is_fast_and_the_index_loads_fast():
    started = time.process_time()
    loaded = index.load(JAKARTA)
    assert time.process_time() - started < 0.3
    dice = random.Random(1)
    points = [(dice.uniform(-6.37, -6.09), dice.uniform(106.69, 106.97)) for _ in range(2_000)]
    # The best of five: other work on the machine may slow a round, nothing can quicken one.
    rounds = []
    for _ in range(5):
        started = time.process_time()
        for lat, lon in points:
            loaded.ward(lat, lon)
        rounds.append((time.process_time() - started) / len(points))
    assert min(rounds) < 10e-6


def test_the_shipped_index_is_the_one_its_manifest_describes(jakarta_wards):
    text = gzip.decompress((JAKARTA / index.INDEX).read_bytes())
    cells = index.parse(text)
    manifest = jakarta_wards.manifest
    assert index.render(cells) == text
    assert manifest.cells == {kind: sum(map(len, own.values())) for kind, own in cells.items()}
    assert manifest.wards == len(jakarta_wards.codes) == 267
    assert manifest.version == jakarta_wards.version == manifest.sha256[:12]
    assert manifest.agreement > 0.98
    assert "MIT" in manifest.source.licence
    assert (JAKARTA / index.INDEX).stat().st_size < 250_000


def test_no_cell_is_given_to_two_wards():
    cells = index.parse(gzip.decompress((JAKARTA / index.INDEX).read_bytes()))
    given = [cell for kind in cells.values() for own in kind.values() for cell in own]
    assert len(given) == len(set(given))
    finest = [one for cell in given for one in h3.uncompact_cells([cell], 11)]
    assert len(finest) == len(set(finest))


def test_what_is_marked_as_clear_of_borders_is_clear_of_them(jakarta_wards):
    inner = index.parse(gzip.decompress((JAKARTA / index.INDEX).read_bytes()))["inner"]
    dice = random.Random(2)
    for _ in range(500):
        code = dice.choice(sorted(inner))
        boundary = h3.cell_to_boundary(dice.choice(inner[code]))
        lat, lon = dice.choice(boundary)  # a corner is as near to another ward as the cell comes
        around = [
            jakarta_wards.find(
                lat + index.BORDER_M * math.sin(angle) / index.METRES_PER_DEGREE,
                lon + index.BORDER_M * math.cos(angle) / index.METRES_PER_DEGREE,
            )
            for angle in range(6)
        ]
        assert {hit.ward for hit in around} == {code}


@pytest.fixture
def copy(tmp_path):
    for name in (index.INDEX, index.MANIFEST):
        shutil.copy(JAKARTA / name, tmp_path)
    return tmp_path


def test_an_index_that_is_not_the_manifests_is_refused(copy):
    text = gzip.decompress((copy / index.INDEX).read_bytes())
    assert text.count(b"31.71.01.1001") > 0
    (copy / index.INDEX).write_bytes(gzip.compress(text.replace(b"31.71.01.1001", b"31.71.01.1002", 1)))
    with pytest.raises(index.WardsFault, match=r"wards\.index\.gz: not the index that wards\.manifest\.json describes"):
        index.load(copy)


@pytest.mark.parametrize("damage", [b"", b"not gzip", "cut", "spoilt"])
def test_a_broken_index_is_refused_with_what_to_do(copy, damage):
    path = copy / index.INDEX
    whole = path.read_bytes()
    broken = {"cut": whole[:5_000], "spoilt": whole[:5_000] + b"\xff" * 100 + whole[5_100:]}
    path.write_bytes(broken.get(damage, damage))
    with pytest.raises(index.WardsFault, match="tanggap wards build FILE"):
        index.load(copy)


def test_an_index_that_unpacks_to_more_than_any_has_is_refused_before_it_fills_the_memory(copy):
    many = 512 * 1024 * 1024
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    zeros = bytes(1024 * 1024)
    bomb = b"".join([*(packer.compress(zeros) for _ in range(many // len(zeros))), packer.flush()])
    assert len(bomb) < many / 1000
    (copy / index.INDEX).write_bytes(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(index.WardsFault, match=r"unpacked it has more than 16,777,216 bytes.*tanggap wards build FILE"):
            index.load(copy)
        assert tracemalloc.get_traced_memory()[1] < 4 * index.MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [index.INDEX, index.MANIFEST])
def test_a_file_larger_than_any_index_is_refused_unread(copy, name):
    os.truncate(copy / name, index.MOST_BYTES + 1)
    with pytest.raises(index.WardsFault, match=r"more than 16,777,216 bytes"):
        index.load(copy)


def test_what_is_no_index_at_all_is_refused_even_where_the_manifest_agrees(copy):
    text = b"nothing of the kind\n"
    (copy / index.INDEX).write_bytes(gzip.compress(text))
    manifest = json.loads((copy / index.MANIFEST).read_text()) | {"sha256": hashlib.sha256(text).hexdigest()}
    (copy / index.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(index.WardsFault, match="not an index"):
        index.load(copy)


def test_a_missing_index_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(index.WardsFault, match="tanggap wards build FILE"):
        index.load(tmp_path)


def test_a_manifest_with_faults_names_each(copy):
    data = json.loads((copy / index.MANIFEST).read_text())
    del data["version"]
    data["resolution"] = 99
    (copy / index.MANIFEST).write_text(json.dumps(data))
    with pytest.raises(index.WardsFault, match=r"version: Field required; resolution: Input should be less than"):
        index.load(copy)


def test_distance_is_the_great_circles():
    # Monas to Istiqlal: 0.71 km; a degree of latitude: 111.2 km.
    assert math.isclose(index.metres((0, 0), (1, 0)), 111_195, rel_tol=1e-4)
    assert math.isclose(index.metres((-6.0, 106.0), (-6.0, 107.0)), 111_195 * math.cos(math.radians(6)), rel_tol=1e-4)


def test_an_index_of_other_wards_than_the_citys_is_refused(jakarta_wards):
    _, cells = index.read(JAKARTA)
    codes = [*jakarta_wards.codes[1:], "99.99.99.9999"]
    with pytest.raises(
        index.WardsFault, match=r"lacks 99\.99\.99\.9999 of units\.csv and has 31\.01\.01\.1001, not in units\.csv"
    ):
        index.check(cells, codes, JAKARTA)
    index.check(cells, jakarta_wards.codes, JAKARTA)


@pytest.mark.parametrize("name", ["wards.index.gz", "wards.manifest.json"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path, name):
    for file in ("wards.index.gz", "wards.manifest.json"):
        (tmp_path / file).write_bytes((JAKARTA / file).read_bytes())
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(index.WardsFault, match="no regular file"):
        index.load(tmp_path)
