"""What the places that a complaint names say together: which ward it lies in, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from services.routing.gazetteer.homes import Role
from services.routing.gazetteer.marks import Mark
from services.routing.gazetteer.names import Name
from services.routing.gazetteer.ways import Way
from tanggap.contracts.city import City
from tanggap.contracts.events import Unit

How = Literal["kelurahan", "kecamatan", "landmark", "street", "name", "none"]


@dataclass(frozen=True, slots=True)
class Named:
    """What the words of a complaint say of its place.

    `ward`: a kelurahan, where one is named well enough (`WELL_ENOUGH`). `kecamatan`: its own, or the one named. `kota`: code.
    `confidence`: how sure `ward` is, or where that is None `kecamatan`; 0 where both are. Calibrated roughly: two figures of it are
    measured on Jakarta's complaints (`_WARD` says which), the others are judgements that keep the order of what is surer.
    `how`: by a name after Kel. (or before its own Kec.), after Kec., by a landmark's, a street's (then nothing is named and `others`
    says what it may be), by a bare `name` of a kelurahan or kecamatan, or by none. `matched`: the gazetteer's own name of what decided.
    `others`: what it may be instead: of a ward never its own kecamatan, which only says the same less closely; where a place is named,
    nor the kecamatan of a ward before it there.
    `outside`: the gazetteer's name of a place outside the city, where nothing of the city is named.
    """

    ward: Unit | None
    kecamatan: Unit | None
    kota: str | None
    confidence: float
    how: How
    matched: str
    others: tuple[Unit, ...] = ()
    outside: str = ""


NOTHING: Final = Named(None, None, None, 0.0, "none", "")
"""What a text says that names no place."""


class Heard(NamedTuple):
    """A name in a complaint. `meant`: nothing more is needed to take it for a place. `told`: in the description, not the address.

    `way`: whether it and the name before it are the ends of a way. `role`: whether somebody lives there, or something else is there.
    """

    name: Name
    mark: Mark
    typo: bool
    meant: bool
    told: bool
    way: Way = ""
    role: Role = ""


WELL_ENOUGH: Final = 0.5
"""A ward or kecamatan that is less sure is not named: it may as well be another."""

# Two figures are measured on real complaints of Jakarta: after "Kel." a name is the ward of the place in 96 %; a ward named anywhere
# in a text is that of its GPS point in 62 %. The others are judgements between them: RT/RW and a part of an address of its own come
# near to Kel., "di" says more than no mark, "dekat" less, and where something comes from or goes to it hardly ever is.
_WARD: Final[Mapping[Mark, float]] = {
    "kelurahan": 0.96,
    "rt": 0.88,
    "part": 0.85,
    "at": 0.7,
    "bare": 0.62,
    "near": 0.5,
    "thing": 0.5,
    "kota": 0.5,
    "kecamatan": 0.5,
    "away": 0.2,
}
_BEFORE_ITS_KECAMATAN: Final = 0.95
"""A ward that stands beside its own "Kec.": as good as after "Kel."."""
# A kecamatan is some six times as large as a ward, so that who names one is nearly always in it. Judgements.
_KECAMATAN: Final[Mapping[Mark, float]] = {
    "kecamatan": 0.96,
    "part": 0.9,
    "at": 0.88,
    "rt": 0.85,
    "bare": 0.8,
    "kelurahan": 0.75,
    "near": 0.65,
    "thing": 0.65,
    "kota": 0.5,
    "away": 0.25,
}
# A landmark is a point, but a complaint is about what lies around it. Judgements.
_LANDMARK: Final[Mapping[Mark, float]] = {"away": 0.25, "near": 0.7, "kota": 0.5}
_LANDMARK_ELSE: Final = 0.8
_ONE_OF_MANY: Final = 0.6
"""A place of several wards, of which one lies in the kecamatan or kota that is named as well. A judgement."""
_TYPO: Final = 0.88
"""A name with a letter wrong may be another. A judgement."""
_AGREES: Final = 0.4
"""What is left of the doubt in a ward whose kecamatan is named too."""
_AGREES_KOTA: Final = 0.75
"""The same of its kota, which is some forty times as large."""
_AGAINST_MARKED: Final = 0.35
"""What is left of a ward where another kecamatan is named after Kec. (of one after Kel.: more, `_AGAINST`)."""
_AGAINST: Final = 0.7
_AGAINST_KOTA: Final = 0.45
_TOLD: Final = 0.9
"""What is left of a place in the description where the address names one."""
_RIVAL: Final = 0.8
"""Another that is nearly so sure ..."""
_RIVALLED: Final = 0.7
"""... leaves so much."""
_OUTSIDE: Final = 0.15
"""What is left of a place of this city in a text that names one outside: "Cipayung, Depok"."""
_OUTSIDE_BARE: Final = 0.5
"""The same where nothing says that the place outside is meant ("mie Aceh")."""
_OUTSIDE_YET: Final = 0.7
"""The same where the city or one of its kota is named too."""
_MOST_KEPT: Final = 2_048
"""So many answers of several names are kept: those of addresses, which name a ward with its kecamatan and kota again and again."""
_MOST: Final = 0.97
"""Nothing that is read in a text is surer: who writes may be wrong about the ward."""
_MOST_OTHERS: Final = 6
_OWN: Final = frozenset[Mark](("part", "bare", "at", "rt"))
"""So names stand that nothing says more of than that a place may be meant."""
_LEVELS: Final = frozenset[Mark](("kelurahan", "kecamatan"))


@dataclass(slots=True)
class _Claim:
    """How sure one unit is, and by which name."""

    sure: float
    how: How
    matched: str


class Judge:
    """Weighs what was heard. One for a city; immutable but for a memory of what names say: alone, bounded by the names, and together."""

    def __init__(self, city: City) -> None:
        self._units: dict[str, Unit] = {code: info.unit for code, info in city.units.items()}
        self._kecamatan = {info.code: info.parent_code for info in city.wards()}
        self._kota: dict[str, str] = {}
        for code, info in city.units.items():
            if info.level in ("kelurahan", "kecamatan"):
                kota = city.kota(code)
                if kota is not None:
                    self._kota[code] = kota.code
        self._alone: dict[tuple[Name, Mark, bool, bool], Named] = {}
        self._together: dict[tuple[Heard, ...], Named] = {}

    def judge(self, heard: Sequence[Heard]) -> Named:
        """What it comes to. Total."""
        if not heard:
            return NOTHING
        if len(heard) > 1:
            return self._weigh_together(tuple(heard))
        key = heard[0][:4]  # whether it is in the address or the description says nothing of one name
        known = self._alone.get(key)
        if known is None:
            known = self._alone[key] = self._weigh(heard)
        return known

    def _weigh_together(self, heard: tuple[Heard, ...]) -> Named:
        known = self._together.get(heard)
        if known is None:
            known = self._weigh(heard)
            if len(self._together) >= _MOST_KEPT:
                self._together.clear()
            self._together[heard] = known
        return known

    def _weigh(self, heard: Sequence[Heard]) -> Named:
        if any(one.way or one.role for one in heard):
            heard = self._without_homes(self._without_ends(heard))
        case = _Case(self._kecamatan, self._kota, heard)
        if case.outside and case.kotas:
            within = [case.within(one) for one in heard]
            if within != [*heard]:
                case = _Case(self._kecamatan, self._kota, within)
        wards, kecamatan = case.claims()
        # What is named in a text that says it is elsewhere is a namesake, or a part of that place: nothing to choose from here.
        elsewhere = case.factor <= _OUTSIDE
        best = _best(wards)
        if best is not None and wards[best].sure >= WELL_ENOUGH:
            own = self._kecamatan[best]
            others = () if elsewhere else self._names((*case.possible, *case.namesakes(own)))
            return self._named(best, own, wards[best], others)
        others = () if elsewhere else self._names((*case.possible, *case.namesakes(None)))
        best = _best(kecamatan)
        if best is not None and kecamatan[best].sure >= WELL_ENOUGH:
            return self._named(None, best, kecamatan[best], others)
        kotas = () if case.outside else case.kotas or {self._kota[code] for code in case.meant}
        kota = next(iter(kotas)) if len(kotas) == 1 else None
        street = next((one.name.label for one in heard if one.mark == "street" and not one.name.outside), None)
        if street is not None and others:
            return Named(None, None, kota, 0.0, "street", street, others[:_MOST_OTHERS])
        outside = "" if case.possible or case.factor == _OUTSIDE_YET else case.outside
        return Named(None, None, kota, 0.0, "none", "", others[:_MOST_OTHERS], outside)

    def _without_ends(self, heard: Sequence[Heard]) -> list[Heard]:
        """The names with those marked that are the ends of a way, "Kampung Melayu - Tanah Abang", but not "Bukit Duri - Tebet".

        Without them where another place is named: "angkot Kampung Melayu - Senen ngetem di depan Stasiun Jatinegara".
        """
        found = list(heard)
        ends: set[int] = set()
        for at, one in enumerate(heard):
            if one.way == "route":
                ends.add(at)
                continue
            before = found[at - 1]
            if not one.way or not (_may_be_end(before, one.way) and _may_be_end(one, one.way)):
                continue
            districts, others = self._districts(before.name), self._districts(one.name)
            if before.mark == "away" or (districts and others and districts.isdisjoint(others)):
                found[at - 1 : at + 1] = [end._replace(mark="away", meant=True) for end in (before, one)]
                ends.update((at - 1, at))
        rest = [one for at, one in enumerate(found) if at not in ends]
        # A street says more than where a vehicle goes to, but less than the ends of what is dark or jammed.
        goes = any(one.way == "route" for one in heard)
        if any(_may_be_place(one) and one.mark != "near" for one in rest) or (goes and any(map(_may_be_street, rest))):
            return rest
        return found

    def _without_homes(self, heard: Sequence[Heard]) -> Sequence[Heard]:
        """With where somebody lives as the least of what it may be, where another place is named: "tinggal di Tebet, banjir di Kemang"."""
        homes = [one for one in heard if one.role == "home"]
        if not homes:
            return heard
        wards, kecamatan = _meant_by(homes[0])  # what comes after is what the first lies in
        for one in heard:
            if one.role != "there" or not _may_be_place(one):
                continue
            its_wards, its_kecamatan = _meant_by(one)
            if wards.isdisjoint(its_wards) and kecamatan.isdisjoint((*its_kecamatan, *map(self._kecamatan.get, its_wards))):
                less = [home._replace(name=_as_marked(home), mark="away") for home in homes]
                return [*(other for other in heard if other.role != "home"), *less]
        return heard

    def _districts(self, name: Name) -> set[str | None]:
        """The kecamatan that a name may lie in or be."""
        return {*name.kecamatan, *map(self._kecamatan.get, name.wards)}

    def _named(self, ward: str | None, kecamatan: str | None, claim: _Claim, others: tuple[Unit, ...]) -> Named:
        known = self._units[ward] if ward is not None else None
        above = self._units[kecamatan] if kecamatan is not None else None
        kota = self._kota.get(ward or kecamatan or "")
        rest: list[Unit] = []
        told: set[str | None] = {ward, kecamatan}
        for unit in others:
            if unit.code not in told:
                rest.append(unit)
                told.update((unit.code, self._kecamatan.get(unit.code)))
        return Named(known, above, kota, round(claim.sure, 3), claim.how, claim.matched, tuple(rest[:_MOST_OTHERS]))

    def _names(self, codes: Iterable[str]) -> tuple[Unit, ...]:
        return tuple(self._units[code] for code in dict.fromkeys(codes))


def _may_be_end(one: Heard, way: Way) -> bool:
    """Whether a name may be an end of a way: not where its mark says more of it, nor a word that needs more to be a place."""
    if one.mark not in _OWN and one.mark != "away" and not (way == "between" and one.mark in _LEVELS):
        return False
    return one.meant or one.name.guard == "word"


def _may_be_place(one: Heard) -> bool:
    """Whether a name stands as a place of the city where something is, not as a street's or on the way."""
    return one.meant and one.mark not in ("street", "away") and bool(one.name.wards or one.name.kecamatan)


