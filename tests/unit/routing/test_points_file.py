"""Files of complaints with their points, as exports have them."""

import json

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
        ("-6.1", "has 1 columns, not 2"),
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
