"""Where a complaint is: its point put to the ward index, and said in words. Pure."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from services.routing.gazetteer.gazetteer import NOTHING, Named
from services.routing.gazetteer.text import squash
from services.routing.policy.policy import PlaceKind
from services.routing.wards.wards import Border, Hit, Wards
from tanggap.contracts.city import CITY_LEVELS, City, UnitInfo
from tanggap.contracts.events import Point, Unit, whole_percent

CONTRADICTS_FROM: Final = 0.6
"""So sure words must be of a place before they contradict a point. A judgement: a ward named anywhere in a text is that of its point in
62 %, and a place that is only near, or where something comes from, is less sure than that."""
NULL_ISLAND_DEGREES: Final = 0.001
"""A point so near to 0,0 (some 100 m) is what phones and apps send for "no point"; nothing but sea is there."""
MOST_TOLD: Final = 3
"""So many other places are told in a sentence about words: they are in the order of the text, and all are told as alternatives."""


class Said(NamedTuple):
    """Part of a reason, in Indonesian and English; an event's `Words` are checked, and dearer to make."""

    id: str
    en: str


class Found(NamedTuple):
    """Where a complaint is.

    `method`: what named the place. `confidence`: how sure the ward is, 0 to 1; 0 where none is named. `kota`: code of the kota or
    kabupaten. `others`: units that it may be instead: wards near by, or what the words may name. `words`: a sentence or two.
    `kecamatan`: where the words name it; the place is that, where no ward is. `conflict`: that the words name another place than the point.
    """

    kind: PlaceKind
    method: Literal["point", "nearest", "text", "none"]
    confidence: float
    ward: Unit | None
    kota: str | None
    others: tuple[Unit, ...]
    words: Said
    kecamatan: Unit | None = None
    conflict: Said | None = None

    @property
    def at(self) -> str | None:
        """Code of the ward, or of the kecamatan where that is all that is known; None where neither is."""
        unit = self.ward or (self.kecamatan if self.kind == "kecamatan" else None)
        return unit.code if unit is not None else None


def _nowhere(id_: str, en: str) -> Found:
    return Found("none", "none", 0.0, None, None, (), Said(id_, en))


_NO_POINT: Final = _nowhere("Laporan ini tidak menyertakan titik lokasi.", "The report came without a point.")
_NULL_ISLAND: Final = _nowhere(
    "Aplikasi mengirim titik 0,0, artinya tanpa titik lokasi.", "The app sent the point 0,0, which means no point at all."
)


_NO_WORDS: Final = Said(
    id=" Alamat atau isi laporan tidak menyebut kecamatan atau kelurahan yang pasti.",
    en=" Its address or text names no kecamatan or ward for certain.",
)
_NO_PLACE: Final = _nowhere(_NO_POINT.words.id + _NO_WORDS.id, _NO_POINT.words.en + _NO_WORDS.en)
"""A complaint without a point whose words name no place at all, as most of those do."""


class Ward(NamedTuple):
    """A kelurahan as decisions speak of it. `kota`: code of its kota or kabupaten. `where`: its name with what it lies in."""

    unit: Unit
    kota: str | None
    where: str


class Places:
    """A city as decisions speak of it: what is said of a ward, or of one beside others, is made when it is first asked for.

    No more is kept than the city has wards, and wards beside each other.
    """

    __slots__ = ("_beside", "_clear", "_names", "_wards", "city")

    def __init__(self, city: City) -> None:
        self.city: Final = city
        self._wards: dict[str, Ward] = {}
        self._names: dict[str, str] = {}
        self._clear: dict[str, Found] = {}
        self._beside: dict[tuple[str, Border, tuple[str, ...], bool], Found] = {}

    def name(self, code: str) -> str:
        """The name of the unit of that code as sentences say it (`full_name`). Raises `KeyError`."""
        name = self._names.get(code)
        if name is None:
            name = self._names[code] = full_name(self.city.units[code])
        return name

    def ward(self, code: str) -> Ward:
        """The ward of that code. Raises `KeyError`."""
        ward = self._wards.get(code)
        if ward is None:
            unit, chain = self.city.unit(code), self.city.chain(code)
            kota = next((info.code for info in chain if info.level in CITY_LEVELS), None)
            where = f"Kelurahan {unit.name} ({', '.join(full_name(info) for info in chain[:2])})"
            ward = self._wards[code] = Ward(unit, kota, where)
        return ward

    def clear(self, code: str, confidence: float) -> Found:
        """The place of a point in that ward with nothing else near by. `confidence`: as the ward index has it. Raises `KeyError`."""
        found = self._clear.get(code)
        if found is None or found.confidence != confidence:  # an index that was built anew may be surer
            unit, kota, where = self.ward(code)
            words = Said(id=f"Titik laporan berada di {where}.", en=f"The report's point lies in {where}.")
            found = self._clear[code] = Found("known", "point", confidence, unit, kota, (), words)
        return found

    def beside(self, code: str, hit: Hit) -> Found:
        """The place of a point in that ward with others near by, as `hit` says. Raises `KeyError`."""
        key = (code, hit.border, hit.others, hit.edge)
        found = self._beside.get(key)
        if found is None or found.confidence != hit.confidence:
            unit, kota, where = self.ward(code)
            others = tuple([self.city.unit(other) for other in hit.others])
            near = _near(others, edge=hit.edge)
            words = Said(id=f"Titik laporan berada di {where}{near.id}.", en=f"The report's point lies in {where}{near.en}.")
            found = self._beside[key] = Found("known", "point", hit.confidence, unit, kota, others, words)
        return found


