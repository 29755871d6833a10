"""What the word before a name says of it: Indonesian words of addresses and of everyday complaints. Language, no city."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from services.routing.gazetteer.text import SEPARATORS

Mark = Literal[
    "kelurahan",
    "kecamatan",
    "kota",
    "street",
    "title",
    "rt",
    "at",
    "near",
    "away",
    "thing",
    "person",
    "time",
    "never",
    "part",
    "bare",
]
"""How a name stands in a text.

`kelurahan`, `kecamatan`, `kota`: after that word, or a short form. `street`: the name of a street. `title`: a word between Jl. and
the name. `rt`: after RT/RW. `at`: after "di", "daerah" and their like. `near`: after "dekat". `away`: where something comes from or
goes to. `thing`: something bears the name ("Puskesmas Tebet"). `person`, `time`, `never`: a person, a day, a fruit. `part`: a part of
an address of its own. `bare`: none of these.
"""

DIRECTIONS: Final = frozenset(("utara", "selatan", "timur", "barat"))
"""Wards that differ in these alone are one place to many: Pejaten."""
ENGLISH: Final[Mapping[str, str]] = {"utara": "North", "selatan": "South", "timur": "East", "barat": "West"}
"""Written before the name they follow in Indonesian: South Meruya is Meruya Selatan."""
ROUTES: Final = frozenset(("bus", "bis", "angkot", "mikrolet", "metromini", "kopaja", "trayek", "jurusan", "rute", "tol"))
"""What goes from one place to another: both names after such a word are its ends."""


def _misspelt(word: str) -> Iterator[str]:
    """The word with a letter left out, or two changed places."""
    for place in range(1, len(word)):
        yield word[:place] + word[place + 1 :]
        yield word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]


def _marks() -> Iterator[tuple[str, Mark]]:
    by_mark: Mapping[Mark, str] = {
        "kelurahan": "kel kelurahan kelurahannya kelur klurahan lurah lurahnya desa",
        "kecamatan": "kec kecamatan kecamatannya camat camatnya",
        "kota": "kota kotamadya kodya kotif pemkot walikota kab kabupaten pemkab administrasi adm",
        "street": "jl jln jalan jlan jlnn gg gang lorong",
        "away": (
            "toward towards from arah menuju ke dari dr jurusan tujuan hingga sampai sampe smp via tol perbatasan batas keluar exit "
            "trayek rute bus bis angkot mikrolet metromini kopaja kereta truk plat mie mi sate soto nasi bubur kopi kali sungai kanal"
        ),
        "title": (
            "raya besar h hj haji kh k kyai dr prof ir jend jendral jenderal letjen mayjen brigjen kapten kapt kol kolonel letkol "
            "komodor laksamana laksda marsekal marsda pangeran tb utama inspeksi swadaya kampung kp"
        ),
        "rt": "rt rw rtrw",
        "at": (
            "di d in at around daerah wilayah wil kawasan sekitar seputar area lokasi lingkungan lingk warga penduduk alamat tempat "
            "kampung kp dusun pemukiman permukiman depan belakang dalam pinggir samping sebelah seberang sebrang"
        ),
        "near": "dekat deket dkt dket near",
        "thing": (
            "pasar stasiun terminal halte puskesmas rs rsud sdn sd smp smpn sma sman smk smkn polsek koramil kua rptra rusun "
            "rusunawa waduk situ danau taman flyover underpass simpang perempatan pertigaan bundaran jembatan gerbang pintu masjid "
            "musholla mushola gereja vihara sekolah kantor posko apartemen mall mal plaza ruko tpu makam gor stadion lapangan kebun "
            "perumahan perum komplek kompleks komp toko warung hotel"
        ),
        "person": "pak bu ibu bapak bpk mas mbak bang kang haji hj ustad ustadz kyai sdr sdri nama bernama almarhum jenderal",
        "time": "hari tiap setiap sejak malam pagi siang sore besok kemarin",
        "never": "buah pohon tanaman bibit daun bunga batang kayu ban kasur bantal jual beli suara minyak papan kain",
    }
    for mark, words in by_mark.items():
        for word in words.split():
            yield word, mark
    for word in _misspelt("kelurahan"):
        yield word, "kelurahan"
    for word in _misspelt("kecamatan"):
        yield word, "kecamatan"
    for word in ("rt", "rw"):
        for number in range(100):
            for form in (f"{word}{number}", f"{word}{number:02}", f"{word}{number:03}"):
                yield form, "rt"


MARKS: Final[Mapping[str, Mark]] = dict(reversed(list(_marks())))  # of two, the first counts
_FAR: Final = 5
"""So many words before a number RT or RW may stand: RT 3 / RW 7."""
_LONG_STREET: Final = 6
"""No street's name has more words before its last."""
_LEVELS: Final = frozenset(("kelurahan", "kecamatan", "kota", "rt"))


def mark_of(lows: list[str], start: int, end: int, *, address: bool) -> Mark:
    """How the name in `lows[start:end]` stands: by the word before it, or by what parts it from the rest of an `address`."""
    before = start - 1
    if before >= 0 and lows[before] == ":":
        before -= 1
    if before < 0:
        return "part" if address and _ends(lows, end) else "bare"
    word = lows[before]
    mark = MARKS.get(word)
    if mark is None:
        if word.isdigit() and any(MARKS.get(other) == "rt" for other in lows[max(0, before - _FAR) : before]):
            return "rt"
        if not address:
            return "bare"
        parts = word in SEPARATORS or word[0].isdigit()  # what follows a house's number is no longer its street
        return "part" if parts and _ends(lows, end) else "bare"
    first = before
    while first > 0 and word in _TITLES:
        first -= 1
        word = lows[first]
    if MARKS.get(word) == "street":
        return "street"
    return "bare" if mark == "title" else mark


def ends_street(lows: list[str], start: int) -> bool:
    """Whether the street's name that `lows[start]` ends has begun before it: "Jl. Dewi Sartika Tengah", but not "Jl. Raya Tengah"."""
    named = False
    for word in reversed(lows[max(0, start - _LONG_STREET) : start]):
        mark = MARKS.get(word)
        if mark is None and (word in SEPARATORS or word.isdigit()):
            return False
        if mark is not None and mark != "title":
            return named and mark == "street"
        named = named or mark is None
    return False


_TITLES: Final = frozenset(word for word, mark in _marks() if mark == "title")


def _ends(lows: list[str], end: int) -> bool:
    """Whether a part of an address ends there."""
    if end >= len(lows):
        return True
    after = lows[end]
    return after in SEPARATORS or after.isdigit() or MARKS.get(after) in _LEVELS


def capital(tokens: list[str], lows: list[str], start: int, end: int) -> bool:
    """Whether capitals say that `tokens[start:end]` is a name: not those of a sentence's start, nor of a text that has them all over."""
    if not all(token[0].isupper() for token in tokens[start:end]):
        return False
    before = start - 1
    if before > 0 and lows[before] == "," and _ends(lows, end):
        before -= 1  # a name alone is no sentence: "jalan rusak, Menteng"
    if before < 0 or lows[before] in SEPARATORS:
        return end - start > 1 and (end >= len(tokens) or not tokens[end][0].isupper())
    return not tokens[before][0].isupper()
