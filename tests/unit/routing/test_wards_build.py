"""The builder of the ward index, on a city of four wards."""

import builtins
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.routing.wards import build as wards_build
from services.routing.wards import cli, wards
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


def test_units_that_are_no_csv_are_a_fault_of_their_file(tiny):
    units = tiny.folder / "units.csv"
    with units.open("a", encoding="utf-8") as file:
        file.write("x" * 140_000 + "\n")
    [fault] = faults_of(tiny)
    assert fault.startswith(f"{units}: can't be read (Error('field larger than field limit")


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


def test_a_sliver_of_an_overlap_is_named_and_rounding_is_not(tiny):
    # A hundredth of a metre over the 2.2 km of their border is 24 m2; a thousandth is less than 10 m2.
    tiny.shapes["1.1.1.3"] = square(106.81 - 1e-7, -6.02, 106.82, -6.00)
    slivers = faults_of(tiny)
    assert [fault.split(": ")[1] for fault in slivers] == [
        "1.1.1.1 and 1.1.1.3 overlap by 12 m2",
        "1.1.1.2 and 1.1.1.3 overlap by 12 m2",
    ]
    tiny.shapes["1.1.1.3"] = square(106.81 - 1e-8, -6.02, 106.82, -6.00)
    assert len(boundaries_of(tiny).codes) == 4


def test_a_sliver_that_no_ward_covers_is_named(tiny):
    # Timur's border stands back by a metre in its middle: a gap of 1.1 km by 1 m, closed all around.
    tiny.shapes["1.1.1.3"] = polygon(
        "106.81 -6.02, 106.82 -6.02, 106.82 -6, 106.81 -6, 106.81 -6.005, 106.81001 -6.005, 106.81001 -6.015, 106.81 -6.015"
    )
    (fault,) = faults_of(tiny)
    assert "a hole of 1,2" in fault
    assert "m2 that no ward covers, at -6.0" in fault


def test_borders_that_do_not_meet_are_named_also_where_the_gap_is_open_at_its_ends(tiny):
    tiny.shapes["1.1.1.3"] = square(106.81001, -6.02, 106.82, -6.00)
    (fault,) = faults_of(tiny)
    assert "a slit 2,2" in fault
    assert "m long between wards, that no ward covers, at -6.0" in fault


def test_an_inlet_from_the_citys_edge_is_no_slit(tiny):
    # 330 m long and 2 m wide, between Selatan and Timur.
    tiny.shapes["1.1.1.3"] = polygon("106.81002 -6.02, 106.82 -6.02, 106.82 -6, 106.81 -6, 106.81 -6.017, 106.81002 -6.017")
    assert len(boundaries_of(tiny).codes) == 4


def test_heights_parts_and_holes_make_the_same_index_as_flat_polygons(tiny):
    enclave = square(106.814, -6.012, 106.816, -6.010)
    tiny.names["1.1.1.5"] = "Kantong"
    tiny.shapes |= {"1.1.1.3": [*tiny.shapes["1.1.1.3"], enclave[0]], "1.1.1.5": enclave}
    tiny.write_units()
    _, index = built(tiny)
    assert index.ward(-6.011, 106.815) == "1.1.1.5"
    features = tiny.features()
    for feature in features:
        rings = [[[*at, 7.5] for at in ring] for ring in feature["geometry"]["coordinates"]]
        feature["geometry"] = {"type": "MultiPolygon", "coordinates": [rings]}
    recipe = wards_build.read_recipe(tiny.folder)
    manifest, _ = wards_build.build(boundaries_of(tiny, features), recipe)
    assert manifest.version == index.version


def test_an_offices_own_names_of_properties_make_the_same_index(tiny):
    _, index = built(tiny)
    features = tiny.features()
    for feature in features:
        was = feature["properties"]
        feature["properties"] = {"OBJECTID": 7, "KODE_DESA": was["code"], "WADMKD": was["name"].upper()}
    done = run("build", tiny.write(features), "--city", tiny.folder)
    assert done.exit_code == 0, done.output
    assert "4 wards, all known (codes by KODE_DESA, names by WADMKD)" in done.output
    again = wards.load(tiny.folder)
    assert again.version == index.version
    assert (again.manifest.code_property, again.manifest.name_property) == ("KODE_DESA", "WADMKD")
    done = run("build", tiny.file, "--city", tiny.folder, "--code-property", "KODE_DESA", "--name-property", "-")
    assert "(codes by KODE_DESA, names not checked)" in done.output
    refused = run("build", tiny.file, "--city", tiny.folder, "--code-property", "KODE")
    assert refused.exit_code == 1
    assert "it has OBJECTID (7), KODE_DESA (1.1.1.1), WADMKD (UTARA)" in refused.output


