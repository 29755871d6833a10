"""Landmarks lie where landmarks.csv says: each point in its first ward by the ward index, and in the ward of its known address."""

import csv
import math

import pytest

from services.routing.gazetteer.gazetteer import Gazetteer
from tests.support.routing import JAKARTA

# Places and the kelurahan of their own address, as the public knows it (letterheads, signs, encyclopaedias).
VERIFIED = {
    "Monas": "Gambir",
    "Stasiun Gambir": "Gambir",
    "Balai Kota Jakarta": "Gambir",
    "Masjid Istiqlal": "Pasar Baru",
    "Gereja Katedral": "Pasar Baru",
    "Lapangan Banteng": "Pasar Baru",
    "RSPAD Gatot Subroto": "Senen",
    "Pasar Senen": "Senen",
    "RSCM": "Kenari",
    "RS Carolus": "Paseban",
    "RS PGI Cikini": "Cikini",
    "Taman Ismail Marzuki": "Cikini",
    "Sarinah": "Gondangdia",
    "Tugu Tani": "Kebon Sirih",
    "Metropole": "Pegangsaan",
    "Gelora Bung Karno": "Gelora",
    "Gedung DPR": "Gelora",
    "Stasiun Palmerah": "Gelora",
    "Plaza Senayan": "Gelora",
    "Stasiun Tanah Abang": "Kampung Bali",
    "RSUD Tarakan": "Cideng",
    "ITC Cempaka Mas": "Sumur Batu",
    "RS Islam Cempaka Putih": "Cempaka Putih Timur",
    "Jakarta International Stadium": "Papanggo",
    "Stasiun Tanjung Priok": "Tanjung Priok",
    "RSUD Koja": "Koja",
    "Islamic Center Jakarta": "Tugu Utara",
    "Depo Plumpang": "Rawa Badak Selatan",
    "Mall Kelapa Gading": "Kelapa Gading Timur",
    "Mall Artha Gading": "Kelapa Gading Barat",
    "Dufan": "Ancol",
    "Pasar Pluit": "Pluit",
    "RS Pluit": "Penjaringan",
    "Stasiun Jakarta Kota": "Pinangsia",
    "Museum Wayang": "Pinangsia",
    "Petak Sembilan": "Glodok",
    "Taman Anggrek": "Tanjung Duren Selatan",
    "Mall Ciputra Grogol": "Tanjung Duren Utara",
    "Universitas Trisakti": "Tomang",
    "Universitas Tarumanagara": "Tomang",
    "RS Harapan Kita": "Kota Bambu Utara",
    "RS Dharmais": "Kota Bambu Selatan",
    "RS Pelni": "Slipi",
    "Binus Anggrek": "Kebon Jeruk",
    "Universitas Esa Unggul": "Duri Kepa",
    "Universitas Mercu Buana": "Meruya Selatan",
    "Kantor Walikota Jakarta Barat": "Kembangan Selatan",
    "RSUD Cengkareng": "Cengkareng Timur",
    "Terminal Kalideres": "Kalideres",
    "Season City": "Jembatan Besi",
    "Pacific Place": "Senayan",
    "Blok M Square": "Melawai",
    "RSPP": "Gunung",
    "Universitas Al Azhar Indonesia": "Selong",
    "Gandaria City": "Kebayoran Lama Utara",
    "Pondok Indah Mall": "Pondok Pinang",
    "RS Fatmawati": "Cilandak Barat",
    "Poins Square": "Lebak Bulus",
    "UPN Veteran Jakarta": "Pondok Labu",
    "Kebun Binatang Ragunan": "Ragunan",
    "Pejaten Village": "Jati Padang",
    "AEON Mall Tanjung Barat": "Tanjung Barat",
    "Setu Babakan": "Srengseng Sawah",
    "Kalibata City": "Rawajati",
    "Kota Kasablanka": "Menteng Dalam",
    "Stasiun Manggarai": "Manggarai",
    "RS Tebet": "Tebet Barat",
    "RS Medistra": "Kuningan Timur",
    "RS MMC Kuningan": "Karet Kuningan",
    "Museum Satria Mandala": "Kuningan Barat",
    "Universitas Budi Luhur": "Petukangan Utara",
    "Universitas Negeri Jakarta": "Rawamangun",
    "RS Persahabatan": "Pisangan Timur",
    "Pasar Pramuka": "Palmeriam",
    "Pasar Jatinegara": "Bali Mester",
    "Kampung Pulo": "Kampung Melayu",
    "Basura": "Cipinang Besar Selatan",
    "RSUD Budhi Asih": "Cawang",
    "UKI Cawang": "Cawang",
    "PGC": "Cililitan",
    "RS Polri": "Kramatjati",
    "Pasar Induk Kramat Jati": "Tengah",
    "Terminal Pulo Gebang": "Pulo Gebang",
    "AEON Mall Cakung": "Cakung Timur",
    "RS Islam Pondok Kopi": "Pondok Kopi",
    "Cipinang Indah Mall": "Pondok Bambu",
    "Bandara Halim Perdanakusuma": "Halim Perdana Kusuma",
    "Taman Mini Indonesia Indah": "Ceger",
    "Monumen Pancasila Sakti": "Lubang Buaya",
    "Mabes TNI Cilangkap": "Cilangkap",
    "Terminal Kampung Rambutan": "Rambutan",
    "Cibubur Junction": "Cibubur",
    "RSUD Pasar Rebo": "Gedong",
    "Pulau Pramuka": "Pulau Panggang",
    "Pulau Bidadari": "Pulau Untung Jawa",
}
FAR_KM = 2.2
"""An area such as Kuningan or Otista is so large."""


