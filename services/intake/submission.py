"""What an upstream app may send about one complaint, and in plain words what is wrong with what it sent.

Pure: bytes in; a `Submission`, `Malformed` or `Invalid` out. Whoever brings the bytes (HTTP, a bulk line, a Kafka record) says
what becomes of them. Nothing that is raised here repeats a value of the reporter's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError, from_json
from typing_extensions import override

from tanggap.contracts.events import ATTRIBUTE_CHARACTERS, ATTRIBUTE_KEY, ATTRIBUTES_AT_MOST, Point
from tanggap.platform.json_pointer import pointer

MAX_BODY_BYTES = 256 * 1024
"""No lawful body is larger: 4,000 characters of `\\u`-escaped emoji are 48 KiB, ten addresses of media 120 KiB."""

DESCRIPTION_CHARACTERS = 4000
MEDIA_URLS = 10
CLOCK_DRIFT = timedelta(minutes=5)
"""Phones' clocks run ahead by minutes; more than this is a mistake."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before this a device's clock was never set."""

FAULTS_NAMED = 100
"""A body can hold a hundred thousand faults; after this many the rest are counted."""

_KEY_CHARACTERS_SHOWN = 64
_ATTRIBUTE_KEY = re.compile(ATTRIBUTE_KEY)
_CATEGORY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# Attributes stand on the log, where no reporter's identity may be. What these keys say belongs into `reporter`, which is sealed.
_REPORTERS_OWN = frozenset(
    {
        "reporter",
        "pelapor",
        "name",
        "nama",
        "phone",
        "telepon",
        "telp",
        "no_hp",
        "hp",
        "wa",
        "whatsapp",
        "email",
        "nik",
        "no_ktp",
        "ktp",
    }
)
_LATITUDE_LIMIT = 90
_PHONE_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend. `pointer`: JSON pointer into the body, `#/...`; `detail`: what is wrong and how to mend it."""

    pointer: str
    detail: str


class Malformed(ValueError):  # noqa: N818 - what the body is
    """The body is not JSON, or JSON that two readers could read differently. The message says where."""


class Invalid(ValueError):  # noqa: N818 - as above
    """The body is JSON but not a complaint. `faults` names every fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


def _blank_is_absent(value: str) -> str | None:
    return value or None


def _moment_in_words(value: object) -> object:
    # Left to itself pydantic reads "1700000000" as seconds since 1970.
    if not isinstance(value, str) or not value[:4].isdecimal() or value[4:5] != "-":
        raise PydanticCustomError("moment", "moment")
    return value


def _moment_that_can_be(value: datetime, info: ValidationInfo) -> datetime:
    if value < EARLIEST:
        raise PydanticCustomError("too_early", "too_early")
    now: datetime | None = (info.context or {}).get("now")
    if now is not None and value > now + CLOCK_DRIFT:
        raise PydanticCustomError("too_late", "too_late", {"now": now.isoformat(timespec="seconds")})
    return value.astimezone(UTC)


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound or " " in value or not value.isprintable():
        raise PydanticCustomError("web_address", "web_address")
    return value


def _reachable_phone(value: str) -> str | None:
    if value and sum(character.isdecimal() for character in value) < _PHONE_DIGITS:
        raise PydanticCustomError("phone", "phone")
    return value or None


def _reachable_email(value: str) -> str | None:
    local, at, host = value.rpartition("@")
    if value and not (local and at and "." in host.strip(".") and not any(character.isspace() for character in value)):
        raise PydanticCustomError("email", "email")
    return value or None


# PostgreSQL's text can't hold NUL. The pattern is matched in Rust, which a validator of ours would not be.
_NO_NUL = r"^[^\x00]*$"


def _attribute_key(value: object) -> str:
    # Read as it stands, not trimmed: two keys must not become one.
    if not isinstance(value, str) or not _ATTRIBUTE_KEY.fullmatch(value):
        raise PydanticCustomError("attribute_key", "attribute_key")
    if value in _REPORTERS_OWN:
        raise PydanticCustomError("reporters_own", "reporters_own")
    return value


def _category_code(value: str) -> str:
    # Public figures are told by category: what a person wrote must not get there.
    if value and not _CATEGORY.fullmatch(value):
        raise PydanticCustomError("category_code", "category_code")
    return value


def _in_one_order(value: dict[str, str]) -> dict[str, str]:
    # A retry may give them in another order, and is the same complaint.
    return dict(sorted(value.items()))


def _optional(most: int, description: str, example: str) -> Any:
    return Field(max_length=most, pattern=_NO_NUL, description=description, examples=[example])


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        str_strip_whitespace=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # an error that somebody logs must not show a telephone number
    )


class Location(_Part):
    """A place, WGS 84 degrees. 0,0 is taken for "no location", which apps without a fix send."""

    lat: Annotated[float, Field(ge=-90, le=90, description="Degrees north (negative: south).", examples=[-6.1754])]
    lon: Annotated[float, Field(ge=-180, le=180, description="Degrees east.", examples=[106.8272])]


class Reporter(_Part):
    """The citizen's contact. Sealed on receipt; in no event, read or log line."""

    name: Annotated[str, _optional(200, "The citizen's name.", "Siti"), AfterValidator(_blank_is_absent)] | None = None
    phone: Annotated[str, _optional(40, "Telephone number.", "+62 812 0000 0000"), AfterValidator(_reachable_phone)] | None = None
    email: Annotated[str, _optional(254, "E-mail address.", "siti@warga.example"), AfterValidator(_reachable_email)] | None = None

    @override
    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        # A submission may turn up in a traceback or a log line; the person must not.
        return ()

    def is_empty(self) -> bool:
        """No field says anything."""
        return self.name is None and self.phone is None and self.email is None


