"""Boundary files as offices publish them: their properties, their codes, and what is wrong with them."""

import gzip
import io
import json
import math
import zipfile

import pytest

from services.routing.wards import boundary_file
from tests.support.routing import square

KNOWN = {"31.71.01.1001": "Gambir", "31.71.01.1002": "Cideng", "31.71.01.1003": "Petojo Utara"}
MONAS = (-6.175, 106.827)


def features(properties, *, rings=None):
    """A feature for each set of properties, side by side at Monas."""
    return [
        {
            "type": "Feature",
            "properties": each,
            "geometry": {"type": "Polygon", "coordinates": rings or square(106.82 + i / 100, -6.18, 106.83 + i / 100, -6.17)},
        }
        for i, each in enumerate(properties)
    ]


def parse(found, *, near=(), known=KNOWN, code_property=None, name_property=None, **members):
    data = json.dumps({"type": "FeatureCollection", "features": found, **members}).encode()
    return boundary_file.parse(data, known, code_property=code_property, name_property=name_property, near=near)


def faults_of(found, **asked):
    with pytest.raises(boundary_file.BoundaryFaults) as caught:
        parse(found, **asked)
    return caught.value.faults


def usual():
    return features({"code": code, "name": name} for code, name in KNOWN.items())


@pytest.mark.parametrize("code", ["KODE_DESA", "kd_kel", "KDEPUM"])
@pytest.mark.parametrize("name", ["WADMKD", "NAMOBJ", "DESA_KELUR"])
def test_the_properties_of_code_and_name_are_found_by_what_they_hold(code, name):
    found = parse(
        features({"OBJECTID": i, "WADMKC": "GAMBIR", name: KNOWN[each].upper(), code: each} for i, each in enumerate(KNOWN))
    )
    assert (found.code_property, found.name_property) == (code, name)
    assert list(found.shapes) == list(KNOWN)


def test_what_the_operator_says_goes_before_what_is_found():
    both = [{"code": code, "old_code": other, "name": KNOWN[code]} for code, other in zip(KNOWN, reversed(KNOWN), strict=True)]
    assert parse(features(both)).code_property == "code"
    # By the other property the middle ward has its own name, and the outer two have each other's.
    faults = faults_of(features(both), code_property="old_code", name_property="name")
    assert [fault.split(": ")[1] for fault in faults] == [
        "is named Gambir, but units.csv says Petojo Utara",
        "is named Petojo Utara, but units.csv says Gambir",
    ]
    assert parse(features(both), code_property="old_code", name_property=boundary_file.NO_NAMES).name_property is None


def test_a_property_that_is_asked_for_and_not_there_is_answered_with_those_that_are():
    assert faults_of(usual(), code_property="KODE") == (
        "no feature has the property KODE of --code-property; it has code (31.71.01.1001), name (Gambir)",
    )
    assert faults_of(usual(), name_property="NAMA") == (
        "no feature has the property NAMA of --name-property; it has code (31.71.01.1001), name (Gambir)",
    )


def test_a_file_without_any_known_code_is_answered_with_its_properties_and_what_to_say():
    (fault,) = faults_of(features({"KODE": f"x{i}", "NAMA": name} for i, name in enumerate(KNOWN.values())))
    assert fault == (
        "no property holds the codes of the wards in units.csv, such as 31.71.01.1001; it has KODE (x0), NAMA (Gambir). "
        "Say which it is: --code-property NAME"
    )
    assert "its features have no properties" in faults_of(features([{}, {}, {}]))[0]


def test_ten_digit_codes_of_another_scheme_are_called_so():
    bps = [{"KDBBPS": 3173010001 + i, "WADMKD": name} for i, name in enumerate(KNOWN.values())]
    assert "(KDBBPS holds ten-digit codes of another scheme: BPS, the statistics office" in faults_of(features(bps))[0]
    (fault,) = faults_of(features(bps), code_property="KDBBPS")
    assert fault.startswith("no value of its property KDBBPS is the code of a ward in units.csv, such as 31.71.01.1001 (KDBBPS")
    one = usual()
    one[2]["properties"]["code"] = "3173010003"
    assert faults_of(one)[0] == (
        "feature 3 (3173010003): its code is not that of a ward in units.csv: ten digits are a code of another scheme "
        "(BPS has its own)"
    )


def test_codes_without_their_points_count_only_beside_the_wards_name():
    plain = [{"KODE": code.replace(".", ""), "NAMA": name} for code, name in KNOWN.items()]
    assert list(parse(features(plain)).shapes) == list(KNOWN)
    numbers = [each | {"KODE": float(each["KODE"])} for each in plain]
    assert list(parse(features(numbers)).shapes) == list(KNOWN)
    for faults in (
        faults_of(features({"KODE": each["KODE"]} for each in plain)),
        faults_of(features(plain), name_property=boundary_file.NO_NAMES),
    ):
        assert len(faults) == 3
        assert "its code 3171011001 has no points and may be of another scheme" in faults[0]


