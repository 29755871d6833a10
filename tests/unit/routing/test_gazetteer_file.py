"""What is wrong in a gazetteer's files is said with its place, all at once."""

import shutil

import pytest

from services.routing.gazetteer.gazetteer import Gazetteer
from tanggap.contracts.faults import CityFaults
from tests.support.routing import JAKARTA

FILES = ("units.csv", "landmarks.csv", "gazetteer.yaml", "ordinary_words.txt")


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        shutil.copy(JAKARTA / name, tmp_path / name)
    return tmp_path


def faults(folder, city) -> list[str]:
    with pytest.raises(CityFaults) as raised:
        Gazetteer.load(folder, city)
    return str(raised.value).splitlines()


def write(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")


def landmark(folder, *lines):
    write(folder, "landmarks.csv", "\n".join(("name,aliases,wards,lat,lon", *lines)) + "\n")


def test_jakartas_own_files_have_no_fault(jakarta):
    assert Gazetteer.load(JAKARTA, jakarta).version


@pytest.mark.parametrize("name", FILES)
def test_the_version_is_that_of_the_content(folder, jakarta, name):
    before = Gazetteer.load(folder, jakarta).version
    assert Gazetteer.load(JAKARTA, jakarta).version == before
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert Gazetteer.load(folder, jakarta).version != before


@pytest.mark.parametrize("name", ["landmarks.csv", "gazetteer.yaml", "ordinary_words.txt"])
def test_a_missing_file_is_named(folder, jakarta, name):
    (folder / name).unlink()
    found = faults(folder, jakarta)
    assert any(fault.startswith(f"{name}:1: the file is missing") for fault in found)
    # Nothing else is blamed for what it lacks.
    assert len(found) == 1


@pytest.mark.parametrize(
    ("twins", "fault"),
    [
        ("  Gotham: Makasar", "Gotham of outside_twins is none of outside"),
        ("  Makassar: Cawang", "Makassar of outside_twins has no kecamatan of units.csv as its twin"),
        ("  Makassar: Gotham", "Makassar of outside_twins has no kecamatan of units.csv as its twin"),
        ("  Makassar: [Makasar]", "the unit that Makassar may be"),
    ],
)
def test_a_twin_of_a_place_outside_that_is_none_is_named(folder, jakarta, twins, fault):
    write(folder, "gazetteer.yaml", f"outside: [Makassar]\noutside_twins:\n{twins}\n")
    assert any(fault in line and line.startswith("gazetteer.yaml:3") for line in faults(folder, jakarta))


def test_a_city_may_have_no_landmarks_and_no_other_names(folder, jakarta):
    landmark(folder)
    write(folder, "gazetteer.yaml", "outside: []\n")
    write(folder, "ordinary_words.txt", "")
    named = Gazetteer.load(folder, jakarta).find(None, "Kel. Cawang banjir")
    assert named.ward == jakarta.unit("31.75.04.1007")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Menara,,Bukan Kelurahan,-6.2,106.8", "Bukan Kelurahan: no kelurahan of units.csv has that name"),
        ("Menara,,,-6.2,106.8", "Menara needs its wards, the likeliest first, parted by ;"),
        ("Menara,,Gambir,enam,106.8", "lat and lon must be degrees, as -6.1754 and 106.8272"),
        ("Menara,,Gambir,-6.2,nan", "lat and lon must be degrees, as -6.1754 and 106.8272"),
        (",,Gambir,-6.2,106.8", "a landmark needs a name with letters"),
        ("Menara,!,Gambir,-6.2,106.8", "a landmark needs a name with letters"),
        ("Menara,Cawang,Gambir,-6.2,106.8", "Cawang is the name of a unit; a landmark needs another"),
        ("Menara,Monas,Gambir,-6.2,106.8", "Monas is a name of the landmark on line 2 already; keep one"),
        ("Menara,,Gambir,-6.2", "has 4 fields where the header has 5; quote a field with a comma"),
    ],
)
def test_a_fault_of_a_landmark_names_its_line_and_how_to_mend_it(folder, jakarta, line, fault):
    write(folder, "gazetteer.yaml", "outside: []\n")
    landmark(folder, "Monas,,Gambir,-6.1754,106.8272", line)
    assert faults(folder, jakarta) == [f"landmarks.csv:3: {fault}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("places: []\n", "gazetteer.yaml:1: places is unknown in the gazetteer; known are"),
        ("names:\n  '99': [X]\n", "gazetteer.yaml:2: names of 99: no kota, kecamatan or kelurahan of units.csv has that code"),
        ("names:\n  triage-desk: [X]\n", "gazetteer.yaml:2: names of triage-desk: no kota"),
        ("names:\n  '31.71':\n    - '!'\n", "gazetteer.yaml:3: '!' has no letter"),
        ("names: 3\n", "gazetteer.yaml:1: names must be a mapping"),
        (
            "also_words:\n  - Gambir\n  - Atlantis\n",
            "gazetteer.yaml:3: Atlantis of also_words is no name of a unit or a landmark",
        ),
        ("also_words: [Gambir]\nonly_marked: [gam bir]\n", "gazetteer.yaml:2: gam bir is given twice"),
        ("outside:\n  - Cawang\n", "gazetteer.yaml:2: Cawang is a name of this city's Cawang too; leave it out"),
        ("outside:\n  - '?'\n", "gazetteer.yaml:2: '?' has no letter"),
        ("spellings:\n  kebon: kb\n", "gazetteer.yaml:2: the spellings of kebon must be a list"),
        ("spellings: [\n", "gazetteer.yaml:"),
    ],
)
def test_a_fault_of_the_names_file_names_its_line(folder, jakarta, text, fault):
    landmark(folder)
    write(folder, "gazetteer.yaml", text)
    found = faults(folder, jakarta)
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_all_faults_of_all_files_are_told_at_once(folder, jakarta):
    landmark(folder, "Menara,,X,1,2", "Menara Dua,,Y,1,2")
    write(folder, "gazetteer.yaml", "also_words: [Atlantis]\n")
    (folder / "ordinary_words.txt").unlink()
    assert [fault.split(":")[0] for fault in faults(folder, jakarta)] == [
        "gazetteer.yaml",
        "landmarks.csv",
        "landmarks.csv",
        "ordinary_words.txt",
    ]


def test_a_landmark_of_the_folder_is_found_by_its_names(folder, jakarta):
    landmark(folder, "Menara Uji,MU Tower; Menara Coba,Cawang;Cililitan,-6.25,106.87", "Pos Uji,,Cawang,-6.25,106.87")
    write(folder, "gazetteer.yaml", "spellings:\n  menara: [mnr]\nalso_words: [Pos Uji]\n")
    gazetteer = Gazetteer.load(folder, jakarta)
    for name in ("menara uji", "MU Tower", "Mnr. Coba"):
        named = gazetteer.find(None, f"got mampet di {name}")
        assert (named.ward, named.kecamatan.name, named.how, named.matched) == (None, "Kramatjati", "landmark", "Menara Uji")
        assert [unit.name for unit in named.others] == ["Cawang", "Cililitan"]
    assert gazetteer.find(None, "pos uji bocor").how == "none"
    assert gazetteer.find(None, "di pos uji bocor").matched == "Pos Uji"