class Submission(_Part):
    """A complaint as an upstream app sends it."""

    client_request_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            pattern=_NO_NUL,
            description="The app's own key of this complaint. A retry with the same key and body gets the same answer.",
            examples=["jaki-2026-000123"],
        ),
    ]
    description: Annotated[
        str,
        Field(
            min_length=1,
            max_length=DESCRIPTION_CHARACTERS,
            pattern=_NO_NUL,
            description="What is wrong, in the citizen's words. Counted after trimming.",
            examples=["Lampu jalan mati di depan Stasiun Gambir sejak tadi malam"],
        ),
    ]
    category: (
        Annotated[
            str,
            _optional(100, "The category's code, where the app knows it: letters, digits, `_` and `-`, a letter first.", "pju"),
            AfterValidator(_category_code),
            AfterValidator(_blank_is_absent),
        ]
        | None
    ) = None
    location: Location | None = None
    address: (
        Annotated[
            str,
            _optional(500, "The place in words.", "Jl. Medan Merdeka Timur No. 1"),
            AfterValidator(_blank_is_absent),
        ]
        | None
    ) = None
    occurred_at: (
        Annotated[
            AwareDatetime,
            Field(
                strict=False,
                description="When the citizen reported it, by the device's clock, with its zone (RFC 3339).",
                examples=["2026-11-24T09:05:00+07:00"],
            ),
            BeforeValidator(_moment_in_words),
            AfterValidator(_moment_that_can_be),
        ]
        | None
    ) = None
    media: Annotated[
        tuple[
            Annotated[
                str,
                Field(max_length=2048, pattern=_NO_NUL, json_schema_extra={"format": "uri"}),
                AfterValidator(_web_address),
            ],
            ...,
        ],
        Field(
            max_length=MEDIA_URLS,
            description="Web addresses (http, https) of photos or films.",
            examples=[["https://media.jaki.example/foto/1.jpg"]],
        ),
    ] = ()
    source: (
        Annotated[
            str,
            _optional(100, "By what way the app got it.", "android"),
            AfterValidator(_blank_is_absent),
        ]
        | None
    ) = None
    attributes: Annotated[
        dict[
            Annotated[str, BeforeValidator(_attribute_key)],
            Annotated[str, Field(max_length=ATTRIBUTE_CHARACTERS, pattern=_NO_NUL)],
        ],
        Field(max_length=ATTRIBUTES_AT_MOST),
        AfterValidator(_in_one_order),
        WithJsonSchema(
            {
                "type": "object",
                "propertyNames": {"pattern": ATTRIBUTE_KEY, "not": {"enum": sorted(_REPORTERS_OWN)}},
                "additionalProperties": {"type": "string", "maxLength": ATTRIBUTE_CHARACTERS},
                "maxProperties": ATTRIBUTES_AT_MOST,
                "description": "What else the app knows of the complaint, in keys of its own, for the city's routing rules to ask for. "
                "Every service reads it and the city keeps it: never put there who reported (names, numbers, addresses of "
                "people); that belongs into `reporter`, which is sealed.",
                "examples": [{"status_lahan": "aset provinsi", "form.version": "3"}],
            }
        ),
    ] = Field(default_factory=dict)
    reporter: Reporter | None = None

    @property
    def point(self) -> Point | None:
        """The place, if one was given: 0,0 is none."""
        place = self.location
        if place is None or (place.lat == 0 and place.lon == 0):
            return None
        return Point(lat=place.lat, lon=place.lon)

    @property
    def contact(self) -> Reporter | None:
        """The reporter, if anything was said of them."""
        return None if self.reporter is None or self.reporter.is_empty() else self.reporter

    def warnings(self) -> tuple[Fault, ...]:
        """What was accepted but not as it was sent."""
        if self.location is not None and self.point is None:
            return (
                Fault(
                    "#/location",
                    "0,0 means that no place is known, so the complaint has no location; leave `location` out instead",
                ),
            )
        return ()

    def fingerprint(self) -> bytes:
        """SHA-256 of all that was said but the reporter, so that it tells nothing of a person who has been erased.

        Fields at their defaults are left out: a field that is added later doesn't change it.
        """
        said = self.model_dump_json(exclude={"reporter"}, exclude_defaults=True)
        return sha256(said.encode()).digest()