def test_codes_of_another_scheme_that_happen_to_fit_are_betrayed_by_their_names():
    plain = [
        {"KODE": code.replace(".", ""), "name": name}
        for code, name in zip(KNOWN, ["Jagakarsa", "Ciganjur", "Cipedak"], strict=True)
    ]
    assert faults_of(features(plain)) == (
        "feature 1 (31.71.01.1001): is named Jagakarsa, but units.csv says Gambir",
        "feature 2 (31.71.01.1002): is named Ciganjur, but units.csv says Cideng",
        "feature 3 (31.71.01.1003): is named Cipedak, but units.csv says Petojo Utara",
    )


def test_without_any_property_of_names_they_are_not_checked_and_that_is_told():
    assert parse(features({"code": code, "luas": 1} for code in KNOWN)).name_property is None


def test_heights_are_dropped_and_parts_and_holes_kept():
    whole, hole, part = (
        square(106.82, -6.18, 106.83, -6.17)[0],
        square(106.824, -6.176, 106.826, -6.174)[0],
        square(106.9, -6.2, 106.91, -6.19),
    )
    found = usual()
    found[0]["geometry"] = {
        "type": "MultiPolygon",
        "coordinates": [[[[*at, 12.5] for at in whole], [[*at, 12.5, 1.0] for at in hole]], part],
    }
    shape = parse(found).shapes["31.71.01.1001"]
    assert shape == [[[tuple(at) for at in whole], [tuple(at) for at in hole]], [[tuple(at) for at in part[0]]]]


@pytest.mark.parametrize(
    "name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326", "urn:ogc:def:crs:OGC::CRS84h"]
)
def test_wgs_84_may_be_named(name):
    assert list(parse(usual(), crs={"type": "name", "properties": {"name": name}}).shapes) == list(KNOWN)


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32748"}},
        {"type": "name", "properties": {"name": "EPSG:23834"}},
        {"type": "EPSG", "properties": {"code": 3857}},
        "EPSG:3857",
    ],
)
def test_another_reference_system_is_named_with_what_to_do(crs):
    (fault,) = faults_of(usual(), crs=crs)
    assert "not of WGS 84 (longitude, latitude in degrees); convert it: ogr2ogr" in fault
    assert any(code in fault for code in ("32748", "23834", "3857"))


def test_metres_without_a_name_of_their_system_are_one_fault_with_an_example():
    found = [
        each | {"geometry": {"type": "Polygon", "coordinates": square(698_000, 9_316_000, 699_000, 9_317_000)}}
        for each in usual()
    ]
    (fault,) = faults_of(found)
    assert fault.startswith(
        "feature 1 (31.71.01.1001): its coordinates, such as 698000, 9.316e+06, are metres of a projected system"
    )
    assert fault.endswith("(so have 2 more features)")


def test_latitude_before_longitude_is_one_fault_for_the_whole_file():
    found = [each | {"geometry": {"type": "Polygon", "coordinates": square(-6.18, 106.82, -6.17, 106.83)}} for each in usual()]
    (fault,) = faults_of(found)
    assert "have latitude before longitude (GeoJSON writes longitude first): turn them round (so have 2 more features)" in fault


def test_where_turned_coordinates_are_degrees_too_what_is_known_of_the_city_betrays_them():
    oslo = [(59.91, 10.75)]
    turned = [each | {"geometry": {"type": "Polygon", "coordinates": square(59.90, 10.70, 59.92, 10.80)}} for each in usual()]
    (fault,) = faults_of(turned, near=oslo)
    assert "with latitude and longitude turned round they would not" in fault
    right = [each | {"geometry": {"type": "Polygon", "coordinates": square(10.70, 59.90, 10.80, 59.92)}} for each in usual()]
    assert parse(right, near=oslo)


def test_the_boundaries_of_another_city_are_told_from_this_ones():
    (fault,) = faults_of(usual(), near=[(-7.2575, 112.7521)])
    assert "the boundaries lie 66" in fault
    assert "are they another city's?" in fault
    assert parse(usual(), near=[(-7.2575, 112.7521), MONAS])