def locate(point: Point | None, places: Places, wards: Wards, named: Named | None = None) -> Found:
    """The place of a complaint with that point, whose words name `named`. Total: every complaint has an answer.

    A point goes before words: they count where there is none, they make a border surer, and where they name another place that is
    told as a conflict.
    """
    found = _by_point(point, places, wards)
    if named is None:
        return found
    if named.ward is None and named.kecamatan is None:
        return found if found.ward is not None else _perhaps(found, named, places)
    if found.kind == "none":
        return _in_words(named, places, found.words)
    conflict = _conflict(found, named, places.city)
    if conflict is not None:
        return Found(*found[:-1], conflict)
    if found.ward is not None and found.others and named.ward is not None and found.ward.code == named.ward.code:
        # Two witnesses who know nothing of each other: both must err.
        return found._replace(confidence=1 - (1 - found.confidence) * (1 - named.confidence))
    return found


def _by_point(point: Point | None, places: Places, wards: Wards) -> Found:
    if point is None:
        return _NO_POINT
    if abs(point.lat) < NULL_ISLAND_DEGREES and abs(point.lon) < NULL_ISLAND_DEGREES:
        return _NULL_ISLAND
    hit = wards.find(point.lat, point.lon)
    if hit.ward is None:
        return _outside(point, hit, places, wards)
    return _inside(hit.ward, hit, places, wards)


def _in_words(named: Named, places: Places, no_point: Said) -> Found:
    """The place that the words name, for a complaint without a point."""
    kecamatan, sure = named.kecamatan, f"{whole_percent(named.confidence)}%"
    also = _also(named, places)
    if named.ward is not None:
        ward = places.ward(named.ward.code)
        words = Said(
            id=f"{no_point.id} Alamat atau isi laporan menyebut {named.matched}: {ward.where}{also.id}. Keyakinan tempat: {sure}.",
            en=f"{no_point.en} Its address or text names {named.matched}: {ward.where}{also.en}. Confidence in the place: {sure}.",
        )
        return Found("known", "text", named.confidence, named.ward, ward.kota, named.others, words, kecamatan)
    assert kecamatan is not None  # noqa: S101 - the caller has seen to it
    id_ = en = places.name(kecamatan.code)
    if named.how != "kecamatan" and named.matched != kecamatan.name and squash(named.matched) != squash(kecamatan.name):
        # A landmark or an area lies in it: that is what was written, not the kecamatan.
        id_, en = f"{named.matched}, di {id_}", f"{named.matched}, in {en}"
    words = Said(
        id=f"{no_point.id} Alamat atau isi laporan menyebut {id_}, tanpa kelurahan yang pasti{also.id}. Keyakinan tempat: {sure}.",
        en=f"{no_point.en} Its address or text names {en}, and no ward for certain{also.en}. Confidence in the place: {sure}.",
    )
    kota = places.city.units[kecamatan.code].parent_code
    return Found("kecamatan", "text", named.confidence, None, kota, named.others, words, kecamatan)


_NO_MORE: Final = Said("", "")


def _also(named: Named, places: Places) -> Said:
    """What else the words may name, as the end of a sentence; empty where nothing."""
    if not named.others:
        return _NO_MORE
    within = named.kecamatan.code if named.kecamatan is not None else None
    told = [places.city.units[unit.code] for unit in named.others[:MOST_TOLD]]
    id_ = _either([_with_kecamatan(info, within, places, "di") for info in told], "atau")
    en = _either([_with_kecamatan(info, within, places, "in") for info in told], "or")
    if named.ward is None and all(info.parent_code == within for info in told):
        return Said(f"; mungkin {id_}", f"; it may be {en}")  # what lies in the place that is named is no other
    return Said(f"; mungkin juga {id_}", f"; it may also be {en}")


def _with_kecamatan(info: UnitInfo, within: str | None, places: Places, word: str) -> str:
    """A unit's name; of a ward that does not lie in the kecamatan `within`, with its own."""
    name, above = places.name(info.code), info.parent_code
    return f"{name} {word} {places.name(above)}" if info.level == "kelurahan" and above and above != within else name