def rows():
    with (JAKARTA / "landmarks.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def gazetteer(jakarta):
    return Gazetteer.load(JAKARTA, jakarta)


def test_each_landmark_lies_in_the_city_and_in_its_first_ward(jakarta, jakarta_wards):
    every = rows()
    assert len(every) > 350
    for row in every:
        hit = jakarta_wards.find(float(row["lat"]), float(row["lon"]))
        assert hit.how in {"point", "nearest"}, row["name"]  # a harbour's point may be on the water
        assert jakarta.unit(hit.ward).name == row["wards"].split(";")[0], row["name"]


def test_the_other_wards_of_a_landmark_are_near_it(jakarta, jakarta_wards):
    steps = [(north, east) for north in range(-22, 23) for east in range(-22, 23) if math.hypot(north, east) <= 10 * FAR_KM]
    degree = 1 / 1112  # 100 m
    for row in rows():
        wards = row["wards"].split(";")
        if len(wards) > 1:
            lat, lon = float(row["lat"]), float(row["lon"])
            near = {jakarta_wards.ward(lat + north * degree, lon + east * degree) for north, east in steps}
            names = {jakarta.unit(code).name for code in near if code is not None}
            assert set(wards) <= names, row["name"]


@pytest.mark.parametrize(("name", "ward"), VERIFIED.items(), ids=VERIFIED)
def test_a_landmark_is_in_the_ward_of_its_own_address(gazetteer, name, ward):
    named = gazetteer.find(None, f"Trotoar di {name} rusak")
    assert (named.ward.name, named.how) == (ward, "landmark")
    assert named.matched in {row["name"] for row in rows()}


def test_each_landmark_is_found_by_each_of_its_names(gazetteer):
    for row in rows():
        wards = row["wards"].split(";")
        for name in (row["name"], *filter(None, row["aliases"].split(";"))):
            named = gazetteer.find(name, "got mampet")
            found = [unit.name for unit in (named.ward, *named.others) if unit is not None]
            assert set(wards) <= set(found), (name, named)
            assert (named.ward is not None) == (len(wards) == 1), name