def parse(body: bytes, now: datetime) -> Submission:
    """Read `body` as a complaint received at `now`.

    Raises `Malformed` or `Invalid`; no bytes make it raise anything else.
    """
    try:
        submission = Submission.model_validate_json(body, context={"now": now})
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        if details[0]["type"] == "json_invalid":
            raise Malformed(_where(details[0])) from None
        _refuse_repeated_keys(body)
        raise Invalid(_faults(details, body)) from None
    _refuse_repeated_keys(body)
    return submission


def _where(detail: ErrorDetails) -> str:
    reason = str(detail.get("ctx", {}).get("error", "it can't be read"))
    if "hex escape" in reason or "surrogate" in reason:
        reason = f"half of a surrogate pair ({reason}); send the whole character"
    return f"The body is not valid JSON: {reason}."


def _refuse_repeated_keys(body: bytes) -> None:
    # RFC 8259 leaves open which of two equal keys counts, and readers differ; a complaint must not depend on that.
    repeated: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            repeated.extend(sorted({key for key in keys if keys.count(key) > 1}) if len(keys) <= FAULTS_NAMED else ["a key"])

    json.loads(body, object_pairs_hook=look)
    if repeated:
        raise Malformed(f"The body gives {_shown(repeated[0])!r} twice in one object; give it once.")


def _shown(key: object) -> str:
    text = str(key)
    return text if len(text) <= _KEY_CHARACTERS_SHOWN else f"{text[:_KEY_CHARACTERS_SHOWN]}…"


def _faults(details: Sequence[ErrorDetails], body: bytes) -> list[Fault]:
    faults = [
        Fault(pointer([_shown(step) for step in _place(detail)]), _words(detail, body)) for detail in details[:FAULTS_NAMED]
    ]
    if len(details) > FAULTS_NAMED:
        faults.append(Fault("#", f"and {len(details) - FAULTS_NAMED} more faults"))
    return faults


def _place(detail: ErrorDetails) -> tuple[int | str, ...]:
    """Where the fault is. pydantic says of a map's key that it is in the key's own `[key]`."""
    location = detail["loc"]
    return location[:-1] if location[:1] == ("attributes",) and len(location) > 2 else location  # noqa: PLR2004 - map, key, [key]


_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of a complaint; leave it out",
    "string_type": "must be a string",
    "string_too_short": "must not be empty or only blanks",
    "string_too_long": "may have at most {max_length} characters",
    "string_pattern_mismatch": "holds a NUL character (\\u0000); leave it out",
    "float_type": "must be a number, not quoted",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "may be at most {le:g}",
    "too_long": "may hold at most {max_length} items, not {actual_length}",
    "too_many_keys": "may hold at most {max_length} keys",
    "tuple_type": "must be an array",
    "dict_type": "must be an object",
    "category_code": "must be a code such as pju (letters, digits, _ and -, a letter first); words belong in description",
    "attribute_key": "its key must have one to 64 of a to z, 0 to 9, dot, hyphen and underscore",
    "reporters_own": "tells of who reported, whom the log must not know; send it in `reporter`, or leave it out",
    "model_type": "must be an object",
    "timezone_aware": "has no time zone; end it with Z or an offset, as in 2026-11-24T09:05:00+07:00",
    "moment": "must be a date and time in a string, as in 2026-11-24T09:05:00+07:00",
    "too_early": "is before the year 2000; the device's clock is not set, leave the field out",
    "too_late": "is in the future (it is {now} now); check the device's clock and zone",
    "web_address": "must be a web address that starts with http:// or https://",
    "phone": "must be a telephone number of at least five digits",
    "email": "must be an e-mail address, as in name@host.example",
}


def _words(detail: ErrorDetails, body: bytes) -> str:
    kind, location = detail["type"], detail["loc"]
    if location[:1] == ("location",) and kind in {"greater_than_equal", "less_than_equal"}:
        swapped = _swapped(body)
        if swapped:
            return swapped
    if kind == "too_long" and location == ("attributes",):
        # Of a map pydantic does not say how many it has.
        kind = "too_many_keys"
    if kind.startswith("datetime"):
        kind = "moment"
    if kind in _WORDS:
        return _WORDS[kind].format_map(detail.get("ctx", {}))
    return detail["msg"]


def _swapped(body: bytes) -> str | None:
    place = from_json(body)["location"]
    lat, lon = place.get("lat"), place.get("lon")
    if isinstance(lat, int | float) and isinstance(lon, int | float) and abs(lon) <= _LATITUDE_LIMIT < abs(lat):
        return f"lat {lat:g} is not between -90 and 90; lat and lon look swapped: send lat {lon:g}, lon {lat:g}"
    return None