def test_every_feature_that_is_no_ward_is_named_by_its_number():
    found = usual()
    found[0]["geometry"] = None
    found[1]["geometry"] = {"type": "LineString", "coordinates": [[106.8, -6.1], [106.9, -6.2]]}
    found[2]["properties"]["code"] = None
    found += [None, {"type": "Feature", "properties": {"code": "31.71.01.1003"}, "geometry": {"type": "Polygon"}}]
    assert faults_of(found) == (
        "feature 1 (31.71.01.1001): has no geometry",
        "feature 2 (31.71.01.1002): is a LineString, not a Polygon or MultiPolygon",
        "feature 3 (no code): not a feature with a code (property code)",
        "feature 4 (no code): not a feature with a code (property code)",
        "feature 4 (no code): has no geometry",
        "feature 5 (31.71.01.1003): its coordinates are not those of a Polygon",
    )


@pytest.mark.parametrize(
    ("coordinates", "wrong"),
    [
        ([], "its polygon is empty"),
        ([[]], "has a ring of 0 positions, which encloses nothing"),
        ([[[106.8, -6.1], [106.9, -6.2], [106.8, -6.1]]], "has a ring of 3 positions, which encloses nothing"),
        ([[[106.8], [106.9], [106.7]]], "its coordinates are not those of a Polygon"),
        ([[["a", "b"], [1, 2], [3, 4]]], "its coordinates are not those of a Polygon"),
        ([[[math.nan, 1], [1, 2], [3, 4]]], "its coordinates are not those of a Polygon"),
        ([[[1e999, 1], [1, 2], [3, 4]]], "its coordinates are not those of a Polygon"),
        ([[[10**400, 1], [1, 2], [3, 4]]], "its coordinates are not those of a Polygon"),
        ([[[1, -(10**400)], [1, 2], [3, 4]]], "its coordinates are not those of a Polygon"),
        (7, "its coordinates are not those of a Polygon"),
    ],
)
def test_coordinates_that_are_none_are_named(coordinates, wrong):
    found = usual()
    found[1]["geometry"]["coordinates"] = coordinates
    assert faults_of(found) == (f"feature 2 (31.71.01.1002): {wrong}",)


@pytest.mark.parametrize(("kind", "called"), [(["Polygon"], "list"), ({"Polygon": 1}, "dict"), (7, "int")])
def test_a_geometry_whose_type_is_no_text_is_named(kind, called):
    found = usual()
    found[1]["geometry"]["type"] = kind
    assert faults_of(found) == (f"feature 2 (31.71.01.1002): has a geometry whose type is no text but a JSON {called}",)


def test_a_ward_that_comes_twice_and_one_that_does_not_come_are_both_named():
    found = usual()
    found[2]["properties"] = dict(found[0]["properties"])
    assert faults_of(found) == (
        "feature 3 (31.71.01.1001): its code comes twice",
        "31.71.01.1003 (Petojo Utara) has no polygon",
    )


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("kelurahan.shp", "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (zipped(), "it is a ZIP archive"),
        (gzip.compress(b"{}", mtime=0), "it is compressed by gzip"),
        (b"\x00\x00\x27\x0a" + bytes(96), "it is a shapefile"),
        (b"SQLite format 3\x00" + bytes(96), "it is a GeoPackage"),
        (b"\n<?xml version='1.0'?><kml/>", "it is XML"),
        (json.dumps({"type": "Topology", "objects": {}, "arcs": []}).encode(), "it is TopoJSON; convert it: ogr2ogr"),
        (b'{"type": "Feature"}\n{"type": "Feature"}\n', "it holds one JSON text after another"),
        (b'{"type": "Feature", "geometry": null}', "it is a single Feature"),
        (b'{"type": "MultiPolygon", "coordinates": []}', "it is a single MultiPolygon"),
        (b'{"type": "FeatureCollection", "features": []}', "it has no feature (0)"),
        (b'{"type": "FeatureCollection",\n "features": [}', "line 2, column 15: Expecting value"),
        (b'{"type": "FeatureCollection"}', "it has no list of features"),
        (b'{"type": ["FeatureCollection"], "features": [{}]}', "its type is no text but a JSON list"),
        (b'{"type": {}}', "its type is no text but a JSON dict"),
        (b"[1, 2]", "it is a JSON list"),
        (b"\xff\xfe\xff", "codec can't decode"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_what_is_no_feature_collection_is_told_with_what_it_is(tmp_path, data, what):
    path = tmp_path / "boundaries.geojson"
    path.write_bytes(data)
    with pytest.raises(boundary_file.BoundaryFaults) as caught:
        boundary_file.read(path, KNOWN)
    (fault,) = caught.value.faults
    assert fault.startswith(f"{path}: not a GeoJSON FeatureCollection: ")
    assert what in fault


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "boundaries.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": usual()}), "utf-8-sig")
    assert list(boundary_file.read(path, KNOWN).shapes) == list(KNOWN)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(boundary_file.BoundaryFaults, match=r"none\.geojson: can't be read"):
        boundary_file.read(tmp_path / "none.geojson", KNOWN)
