"""What apps may send, and what they are told when it is wrong."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.intake.submission import Invalid, Malformed, Submission, parse

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
LEAST = {"client_request_id": "a-1", "description": "Lampu jalan mati"}


def read(**fields: Any) -> Submission:
    return parse(json.dumps(LEAST | fields).encode(), NOW)


def faults_of(body: bytes | dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        parse(body if isinstance(body, bytes) else json.dumps(body).encode(), NOW)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def faults_with(**fields: Any) -> dict[str, str]:
    return faults_of(LEAST | fields)


def test_the_least_that_can_be_sent_is_a_key_and_a_text():
    submission = read()

    assert submission.description == "Lampu jalan mati"
    assert submission.point is None
    assert submission.media == ()
    assert submission.warnings() == ()


def test_every_fault_is_named_at_once():
    assert faults_of(
        {
            "client_request_id": "",
            "category": 7,
            "location": {"lat": "x", "long": 1},
            "occurred_at": "2026-11-24T09:05:00",
            "media": ["ftp://media.example/1", "https://media.example/2", "no address"],
            "reporter": {"phone": "abc", "email": "siti", "nik": "31"},
            "colour": "red",
        }
    ) == {
        "#/client_request_id": "must not be empty or only blanks",
        "#/description": "is required",
        "#/category": "must be a string",
        "#/location/lat": "must be a number, not quoted",
        "#/location/lon": "is required",
        "#/location/long": "is not a field of a complaint; leave it out",
        "#/occurred_at": "has no time zone; end it with Z or an offset, as in 2026-11-24T09:05:00+07:00",
        "#/media/0": "must be a web address that starts with http:// or https://",
        "#/media/2": "must be a web address that starts with http:// or https://",
        "#/reporter/phone": "must be a telephone number of at least five digits",
        "#/reporter/email": "must be an e-mail address, as in name@host.example",
        "#/reporter/nik": "is not a field of a complaint; leave it out",
        "#/colour": "is not a field of a complaint; leave it out",
    }


@pytest.mark.parametrize(
    "moment",
    [
        "1700000000",
        "1700000000.5",
        1700000000,
        True,
        "2026-11-24",
        "24-11-2026T09:05:00Z",
        "2026-13-01T00:00:00Z",
        "kemarin",
        "",
        [],
    ],
)
def test_a_moment_is_a_date_and_time_in_words(moment: Any):
    assert faults_with(occurred_at=moment).keys() == {"#/occurred_at"}


def test_a_moment_keeps_its_zone():
    assert read(occurred_at="2026-11-24T09:05:00+07:00").occurred_at == datetime(2026, 11, 24, 2, 5, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["2026-11-24T03:05:01Z", "2026-11-24T11:00:00+07:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_in_the_future_is_a_fault(moment: str):
    assert "future" in faults_with(occurred_at=moment)["#/occurred_at"]


def test_a_clock_that_runs_a_little_ahead_is_forgiven():
    assert read(occurred_at=(NOW + timedelta(minutes=4)).isoformat()).occurred_at is not None


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_clock_that_was_never_set_is_a_fault(moment: str):
    assert "not set" in faults_with(occurred_at=moment)["#/occurred_at"]


def test_swapped_coordinates_are_told_apart_from_wrong_ones():
    swapped = faults_with(location={"lat": 106.8, "lon": -6.2})
    wrong = faults_with(location={"lat": 200, "lon": 300})

    assert swapped == {
        "#/location/lat": "lat 106.8 is not between -90 and 90; lat and lon look swapped: send lat -6.2, lon 106.8"
    }
    assert wrong == {"#/location/lat": "may be at most 90", "#/location/lon": "may be at most 180"}


def test_zero_zero_means_no_place_and_says_so():
    submission = read(location={"lat": 0, "lon": 0.0})

    assert submission.point is None
    [warning] = submission.warnings()
    assert warning.pointer == "#/location"
    assert "no location" in warning.detail


def test_a_point_on_the_equator_is_a_place():
    point = read(location={"lat": 0, "lon": 109.33}).point
    assert point is not None
    assert (point.lat, point.lon) == (0, 109.33)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_a_coordinate_that_is_no_finite_number_is_a_fault(number: str):
    body = f'{{"client_request_id":"a","description":"b","location":{{"lat":{number},"lon":1}}}}'
    assert faults_of(body.encode()).keys() == {"#/location/lat"}


def test_the_text_is_trimmed_and_has_one_to_four_thousand_characters():
    assert read(description="  Sampah \n\n menumpuk\t").description == "Sampah \n\n menumpuk"
    assert len(read(description="\n" + "😀" * 4000 + " ").description) == 4000
    assert faults_with(description="😀" * 4001) == {"#/description": "may have at most 4000 characters"}
    assert faults_with(description=" \n\t\u2003") == {"#/description": "must not be empty or only blanks"}


@pytest.mark.parametrize(
    "text", ["😀🚧 jalan rusak", "الطريق مكسور", "道路が壊れています", "ꦗꦭꦤ꧀", "<b>&amp;</b>", "a\r\nb", "\u202etxt", "e\u0301"]
)
def test_every_script_comes_through_as_it_was_written(text: str):
    assert read(description=text).description == text


@pytest.mark.parametrize("field", ["client_request_id", "description", "category", "address", "source"])
def test_a_nul_character_is_a_fault_where_it_stands(field: str):
    assert faults_with(**{field: "a\0b"}) == {f"#/{field}": "holds a NUL character (\\u0000); leave it out"}


def test_a_nul_character_in_a_name_or_an_address_of_media_is_a_fault():
    assert faults_with(reporter={"name": "a\0"}, media=["https://a.example/\0"]).keys() == {"#/reporter/name", "#/media/0"}


@pytest.mark.parametrize("category", ["Jalan rusak", "+62 812 0000 0000", "081234567890", "sampah.", "jalan\u200brusak"])
def test_a_category_in_words_is_a_fault_that_says_where_words_belong(category: str):
    (detail,) = faults_with(category=category).values()
    assert detail.startswith("must be a code such as pju")
    assert detail.endswith("words belong in description")


@pytest.mark.parametrize("category", ["pju", "lampu-jalan", "SAMPAH_2"])
def test_any_code_of_a_category_is_taken(category: str):
    assert read(category=category).category == category


def test_what_is_blank_is_absent():
    submission = read(category=" ", address="", source="", reporter={"name": "", "phone": " ", "email": ""}, location=None)

    assert (submission.category, submission.address, submission.source, submission.contact) == (None, None, None, None)


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "https://?x",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://a b.example/",
        "https://[::1",
        "https://a.example:99999/",
        "//a.example/x",
        "https://a.example/\u200b",
        "",
        3,
    ],
)
def test_media_are_web_addresses(address: Any):
    assert faults_with(media=[address]).keys() == {"#/media/0"}


def test_ten_media_are_enough():
    assert len(read(media=["https://a.example/é?x=1#y"] * 10).media) == 10
    assert faults_with(media=["https://a.example/"] * 11) == {"#/media": "may hold at most 10 items, not 11"}


def test_attributes_are_read_as_they_stand_and_their_values_trimmed():
    most = {f"k-{number:02}{'_' * 60}": "v" * 500 for number in range(31)} | {"a.b": " 😀 \t"}
    assert read(attributes=most).attributes == most | {"a.b": "😀"}
    assert read().attributes == {}


def test_every_fault_of_the_attributes_is_named_at_its_key():
    key = "its key must have one to 64 of a to z, 0 to 9, dot, hyphen and underscore"
    assert faults_with(
        attributes={
            "": "x",
            "Besar": "x",
            " a": "x",
            "dua kata": "x",
            "baris\n": "x",
            "k" * 65: "x",
            "a/b": "x",
            "angka": 3,
            "kosong": None,
            "dalam": {"er": "x"},
            "panjang": "x" * 501,
            "nul": "a\0",
            "nik": "31",
            "ok": "",
        }
    ) == {
        "#/attributes/": key,
        "#/attributes/Besar": key,
        "#/attributes/ a": key,
        "#/attributes/dua kata": key,
        "#/attributes/baris\n": key,
        "#/attributes/" + "k" * 64 + "…": key,
        "#/attributes/a~1b": key,
        "#/attributes/angka": "must be a string",
        "#/attributes/kosong": "must be a string",
        "#/attributes/dalam": "must be a string",
        "#/attributes/panjang": "may have at most 500 characters",
        "#/attributes/nul": "holds a NUL character (\\u0000); leave it out",
        "#/attributes/nik": "tells of who reported, whom the log must not know; send it in `reporter`, or leave it out",
    }


def test_attributes_are_one_map_of_at_most_32_keys():
    assert faults_with(attributes={f"k{number}": "" for number in range(33)}) == {"#/attributes": "may hold at most 32 keys"}
    assert faults_with(attributes=[["a", "b"]]) == faults_with(attributes=None) == {"#/attributes": "must be an object"}


def test_what_the_published_schema_says_of_attributes_is_what_is_read():
    schema = Submission.model_json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for attributes in ({"a": "b"}, {"nik": "3"}, {"A": "b"}, {"a": "x" * 501}, {f"k{number}": "" for number in range(33)}):
        body = LEAST | {"attributes": attributes}
        try:
            parse(json.dumps(body).encode(), NOW)
            taken = True
        except Invalid:
            taken = False
        assert validator.is_valid(body) is taken, attributes


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "EOF"),
        (b"{", "EOF"),
        (b"\xff\xfe", "expected value"),
        (b'{"a": "\xff"}', "unicode"),
        (b"[" * 100_000, "recursion"),
        (b'{"client_request_id": ' + b"9" * 5000 + b"}", "number out of range"),
        (b'{"client_request_id": "\\ud800"}', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b"client_request_id=1&description=x", "expected value"),
    ],
)
def test_what_is_not_json_is_said_to_be_so(body: bytes, words: str):
    with pytest.raises(Malformed, match=words):
        parse(body, NOW)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1", b"true"])
def test_json_that_is_no_object_is_a_fault_of_the_whole(body: bytes):
    assert faults_of(body) == {"#": "must be an object"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"client_request_id":"a","client_request_id":"b","description":"c"}',
        b'{"client_request_id":"a","description":"c","descri\\u0070tion":"d"}',
        b'{"client_request_id":"a","description":"c","location":{"lat":1,"lat":2,"lon":3}}',
        b'{"x":1,"x":2}',
    ],
)
def test_a_key_given_twice_is_refused(body: bytes):
    with pytest.raises(Malformed, match="twice"):
        parse(body, NOW)


def test_a_hundred_faults_are_named_and_the_rest_counted():
    body = LEAST | {f"field{number}": number for number in range(5000)}
    faults = faults_of(body)

    assert len(faults) == 101
    assert faults["#"] == "and 4900 more faults"


def test_a_long_key_is_not_sent_back_whole():
    [pointer] = faults_with(**{"x" * 100_000: 1})
    assert len(pointer) < 100


def test_a_pointer_escapes_what_pointers_are_made_of():
    assert list(faults_with(**{"a/b~c": 1})) == ["#/a~1b~0c"]


def test_nothing_of_the_reporter_is_repeated():
    planted = {"name": "Siti Nurbaya" * 30, "phone": "nol-delapan-satu", "email": "siti nurbaya"}
    with pytest.raises(Invalid) as caught:
        parse(json.dumps(LEAST | {"reporter": planted}).encode(), NOW)

    said = repr(caught.value.faults) + repr(caught.value) + str(caught.value.__context__)
    assert len(caught.value.faults) == 3
    assert not any(value[:12] in said for value in planted.values())


def test_the_reporter_is_not_in_a_printed_submission():
    printed = repr(read(reporter={"name": "Siti Nurbaya", "phone": "081234567", "email": "siti@warga.example"}))
    assert not any(word in printed for word in ("Siti", "081234567", "warga"))


def test_the_same_complaint_has_the_same_fingerprint_however_it_is_written():
    one = parse(b'{"client_request_id":"a","description":"b","occurred_at":"2026-11-24T09:00:00+07:00"}', NOW)
    other = parse(
        b'{ "occurred_at": "2026-11-24T02:00:00Z", "description": " \\u0062 ", "client_request_id": "a", "media": [] }', NOW
    )

    assert one.fingerprint() == other.fingerprint()


def test_attributes_in_another_order_are_the_same_complaint():
    one, other = read(attributes={"a": "1", "b": "2"}), read(attributes={"b": "2", "a": "1"})
    assert one.fingerprint() == other.fingerprint() != read(attributes={"a": "2", "b": "1"}).fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"description": "x"},
        {"category": "jalan"},
        {"location": {"lat": -6.2, "lon": 106.8}},
        {"address": "x"},
        {"occurred_at": "2026-11-24T02:00:00Z"},
        {"media": ["https://a.example/"]},
        {"source": "x"},
        {"attributes": {"a": ""}},
    ],
)
def test_another_complaint_has_another_fingerprint(change: dict[str, Any]):
    assert read(**change).fingerprint() != read().fingerprint()


def test_the_fingerprint_tells_nothing_of_the_reporter():
    assert read(reporter={"phone": "081234567"}).fingerprint() == read().fingerprint()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(sorted(Submission.model_fields))


@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf{}")
@example(b'{"location":{"lat":1e5,"lon":[1]},"client_request_id":"a","description":"b"}')
def test_no_bytes_do_more_than_be_refused(body: bytes):
    _harmless(body)


@given(st.dictionaries(FIELDS | st.text(max_size=5), JSON, max_size=6))
def test_no_json_does_more_than_be_refused(value: dict[str, Any]):
    _harmless(json.dumps(value).encode())


@given(
    st.fixed_dictionaries({"client_request_id": st.text(min_size=1), "description": st.text(min_size=1)}),
    st.fixed_dictionaries(
        {},
        optional={
            "location": st.fixed_dictionaries({"lat": st.floats(), "lon": st.floats()}),
            "occurred_at": st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat) | st.text(),
            "media": st.lists(st.text().map("https://".__add__) | st.text(), max_size=12),
            "attributes": st.dictionaries(st.from_regex(r"[a-z]{1,3}|nik") | st.text(), st.text() | st.none()),
            "reporter": st.dictionaries(st.sampled_from(["name", "phone", "email"]), st.none() | st.text()),
        },
    ),
)
def test_nearly_right_complaints_are_read_or_refused(needed: dict[str, Any], more: dict[str, Any]):
    _harmless(json.dumps(needed | more).encode())


def _harmless(body: bytes) -> None:
    try:
        submission = parse(body, NOW)
    except Malformed as malformed:
        said = str(malformed)
    except Invalid as invalid:
        said = "".join(fault.pointer + fault.detail for fault in invalid.faults)
    else:
        # What is accepted can be stored: PostgreSQL's text, timestamps and JSON take it.
        said = submission.model_dump_json()
        assert "\\u0000" not in said
        assert submission.occurred_at is None or submission.occurred_at.utcoffset() == timedelta()
        assert submission.point is None or (math.isfinite(submission.point.lat) and math.isfinite(submission.point.lon))
        assert len(submission.fingerprint()) == 32
    assert said.encode()