def _perhaps(found: Found, named: Named, places: Places) -> Found:
    """A place that neither the point nor the words name for certain: with what the words may name, for the person who decides."""
    if named is NOTHING and found is _NO_POINT:
        return _NO_PLACE
    id_, en = found.words
    others = tuple([unit for unit in named.others if unit not in found.others]) if named.others else ()
    if others:
        ids, ens = _apart(others, places, "di"), _apart(others, places, "in")
        id_ += f" Alamat atau isi laporan mungkin menunjuk ke {_either(ids, 'atau')}."
        en += f" Its address or text may point to {_either(ens, 'or')}."
    elif found.kind == "none" and named.kota is not None:
        kota = places.name(named.kota)
        id_ += f" Alamat atau isi laporan hanya menyebut {kota}, tanpa kecamatan atau kelurahan yang pasti."
        en += f" Its address or text names {kota} only, and no kecamatan or ward for certain."
    elif found.kind == "none" and named.outside:
        id_ += f" Alamat atau isi laporan menyebut {named.outside}, di luar {places.city.name}."
        en += f" Its address or text names {named.outside}, outside {places.city.name}."
    elif found.kind == "none":
        id_ += _NO_WORDS.id
        en += _NO_WORDS.en
    else:
        return found
    return found._replace(others=(*found.others, *others), words=Said(id_, en))


def _apart(units: tuple[Unit, ...], places: Places, word: str) -> list[str]:
    """The names of units; of a ward that lies in another kecamatan than its namesake among them, with its own."""
    infos = [places.city.units[unit.code] for unit in units]
    kecamatan = {squash(info.name): info.code for info in infos if info.level == "kecamatan"}
    return [_with_kecamatan(info, kecamatan.get(squash(info.name), info.parent_code), places, word) for info in infos]


def _either(names: list[str], word: str) -> str:
    """Names as a choice: "A, B or C"."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def _conflict(found: Found, named: Named, city: City) -> Said | None:
    """That the words name another place than the point, as a sentence; None where they don't."""
    if named.confidence < CONTRADICTS_FROM:
        return None
    if named.ward is not None:
        if found.ward is not None and found.ward.code == named.ward.code:
            return None
        other = f"Kelurahan {named.ward.name}"
    else:
        assert named.kecamatan is not None  # noqa: S101 - the caller has seen to it
        if found.ward is not None and city.units[found.ward.code].parent_code == named.kecamatan.code:
            return None
        other = f"Kecamatan {named.kecamatan.name}"
    if found.ward is not None:
        there = f"Kelurahan {found.ward.name}"
        if found.method == "nearest":
            return Said(
                id=f"Titik laporan berada di air dekat {there}, tetapi alamat atau isi laporan menyebut {other}; yang dipakai titiknya.",
                en=f"The report's point is on water near {there}, but its address or text names {other}; the point was taken.",
            )
        return Said(
            f"Titik laporan ada di {there}, tetapi alamat atau isi laporan menyebut {other}; yang dipakai titiknya.",
            f"The report's point lies in {there}, but its address or text names {other}; the point was taken.",
        )
    return Said(
        id=f"Titik laporan tidak berada di wilayah kota, tetapi alamat atau isi laporan menyebut {other}; yang dipakai titiknya.",
        en=f"The report's point is not in the city, but its address or text names {other}; the point was taken.",
    )


def _inside(code: str, hit: Hit, places: Places, wards: Wards) -> Found:
    if hit.how == "point":
        return places.beside(code, hit) if hit.others or hit.edge else places.clear(code, hit.confidence)
    others = tuple([places.city.unit(other) for other in hit.others])
    unit, kota, where = places.ward(code)
    reach = f"{wards.manifest.nearest_within_m:.0f} m"
    words = Said(
        id=f"Titik laporan berada di air, paling jauh sekitar {reach} dari daratan terdekat, {where}.",
        en=f"The report's point is on water, within about {reach} of the nearest land, {where}.",
    )
    return Found("known", "nearest", hit.confidence, unit, kota, others, words)


def _near(others: tuple[Unit, ...], *, edge: bool) -> Said:
    """What lies within some 50 m, as the end of a sentence; empty where nothing does."""
    if not others and not edge:
        return Said(id="", en="")
    indonesian = [f"Kelurahan {unit.name}" for unit in others] + ["luar kota"] * edge
    english = [f"Kelurahan {unit.name}" for unit in others] + ["land outside the city"] * edge
    return Said(
        id=f", dalam jarak sekitar 50 m dari {' dan '.join(indonesian)}",
        en=f", within about 50 m of {' and '.join(english)}",
    )


def _outside(point: Point, hit: Hit, places: Places, wards: Wards) -> Found:
    city = places.city
    others = tuple([places.city.unit(code) for code in hit.others])
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
        far = f", {neighbour.km:.0f} km" if neighbour.km >= 1 else ""  # "0 km" would say nothing
        known = f"{neighbour.neighbour.name} ({neighbour.place.name}{far})"
        words = Said(
            id=f"Titik laporan berada di luar {city.name}, kira-kira di {known}{near.id}.",
            en=f"The report's point lies outside {city.name}, probably in {known}{near.en}.",
        )
    return Found("outside", "none", 0.0, None, None, others, words)


def full_name(info: UnitInfo) -> str:
    """A unit's name as people say it: a kelurahan and a kecamatan with their level, since many share a name; others have it in theirs."""
    return f"{info.level.capitalize()} {info.name}" if info.level in {"kelurahan", "kecamatan"} else info.name