def test_boundaries_far_from_the_citys_waters_and_neighbours_are_another_citys(tiny):
    away = {code: [[[lon - 5, lat] for lon, lat in ring] for ring in rings] for code, rings in tiny.shapes.items()}
    features = [
        feature | {"geometry": {"type": "Polygon", "coordinates": away[code]}}
        for code, feature in zip(tiny.shapes, tiny.features(), strict=True)
    ]
    (fault,) = faults_of(tiny, features)
    assert "km from the places of wards.yaml and neighbours.yaml: are they another city's?" in fault
    (tiny.folder / "neighbours.yaml").write_text(
        "neighbours:\n  - code: x\n    name: Kota Jiran\n    points:\n      - {name: Alun-alun, lat: -6.0, lon: 101.9}\n"
    )
    assert boundaries_of(tiny, features).codes == tuple(sorted(tiny.shapes))


def test_both_files_appear_whole_and_the_manifest_last(tiny, monkeypatch):
    _, old = built(tiny)
    moved = []
    real = Path.replace

    def watched(self, target):
        if moved:
            with pytest.raises(wards.WardsFault, match="not the index that"):
                wards.load(tiny.folder)
        else:
            assert wards.load(tiny.folder).version == old.version, "nothing has changed until all is written"
        moved.append(Path(target).name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    tiny.shapes["1.1.1.4"] = square(106.805, -5.990, 106.807, -5.987)
    _, new = built(tiny)
    assert moved == [wards.INDEX, wards.MANIFEST]
    assert new.version != old.version
    assert [path.name for path in tiny.folder.glob(".*")] == []


def test_where_the_disk_is_full_the_old_index_stays(tiny, monkeypatch):
    _, old = built(tiny)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wards_build.os, "fsync", full)
    tiny.shapes["1.1.1.4"] = square(106.805, -5.990, 106.807, -5.987)
    done = run("build", tiny.write(), "--city", tiny.folder)
    assert done.exit_code == 1
    assert "No space left on device" in done.output
    assert wards.load(tiny.folder).version == old.version
    assert [path.name for path in tiny.folder.glob(".*")] == []


def test_a_ward_too_small_for_any_cell_is_named(tiny):
    tiny.shapes["1.1.1.4"] = square(106.805, -5.990, 106.80501, -5.98999)
    with pytest.raises(wards_build.BoundaryFaults, match=r"1\.1\.1\.4 has no cell, it is too small"):
        built(tiny)


def test_confidence_is_lower_nearer_to_a_border_even_where_no_point_was_wrong(tiny, monkeypatch):
    _, index = built(tiny)
    perfect = dict.fromkeys(index.manifest.confidence.model_dump(), (1 / 3, 1.0))
    measured = wards_build.Agreement(points=3, wrong=0, agreement=1.0, worst_miss_m=0.0, by_border=perfect, nearest_centre=1.0)
    monkeypatch.setattr(wards_build.Boundaries, "measure", lambda *_: measured)
    _, sure = built(tiny)
    for confidence in (index.manifest.confidence, index.manifest.exact, sure.manifest.confidence, sure.manifest.exact):
        assert confidence.within_25_m < confidence.within_50_m < confidence.clear < 1


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


def polygon(corners):
    return [[[float(number) for number in corner.split()] for corner in corners.split(",")]]


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
    index, borders = checked.output.split("with the boundaries at hand")
    assert ": 100.00% in the ward that the boundaries say, 0 wrong" not in index
    assert "1,000 random points of the land: 100.00% in the ward that the boundaries say, 0 wrong" in borders
    assert "1,000 random points within some 30 m of a border: 100.00%, 0 wrong" in borders


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

    monkeypatch.delitem(sys.modules, "services.routing.wards.build")
    monkeypatch.delattr("services.routing.wards.build", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    done = run("build", tiny.write(), "--city", tiny.folder)
    assert done.exit_code == 1
    assert done.output == "this needs the package shapely, which the services run without: pip install 'tanggap[dev]'\n"
