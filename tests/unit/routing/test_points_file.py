"""Files of complaints with their points, as exports have them."""

import json
import re

import pytest

from services.routing.wards.points_file import PointsFault, read_points

MONAS = (-6.175, 106.827)


@pytest.fixture
def read(tmp_path):
    def rows(text, encoding="utf-8"):
        path = tmp_path / "complaints"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return [(row.line, row.point or row.wrong) for row in read_points(path)]

    return rows


@pytest.mark.parametrize(
    ("lat", "lon"),
    [("lat", "lon"), ("latitude", "longitude"), ("LAT", "Long"), ("Latitude", "lng"), ("lintang", "bujur"), (" lat ", "long")],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_columns_are_found_by_their_usual_names_in_any_order(read, lat, lon, delimiter):
    lines = [["id", lon, "text", lat], ["1", "106.827", "sampah", "-6.175"], ["2", " 106.827 ", "", " -6.175"]]
    assert read("\n".join(delimiter.join(line) for line in lines)) == [(2, MONAS), (3, MONAS)]


def test_a_byte_order_mark_and_a_text_of_several_lines_do_no_harm(read):
    assert read('lat,text,lon\n-6.175,"sampah\ndi jalan",106.827\n-6.175,x,106.827\n', "utf-8-sig") == [(2, MONAS), (4, MONAS)]


def test_each_line_of_json_may_have_its_point_at_the_top_or_in_its_location(read):
    rows = [
        {"lat": -6.175, "lon": 106.827},
        {"Latitude": "-6.175", "lng": "106.827"},
        {"location": {"lat": -6.175, "lon": 106.827}, "type": "complaint.submitted"},
        {"location": None},
        {"text": "tanpa titik"},
    ]
    text = "\n".join(map(json.dumps, rows)) + "\n\n"
    assert read(text) == [(1, MONAS), (2, MONAS), (3, MONAS), (4, None), (5, None)]


def test_a_complaint_without_a_point_is_no_bad_row(read):
    assert read("lat,lon\n,\n 0 ,0.0\n0.0004,-0.0004\n") == [(2, None), (3, None), (4, None)]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("x,106.8", "its latitude is no number"),
        ("Jalan Merdeka 1 telepon 0812,106.8", "its latitude is no number"),
        ('"-6,175",106.8', "its latitude -6,175 is no number (decimals follow a point)"),
        ("106.8,-6.1", "its latitude 106.8 is not within -90 and 90; are latitude and longitude turned round?"),
        ("-6.1,190", "its longitude 190 is not within -180 and 180"),
        ("nan,1", "its latitude is not within -90 and 90"),
        ("1,inf", "its longitude is not within -180 and 180"),
        ("-6.1,", "has a latitude only"),
        (",106.8", "has a longitude only"),
        ("-6.1", "has 1 column, not 2"),
    ],
)
def test_a_bad_row_says_what_is_wrong_and_never_what_a_citizen_wrote(read, row, wrong):
    assert read(f"lat,lon\n-6.175,106.827\n{row}\n-6.175,106.827\n") == [(2, MONAS), (3, wrong), (4, MONAS)]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{", "is no JSON"),
        ("[1, 2]", "is no JSON object"),
        ("[" * 100_000, "is no JSON"),
        ('{"lat": true, "lon": 1}', "its latitude is no number"),
        ('{"lat": [1], "lon": 1}', "its latitude is no number"),
        ('{"lat": 1}', "has a latitude only"),
    ],
)
def test_a_bad_line_of_json_is_named_too(read, line, wrong):
    good = json.dumps({"lat": MONAS[0], "lon": MONAS[1]})
    assert read(f"{good}\n{line}\n{good}\n") == [(1, MONAS), (2, wrong), (3, MONAS)]


def test_a_field_too_long_for_csv_is_a_bad_row(read):
    assert read(f"lat,lon,text\n-6.175,106.827,{'x' * 200_000}\n-6.175,106.827,\n") == [
        (2, "is no row of CSV (field larger than field limit (131072))"),
        (3, MONAS),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has nothing"),
        ("id,text\n1,x\n", r"has no columns of latitude \(lat, latitude, lintang\) and longitude .*; it has id, text"),
        ("lat,text\n1,x\n", "has no columns of latitude"),
        ('[{"lat": 1, "lon": 2}]', "is a JSON array"),
        (b"lat,lon\n\xff,1\n", "can't be read"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused(read, text, why):
    with pytest.raises(PointsFault, match=why):
        read(text)


FEATURE = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [106.8, -6.2]}, "properties": {}}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (json.dumps({"type": "FeatureCollection", "features": [FEATURE]}), "type, features"),
        (json.dumps({"type": "FeatureCollection", "features": [FEATURE]}, indent=2), "nothing"),
        (f"{json.dumps(FEATURE)}\n" * 2, "type, geometry, properties"),
        (f"\x1e{json.dumps(FEATURE)}\n" * 2, "nothing"),  # a sequence as RFC 8142 has it
    ],
)
def test_geojson_is_refused_by_its_name_however_its_lines_are_broken(read, text, keys):
    with pytest.raises(PointsFault, match=rf"is GeoJSON, which is not read here; .*; it has {keys}$"):
        read(text)


