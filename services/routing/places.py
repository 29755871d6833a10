"""Where a complaint is: its point put to the ward index, and said in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from services.routing.policy import PlaceKind
from services.routing.wards import Hit, Wards
from tanggap.contracts.city import City
from tanggap.contracts.events import Point, Unit, Words

NULL_ISLAND_DEGREES: Final = 0.001
"""A point so near to 0,0 (some 100 m) is what phones and apps send for "no point"; nothing but sea is there."""


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
    words: Words


def locate(point: Point | None, city: City, wards: Wards) -> Found:
    """The place of a complaint with that point. Total: every point has an answer."""
    if point is None:
        return _nowhere(Words(id="Laporan ini tidak menyertakan titik lokasi.", en="The report came without a point."))
    if abs(point.lat) < NULL_ISLAND_DEGREES and abs(point.lon) < NULL_ISLAND_DEGREES:
        return _nowhere(
            Words(
                id="Aplikasi mengirim titik 0,0, artinya tanpa titik lokasi.",
                en="The app sent the point 0,0, which means no point at all.",
            )
        )
    hit = wards.find(point.lat, point.lon)
    if hit.ward is None:
        return _outside(point, hit, city, wards)
    return _inside(hit.ward, hit, city, wards)


def _nowhere(words: Words) -> Found:
    return Found("none", "none", 0.0, None, None, (), words)


def _inside(ward: str, hit: Hit, city: City, wards: Wards) -> Found:
    others = tuple(city.unit(code) for code in hit.others)
    kota = city.kota(ward)
    name = city.units[ward].name
    above = ", ".join(_full_name(city, info.code) for info in city.chain(ward)[:2])
    if hit.how == "nearest":
        reach = f"{wards.manifest.nearest_within_m:.0f} m"
        words = Words(
            id=f"Titik laporan berada di air, paling jauh sekitar {reach} dari daratan terdekat, Kelurahan {name} ({above}).",
            en=f"The report's point is on water, within about {reach} of the nearest land, Kelurahan {name} ({above}).",
        )
    else:
        near = _near(others, edge=hit.edge)
        words = Words(
            id=f"Titik laporan berada di Kelurahan {name} ({above}){near.id}.",
            en=f"The report's point lies in Kelurahan {name} ({above}){near.en}.",
        )
    return Found(
        "known",
        "nearest" if hit.how == "nearest" else "point",
        hit.confidence,
        city.unit(ward),
        kota.code if kota is not None else None,
        others,
        words,
    )


def _near(others: tuple[Unit, ...], *, edge: bool) -> Words:
    """What lies within some 50 m, as the end of a sentence; empty where nothing does."""
    indonesian = [f"Kelurahan {unit.name}" for unit in others] + ["luar kota"] * edge
    english = [f"Kelurahan {unit.name}" for unit in others] + ["land outside the city"] * edge
    if not indonesian:
        return Words(id="", en="")
    return Words(
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
            Words(
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
        words = Words(
            id=f"Titik laporan berada di luar {city.name}, jauh dari kota-kota tetangganya{near.id}.",
            en=f"The report's point lies outside {city.name}, far from its neighbouring cities{near.en}.",
        )
    else:
        known = f"{neighbour.neighbour.name} ({neighbour.place.name}, {neighbour.km:.0f} km)"
        words = Words(
            id=f"Titik laporan berada di luar {city.name}, kira-kira di {known}{near.id}.",
            en=f"The report's point lies outside {city.name}, probably in {known}{near.en}.",
        )
    return Found("outside", "none", 0.0, None, None, others, words)


def _full_name(city: City, code: str) -> str:
    """A unit's name as people say it: districts bear their level, cities have it in their name."""
    info = city.units[code]
    return f"Kecamatan {info.name}" if info.level == "kecamatan" else info.name