def _may_be_street(one: Heard) -> bool:
    """Whether a name is of a street in the city that says what it may be."""
    return one.mark == "street" and bool(one.name.wards or one.name.kecamatan)


def _as_marked(one: Heard) -> Name:
    """A name that a ward and a kecamatan bear, as the one that its mark says."""
    if one.mark == "kelurahan" and one.name.wards:
        return replace(one.name, kecamatan=())
    return replace(one.name, wards=()) if one.mark == "kecamatan" and one.name.kecamatan else one.name


def _meant_by(one: Heard) -> tuple[set[str], set[str]]:
    """The wards and the kecamatan that a name may mean where it stands."""
    name = _as_marked(one)
    return set(name.wards), set(name.kecamatan)


def _best(claims: Mapping[str, _Claim]) -> str | None:
    """The surest of several, the first of equals; less sure where another is nearly as sure."""
    if not claims:
        return None
    order = sorted(claims, key=lambda code: -claims[code].sure)
    if len(order) > 1 and claims[order[1]].sure >= _RIVAL * claims[order[0]].sure:
        claims[order[0]].sure *= _RIVALLED
    return order[0]


class _Case:
    """One complaint."""

    def __init__(self, kecamatan: Mapping[str, str | None], kota: Mapping[str, str], heard: Sequence[Heard]) -> None:
        self._kecamatan, self._kota, self._heard = kecamatan, kota, heard
        self.possible: list[str] = []
        """Units that it may be, in the order of the text."""
        self._shared: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        """Of each name that was taken for a kecamatan's, though not after Kec.: those, and the wards that bear it too."""
        self.meant: list[str] = []
        """Those that are named as its place, not on the way to it nor as a street."""
        self.kotas = {code for one in heard if one.mark != "away" for code in one.name.kota}
        self._outside = [one for one in heard if one.name.outside and one.mark not in ("street", "away", "near", "thing")]
        self.outside = self._outside[0].name.label if self._outside else ""
        """The first place outside the city that may be the complaint's; empty where there is none."""
        self.factor = self._factor()
        self._districts = {
            code
            for one in heard
            if one.meant and one.mark not in ("street", "away", "kelurahan", "thing")
            for code in one.name.kecamatan
        }
        self._after_kec = {code for one in heard if one.mark == "kecamatan" for code in one.name.kecamatan}

    def claims(self) -> tuple[dict[str, _Claim], dict[str, _Claim]]:
        """How sure each ward is, and each kecamatan."""
        wards: dict[str, _Claim] = {}
        kecamatan: dict[str, _Claim] = {}
        addressed = any(not one.told and (one.name.wards or one.name.kecamatan) and one.mark != "street" for one in self._heard)
        for one in self._heard:
            if one.name.outside or not (one.name.wards or one.name.kecamatan):
                continue
            if one.mark == "street" or (one.mark == "away" and one.role == "home"):
                self.possible += self._along(one.name)
                continue
            if not (one.meant or self._is_supported(one)):
                continue
            weight = self.factor * (_TOLD if one.told and addressed else 1.0) * (_TYPO if one.typo else 1.0)
            ward, how, sure = self._ward(one)
            if one.mark != "away":
                self.meant += one.name.wards or one.name.kecamatan
            if ward is not None:
                self.possible.append(ward)
                _add(wards, ward, _Claim(min(_MOST, sure * weight), how, one.name.label))
                own = self._kecamatan[ward]
                if own is not None:
                    _add(kecamatan, own, _Claim(min(_MOST, sure * weight), how, one.name.label))
            else:
                self._district(one, weight, kecamatan)
        return wards, kecamatan

    def _along(self, name: Name) -> tuple[str, ...]:
        """What a street or a home of that name may lie in: the ward or the kecamatan, which comes first where the ward lies in another."""
        at_home = all(self._kecamatan[ward] in name.kecamatan for ward in name.wards)
        return (*name.wards, *name.kecamatan) if at_home else (*name.kecamatan, *name.wards)

    def _ward(self, one: Heard) -> tuple[str | None, How, float]:
        """The ward that a name means here, or None where it means a kecamatan or one of several wards."""
        name = one.name
        wards = self._narrowed(name.wards)
        if len(wards) != 1:
            return None, "none", 0.0
        ward = wards[0]
        own = self._kecamatan[ward]
        if name.kecamatan and one.mark != "kelurahan" and not self._is_beside_its_own(one, own):
            return None, "none", 0.0
        if one.mark == "kecamatan" and name.kecamatan:
            return None, "none", 0.0
        how: How = "name"
        if len(name.wards) > 1:
            how, sure = ("landmark" if name.landmark else "name"), _ONE_OF_MANY
        elif name.landmark:
            how, sure = "landmark", _LANDMARK.get(one.mark, _LANDMARK_ELSE)
        elif one.mark == "kelurahan":
            how, sure = "kelurahan", _WARD["kelurahan"]
        elif own in self._after_kec and one.mark in ("part", "bare", "rt", "at"):
            how, sure = "kelurahan", _BEFORE_ITS_KECAMATAN
        else:
            sure = _WARD.get(one.mark, _WARD["bare"])
        return ward, how, self._in_context(ward, own, sure, marked=one.mark == "kelurahan")

    def _is_beside_its_own(self, one: Heard, own: str | None) -> bool:
        """Whether a name that a kecamatan bears too is the ward's: beside the ward's own kecamatan."""
        place = next(place for place, other in enumerate(self._heard) if other is one)
        for at, other in enumerate(self._heard):
            if at == place or own not in other.name.kecamatan or other.mark in ("street", "away"):
                continue
            if other.mark == "kecamatan" or other.name is not one.name:
                return True
            if one.mark == "part" and other.mark == "part" and at == place + 1:
                return True  # "Cilincing, Cilincing, Jakarta Utara"
        return False

    def _in_context(self, ward: str, own: str | None, sure: float, *, marked: bool) -> float:
        """How sure a ward is with the kecamatan and kota that are named too."""
        if self._districts:
            if own in self._districts:
                return 1 - (1 - sure) * _AGREES
            if self._after_kec:
                return sure * (_AGAINST if marked else _AGAINST_MARKED)
            sure *= 1.0 if marked else _AGAINST
        if self.kotas:
            return 1 - (1 - sure) * _AGREES_KOTA if self._kota.get(ward) in self.kotas else sure * _AGAINST_KOTA
        return sure

    def _district(self, one: Heard, weight: float, kecamatan: dict[str, _Claim]) -> None:
        """What a name says of kecamatan, where it says no one ward."""
        name = one.name
        wards = self._narrowed(name.wards)
        if name.kecamatan:
            codes = self._in_kotas(name.kecamatan)
            self.possible += codes
            if one.mark != "kecamatan":
                self._shared.append((codes, wards))
            sure = _KECAMATAN.get(one.mark, _KECAMATAN["bare"])
            how: How = "kecamatan" if one.mark == "kecamatan" else "name"
        else:
            self.possible += wards
            codes = tuple(dict.fromkeys(own for ward in wards if (own := self._kecamatan[ward]) is not None))
            sure, how = (
                (_LANDMARK.get(one.mark, _LANDMARK_ELSE), "landmark")
                if name.landmark
                else (_KECAMATAN.get(one.mark, 0.8), "name")
            )
        if len(codes) != 1:
            return
        if self.kotas:
            sure = 1 - (1 - sure) * _AGREES_KOTA if self._kota.get(codes[0]) in self.kotas else sure * _AGAINST_KOTA
        if self._after_kec and codes[0] not in self._after_kec:
            sure *= _AGAINST_MARKED
        _add(kecamatan, codes[0], _Claim(min(_MOST, sure * weight), how, name.label))

    def within(self, one: Heard) -> Heard:
        """A name of a place outside as the city's own that is written nearly so, where its kota is named: Makassar, Jakarta Timur."""
        name = one.name.within
        if name is None or one.mark not in _OWN or self.kotas.isdisjoint(map(self._kota.get, name.kecamatan)):
            return one
        return one._replace(name=name)

    def namesakes(self, own: str | None) -> Iterator[str]:
        """Wards that bear the name of a kecamatan of the text, but for that of `own`: it stands there as the kecamatan of another."""
        for kecamatan, wards in self._shared:
            if own not in kecamatan:
                yield from wards

    def _narrowed(self, wards: tuple[str, ...]) -> tuple[str, ...]:
        """Of several wards those in the kecamatan that are named, or in the kota; all where there is none."""
        if len(wards) < 2:  # noqa: PLR2004 - one is no choice
            return wards
        within = tuple(ward for ward in wards if self._kecamatan[ward] in self._districts)
        return within or self._in_kotas(wards)

    def _in_kotas(self, codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(code for code in codes if self._kota.get(code) in self.kotas) or codes

    def _is_supported(self, one: Heard) -> bool:
        """Whether the kecamatan or kota of a name that may be a common word is named as well."""
        beside = {
            code
            for other in self._heard
            if other is not one and other.mark not in ("street", "away")
            for code in other.name.kecamatan
        }
        for code in (*one.name.wards, *one.name.kecamatan):
            if self._kecamatan.get(code) in beside or self._kota.get(code) in self.kotas:
                return True
        return False

    def _factor(self) -> float:
        """What a place outside the city leaves of the places in it: `factor`."""
        if not self._outside:
            return 1.0
        if self.kotas or any(one.name.city for one in self._heard):
            return _OUTSIDE_YET
        return _OUTSIDE_BARE if all(one.mark == "bare" and one.told for one in self._outside) else _OUTSIDE


def _add(claims: dict[str, _Claim], code: str, claim: _Claim) -> None:
    """Two names of one unit leave less doubt than either; the surer says how."""
    known = claims.get(code)
    if known is None:
        claims[code] = claim
        return
    both = min(_MOST, 1 - (1 - known.sure) * (1 - claim.sure))
    better = claim if claim.sure > known.sure else known
    claims[code] = _Claim(both, better.how, better.matched)