@pytest.mark.parametrize(
    ("found", "keys"),
    [
        ({"id": 1, "latitud": -6.2, "longitud": 106.8}, "id, latitud, longitud"),
        ({"id": 1, "data": {"location": {"lat": -6.2, "lon": 106.8}}}, "id, data"),
        ({"location": {"x": 106.8, "y": -6.2}, "id": 1}, r"location\.x, location\.y, id"),
        ({"location": "Jl. Merdeka"}, "location"),
        ({"lat": -6.2, "longitud": 106.8}, "lat, longitud"),
        ({}, "nothing"),
        ({"x" * 50: 1}, rf"{'x' * 40}\.\.\."),
        ({f"k{i}": 1 for i in range(10_000)}, ", ".join(f"k{i}" for i in range(12)) + " and more"),
    ],
)
def test_json_whose_place_nothing_names_is_refused_with_the_keys_that_it_has(read, found, keys):
    with pytest.raises(PointsFault) as fault:
        read(f"{json.dumps(found)}\n" * 2)
    assert re.search(
        r"has no complaint whose place is understood; JSON Lines have an object on each line, with latitude \(lat, latitude, "
        r"lintang\) and longitude \(.*\), or with such an object under location or point; "
        rf"it has {keys}$",
        str(fault.value),
    )


@pytest.mark.parametrize(
    "found", [{"location": None}, {"point": None}, {"lat": None, "lon": None}, {"location": {"lat": None, "lng": None}}]
)
def test_complaints_none_of_which_has_a_point_are_a_file_of_complaints(read, found):
    assert read(f"{json.dumps(found)}\n" * 2) == [(1, None), (2, None)]


@pytest.mark.parametrize("last", [{"location": {"lat": MONAS[0], "lon": MONAS[1]}}, {"lat": MONAS[0], "lon": MONAS[1]}])
def test_a_place_in_one_complaint_of_many_is_enough(read, last):
    rows = [{"text": "tanpa titik"}, {"address": "Jl. Merdeka", "text": '"type": "Feature"'}, last]
    assert read("\n".join(map(json.dumps, rows))) == [(1, None), (2, None), (3, MONAS)]


@pytest.mark.parametrize(("delimiter", "called"), [(",", "a comma"), (";", "a semicolon"), ("\t", "a tab"), ("|", "a bar")])
def test_a_row_with_a_field_too_many_is_never_a_point(read, delimiter, called):
    lines = [["id", "address", "lat", "lon"], ["2", "Jl. B", " 3", "4", "-6.2"], ["3", "Jl. C", "-6.175", "106.827"]]
    assert read("\n".join(map(delimiter.join, lines))) == [
        (2, f"has 5 columns, not 4; quote a field that has {called} in it"),
        (3, MONAS),
    ]


def test_a_row_with_a_field_too_few_is_never_a_point(read):
    assert read("id,lat,lon,text\n2,4,5\n") == [(2, "has 3 columns, not 4")]


@pytest.mark.parametrize("text", ["lat,lon\n-6.175,106.827,, \n", "lat,lon,,\n-6.175,106.827\n", "lat,lon,\n-6.175,106.827,x\n"])
def test_empty_fields_at_the_end_do_no_harm(read, text):
    assert read(text) == [(2, MONAS)]


def test_a_header_too_long_for_csv_is_a_fault_of_the_file(read):
    with pytest.raises(PointsFault, match=r"line 2: its header is no row of CSV \(field larger than field limit \(131072\)\)"):
        read(f"\n{'x' * 140_000},lat,lon\n1,-6.175,106.827\n")


def test_a_header_of_many_columns_is_told_in_part(read):
    with pytest.raises(PointsFault) as fault:
        read(",".join(f"{i}{'x' * 1_000}" for i in range(100)))
    assert str(fault.value).endswith(f" 11{'x' * 38}... and more")
