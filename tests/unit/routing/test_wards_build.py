"""The builder of the ward index, on a city of four wards."""

import builtins
import sys

import pytest
from typer.testing import CliRunner

from services.routing import cli, wards, wards_build
from tests.support.routing import square


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer points to measure with than a real city deserves."""
    monkeypatch.setattr(wards_build, "MEASURED_POINTS", 4_000)


def boundaries_of(tiny, features=None, **properties):
    return wards_build.read_boundaries(tiny.write(features), tiny.folder, wards_build.read_recipe(tiny.folder), **properties)


def built(tiny):
    boundaries = boundaries_of(tiny)
    manifest, index = wards_build.build(boundaries, wards_build.read_recipe(tiny.folder))
    wards_build.write(tiny.folder, manifest, index)
    return boundaries, wards.load(tiny.folder)


def faults_of(tiny, features=None):
    with pytest.raises(wards_build.BoundaryFaults) as caught:
        boundaries_of(tiny, features)
    return caught.value.faults


def test_the_same_boundaries_make_the_same_bytes_in_whatever_order_they_come(tiny):
    built(tiny)
    first = (tiny.folder / wards.INDEX).read_bytes(), (tiny.folder / wards.MANIFEST).read_bytes()
    assert first[0][4:8] == bytes(4), "gzip's header holds the time it was written"
    tiny.shapes = dict(reversed(tiny.shapes.items()))
    boundaries, _ = built(tiny)
    assert (tiny.folder / wards.INDEX).read_bytes() == first[0]
    # The manifest names the file it was made from, whose bytes differ; all else is the same.
    again = (tiny.folder / wards.MANIFEST).read_text()
    old = wards.Manifest.model_validate_json(first[1])
    assert wards.Manifest.model_validate_json(again) == old.model_copy(update={"source_sha256": boundaries.sha256})
    built(tiny)
    assert (tiny.folder / wards.MANIFEST).read_text() == again


def test_the_index_agrees_with_the_polygons_but_for_a_strip_along_the_borders(tiny):
    boundaries, index = built(tiny)
    found = boundaries.measure(index, 5_000)
    assert found.agreement > 0.97
    assert found.worst_miss_m < 30
    assert found.agreement > found.nearest_centre - 0.05
    assert found.by_border["clear"][1] == 1.0
    assert found.by_border["within_25_m"][1] < found.by_border["within_50_m"][1]


def test_a_cell_belongs_to_the_ward_with_the_largest_share_of_it(tiny):
    boundaries, index = built(tiny)
    import h3.api.basic_int as h3  # noqa: PLC0415
    from shapely.geometry import Polygon  # noqa: PLC0415

    checked = 0
    for step in range(200):
        cell = h3.latlng_to_cell(-6.01, 106.8005 + step * 0.000045, wards_build.RESOLUTION)
        lat, lon = h3.cell_to_latlng(cell)
        hexagon = Polygon([(x, y) for y, x in h3.cell_to_boundary(cell)])
        shares = {code: hexagon.intersection(polygon).area for code, polygon in boundaries.polygons.items()}
        assert index.ward(lat, lon) == max(shares, key=shares.get)
        checked += len([share for share in shares.values() if share]) > 1
    assert checked > 100


def test_a_cell_mostly_outside_the_city_belongs_to_nobody(tiny):
    _, index = built(tiny)
    assert index.ward(-6.0150, 106.7997) is None
    assert index.ward(-6.0150, 106.8004) == "1.1.1.2"


def test_water_near_the_shore_belongs_to_the_nearest_ward_and_land_beside_the_city_does_not(tiny):
    _, index = built(tiny)
    off_shore = index.find(-5.9985, 106.805)  # 170 m north of Utara
    assert (off_shore.ward, off_shore.how) == ("1.1.1.1", "nearest")
    off_island = index.find(-5.9855, 106.8065)  # 170 m north of the island
    assert (off_island.ward, off_island.how) == ("1.1.1.4", "nearest")
    assert index.find(-5.9965, 106.805).how == "none"  # 390 m: too far
    assert index.find(-6.0215, 106.805).how == "none"  # 170 m south, on land that is not the city's


def test_a_city_without_waters_has_no_shore(tiny):
    tiny.waters = ()
    (tiny.folder / "wards.yaml").write_text(
        "source: {name: tiny, url: 'https://tiny.example', licence: MIT, codes: own}\nnearest_within_m: 250\n"
    )
    _, index = built(tiny)
    assert index.manifest.cells["shore"] == 0
    assert index.find(-5.9985, 106.805).how == "none"


def test_a_ward_without_a_polygon_is_named(tiny):
    del tiny.shapes["1.1.1.3"]
    assert faults_of(tiny) == (f"{tiny.file}: 1.1.1.3 (Timur) has no polygon",)


def test_an_unknown_code_a_double_one_and_a_wrong_name_are_all_named(tiny):
    features = tiny.features()
    features.append(features[0] | {"properties": {"code": "9.9.9.9", "name": "Antah"}})
    features.append(features[1])
    features[2]["properties"]["name"] = "Barat"
    assert faults_of(tiny, features) == (
        f"{tiny.file}: feature 3 (1.1.1.3): is named Barat, but units.csv says Timur",
        f"{tiny.file}: feature 5 (9.9.9.9): its code is not that of a ward in units.csv",
        f"{tiny.file}: feature 6 (1.1.1.2): its code comes twice",
    )


def test_a_name_may_be_spelled_otherwise(tiny):
    features = tiny.features()
    features[0]["properties"]["name"] = "U-TARA"
    assert boundaries_of(tiny, features).codes[0] == "1.1.1.1"


def test_overlaps_are_named_with_their_size(tiny):
    tiny.shapes["1.1.1.3"] = square(106.809, -6.02, 106.82, -6.00)
    one, other = faults_of(tiny)
    assert "1.1.1.1 and 1.1.1.3 overlap by 122," in one
    assert "1.1.1.2 and 1.1.1.3 overlap by 122," in other


def test_a_hole_is_named_with_its_place(tiny):
    tiny.shapes["1.1.1.3"] = [*tiny.shapes["1.1.1.3"], square(106.814, -6.011, 106.816, -6.009)[0]]
    (fault,) = faults_of(tiny)
    assert "a hole of 49," in fault
    assert "at -6.01" in fault


def test_a_polygon_that_crosses_itself_is_named(tiny):
    tiny.shapes["1.1.1.4"] = [[[106.805, -5.99], [106.808, -5.987], [106.808, -5.99], [106.805, -5.987], [106.805, -5.99]]]
    (fault,) = faults_of(tiny)
    assert "1.1.1.4: its polygon is not valid: Self-intersection" in fault


def test_latitude_before_longitude_is_told(tiny):
    tiny.shapes["1.1.1.4"] = [[[lat, lon] for lon, lat in ring] for ring in tiny.shapes["1.1.1.4"]]
    (fault,) = faults_of(tiny)
    assert "GeoJSON writes longitude first" in fault


@pytest.mark.parametrize(
    "feature",
    [
        None,
        {},
        {"type": "Feature", "properties": {"code": "1.1.1.1"}, "geometry": None},
        {"type": "Feature", "properties": {"code": "1.1.1.1"}, "geometry": {"type": "Point", "coordinates": [106.8, -6.0]}},
        {"type": "Feature", "properties": {"code": "1.1.1.1"}, "geometry": {"type": "Polygon", "coordinates": []}},
    ],
)
def test_a_feature_that_is_no_ward_is_named_by_its_number(tiny, feature):
    features = tiny.features()
    features[0] = feature
    assert any("feature 1 (" in fault for fault in faults_of(tiny, features))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": 3}', "\x00"])
def test_a_file_that_is_no_geojson_is_refused(tiny, text):
    tiny.file.write_text(text)
    with pytest.raises(wards_build.BoundaryFaults, match="not a GeoJSON FeatureCollection"):
        wards_build.read_boundaries(tiny.file, tiny.folder, wards_build.read_recipe(tiny.folder))


def test_a_recipe_with_faults_names_each(tiny):
    (tiny.folder / "wards.yaml").write_text("source: {name: x, url: y, licence: MIT}\nnearest_within_m: far\n")
    with pytest.raises(
        wards_build.BoundaryFaults, match=r"source\.codes: Field required[\s\S]*nearest_within_m: Input should be"
    ):
        wards_build.read_recipe(tiny.folder)


def run(*arguments):
    return CliRunner().invoke(cli.wards, [str(argument) for argument in arguments])


def test_the_command_builds_and_then_measures(tiny):
    done = run("build", tiny.write(), "--city", tiny.folder)
    assert done.exit_code == 0, done.output
    assert "4 wards, all known" in done.output
    checked = run("check", tiny.file, "--city", tiny.folder, "--points", "1000")
    assert checked.exit_code == 0, checked.output
    assert "in the ward that the boundaries say" in checked.output
    assert "a look-up takes" in checked.output
    assert "note:" not in checked.output


def test_checking_against_another_file_says_so(tiny):
    run("build", tiny.write(), "--city", tiny.folder)
    tiny.shapes["1.1.1.4"] = square(106.805, -5.990, 106.807, -5.987)
    assert "note: the index was not built from" in run("check", tiny.write(), "--city", tiny.folder, "--points", "1000").output


def test_the_command_names_the_faults_and_leaves_the_old_index(tiny):
    run("build", tiny.write(), "--city", tiny.folder)
    before = (tiny.folder / wards.INDEX).read_bytes()
    del tiny.shapes["1.1.1.3"]
    done = run("build", tiny.write(), "--city", tiny.folder)
    assert done.exit_code == 1
    assert "1.1.1.3 (Timur) has no polygon" in done.output
    assert (tiny.folder / wards.INDEX).read_bytes() == before


def test_without_shapely_the_command_says_what_to_install(tiny, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.startswith("shapely"):
            raise ModuleNotFoundError("No module named 'shapely'", name="shapely")
        return real(name, *arguments, **keywords)

    monkeypatch.delitem(sys.modules, "services.routing.wards_build")
    monkeypatch.delattr("services.routing.wards_build", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    done = run("build", tiny.write(), "--city", tiny.folder)
    assert done.exit_code == 1
    assert done.output == "this needs the package shapely, which the services run without: pip install 'tanggap[dev]'\n"
