"""Where a complaint is: its point put to the ward index, and said in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from services.routing.policy import PlaceKind
from services.routing.wards import Hit, Wards
from tanggap.contracts.city import CITY_LEVELS, City, UnitInfo
from tanggap.contracts.events import Point, Unit

NULL_ISLAND_DEGREES: Final = 0.001
"""A point so near to 0,0 (some 100 m) is what phones and apps send for "no point"; nothing but sea is there."""


class Said(NamedTuple):
    """Part of a reason, in Indonesian and English; an event's `Words` are checked, and dearer to make."""

    id: str
    en: str


@dataclass(frozen=True, slots=True)
class Found:
    """Where a complaint is.

    `method`: what named the place. `confidence`: how sure the ward is, 0 to 1; 0 where none is named. `kota`: code of the kota or
    kabupaten. `others`: wards that it may be instead, near by. `words`: a sentence.
    """

    kind: PlaceKind
    method: Literal["point", "nearest", "none"]
    confidence: float
    ward: Unit | None
    kota: str | None
    others: tuple[Unit, ...]
    words: Said


def locate(point: Point | None, city: City, wards: Wards) -> Found:
    """The place of a complaint with that point. Total: every point has an answer."""
    if point is None:
        return _nowhere(Said(id="Laporan ini tidak menyertakan titik lokasi.", en="The report came without a point."))
    if abs(point.lat) < NULL_ISLAND_DEGREES and abs(point.lon) < NULL_ISLAND_DEGREES:
        return _nowhere(
            Said(
                id="Aplikasi mengirim titik 0,0, artinya tanpa titik lokasi.",
                en="The app sent the point 0,0, which means no point at all.",
            )
        )
    hit = wards.find(point.lat, point.lon)
    if hit.ward is None:
        return _outside(point, hit, city, wards)
    return _inside(hit.ward, hit, city, wards)


def _nowhere(words: Said) -> Found:
    return Found("none", "none", 0.0, None, None, (), words)


def _inside(ward: str, hit: Hit, city: City, wards: Wards) -> Found:
    others = tuple(city.unit(code) for code in hit.others)
    unit = city.unit(ward)
    chain = city.chain(ward)
    kota = next((info.code for info in chain if info.level in CITY_LEVELS), None)
    where = f"Kelurahan {unit.name} ({', '.join(_full_name(info) for info in chain[:2])})"
    if hit.how == "nearest":
        reach = f"{wards.manifest.nearest_within_m:.0f} m"
        words = Said(
            id=f"Titik laporan berada di air, paling jauh sekitar {reach} dari daratan terdekat, {where}.",
            en=f"The report's point is on water, within about {reach} of the nearest land, {where}.",
        )
        return Found("known", "nearest", hit.confidence, unit, kota, others, words)
    near = _near(others, edge=hit.edge)
    words = Said(id=f"Titik laporan berada di {where}{near.id}.", en=f"The report's point lies in {where}{near.en}.")
    return Found("known", "point", hit.confidence, unit, kota, others, words)


_NOTHING: Final = Said(id="", en="")


def _near(others: tuple[Unit, ...], *, edge: bool) -> Said:
    """What lies within some 50 m, as the end of a sentence; empty where nothing does."""
    if not others and not edge:
        return _NOTHING
    indonesian = [f"Kelurahan {unit.name}" for unit in others] + ["luar kota"] * edge
    english = [f"Kelurahan {unit.name}" for unit in others] + ["land outside the city"] * edge
    return Said(
        id=f", kurang dari sekitar 50 m dari {' dan '.join(indonesian)}",
        en=f", within about 50 m of {' and '.join(english)}",
    )


def _outside(point: Point, hit: Hit, city: City, wards: Wards) -> Found:
    others = tuple(city.unit(code) for code in hit.others)
    if hit.waters:
        code, away = wards.nearest(point.lat, point.lon)
        name, km = city.units[code].name, max(1, round(away / 1000))
        return Found(
            "outside",
            "none",
            0.0,
            None,
            None,
            (city.unit(code),),
            Said(
                id=(
                    f"Titik laporan berada di laut {city.name}, terlalu jauh dari daratan; "
                    f"kelurahan terdekat {name}, sekitar {km} km."
                ),
                en=(
                    f"The report's point is at sea off {city.name}, too far from land; "
                    f"the nearest ward is {name}, about {km} km off."
                ),
            ),
        )
    near = _near(others, edge=False)
    neighbour = city.nearest_neighbour(point.lat, point.lon)
    if neighbour is None:
        words = Said(
            id=f"Titik laporan berada di luar {city.name}, jauh dari kota-kota tetangganya{near.id}.",
            en=f"The report's point lies outside {city.name}, far from its neighbouring cities{near.en}.",
        )
    else:
        known = f"{neighbour.neighbour.name} ({neighbour.place.name}, {neighbour.km:.0f} km)"
        words = Said(
            id=f"Titik laporan berada di luar {city.name}, kira-kira di {known}{near.id}.",
            en=f"The report's point lies outside {city.name}, probably in {known}{near.en}.",
        )
    return Found("outside", "none", 0.0, None, None, others, words)


def _full_name(info: UnitInfo) -> str:
    """A unit's name as people say it: districts bear their level, cities have it in their name."""
    return f"Kecamatan {info.name}" if info.level == "kecamatan" else info.name
