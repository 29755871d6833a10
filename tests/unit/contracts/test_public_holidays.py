"""A city's public holidays are a file of its own, made of the holidays package; whoever loads the city does without the package."""

import errno
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tanggap.contracts import city, holiday_package
from tanggap.contracts.city import CityFaults
from tanggap.contracts.cli import commands
from tanggap.contracts.public_holidays import HOLIDAYS, Wanted
from tests.support.lives import FOLDER

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(FOLDER, tmp_path / "city"))


def change(folder, name, old, new):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def faults(folder):
    with pytest.raises(CityFaults) as raised:
        city.load(folder)
    return [str(fault) for fault in raised.value.faults]


def made(folder):
    return CliRunner().invoke(commands, ["holidays", str(folder)])


def test_the_shipped_file_is_what_the_command_makes_of_the_locked_package(folder):
    (folder / HOLIDAYS).unlink()
    done = made(folder)
    assert done.exit_code == 0, done.output
    assert (folder / HOLIDAYS).read_bytes() == (FOLDER / HOLIDAYS).read_bytes()


@pytest.mark.parametrize("language", ["en_US", "id", "C", ""])
def test_a_holiday_has_its_name_in_the_countrys_language_whatever_the_machines(monkeypatch, language):
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(variable, language)
    known = holiday_package.build(Wanted(country="ID", categories=("public", "government"), known_through=2027))
    assert known.years[2026][date(2026, 5, 15)] == "Cuti Bersama Kenaikan Yesus Kristus"


def test_who_loads_a_city_and_asks_for_its_working_days_reads_no_package():
    program = (
        "import sys; from datetime import date; from pathlib import Path; from tanggap.contracts import city;"
        "calendar = city.load(Path('cities/jakarta')).calendar;"
        "print(calendar.is_working_day(date(2026, 5, 15)), 'holidays' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split() == ["False", "False"]


def test_the_days_off_are_those_of_the_file_and_no_others(folder):
    change(folder, HOLIDAYS, '"2026-05-15": "Cuti Bersama Kenaikan Yesus Kristus"', '"2026-05-18": "Cuti Bersama"')
    changed = city.load(folder)
    assert changed.calendar.is_working_day(date(2026, 5, 15))
    assert changed.calendar.holiday(date(2026, 5, 18)) == "Cuti Bersama"
    assert changed.version != city.load(FOLDER).version


def test_a_city_without_the_file_is_told_what_makes_it(folder):
    (folder / HOLIDAYS).unlink()
    [fault] = faults(folder)
    assert fault.startswith("holidays.json:1: the file is missing; ")
    assert fault.endswith(f"`tanggap contracts holidays {folder}` makes of calendar.yaml")


def test_a_file_that_can_not_even_be_looked_for_is_a_fault_of_the_city(folder):
    (folder / HOLIDAYS).unlink()
    (folder / HOLIDAYS).symlink_to("x" * 300)
    assert faults(folder) == ["holidays.json:1: the file can't be read: File name too long"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"2026": {', '"2026": ['),
        ('"2026-05-15"', '"15 May 2026"'),
        ('"2026-05-15"', '"2025-05-15"'),  # under 2026 it would be no day off
        ('"package"', '"pakage"'),
    ],
)
def test_a_broken_file_is_told_what_makes_it_anew(folder, old, new):
    change(folder, HOLIDAYS, old, new)
    [fault] = faults(folder)
    assert fault.startswith("holidays.json:1: is not as it was made (")
    assert fault.endswith(f"make it anew with `tanggap contracts holidays {folder}`")


def test_a_file_that_must_be_made_anew_hides_no_fault_of_the_citys_own_days(folder):
    (folder / HOLIDAYS).unlink()
    change(folder, "calendar.yaml", "listed: {}", "listed: {2028: {2028-13-01: Tahun Baru}}\n  removed: [soon]")
    said = "\n".join(faults(folder))
    assert "2028-13-01 is no day" in said
    assert "soon" in said
    assert "holidays.json:1: the file is missing; " in said


@pytest.mark.parametrize(
    ("old", "new"),
    [("country: ID", "country: TH"), ("[public, government]", "[public]"), ("known_through: 2027", "known_through: 2028")],
)
def test_a_file_of_another_calendar_is_a_fault_until_it_is_made_anew(folder, old, new):
    change(folder, "calendar.yaml", old, new)
    [fault] = faults(folder)
    assert fault.startswith("calendar.yaml:")
    assert "holidays.json is of another country, other categories or years; make it anew with `tanggap" in fault
    done = made(folder)
    assert done.exit_code == 0, done.output
    assert city.load(folder).calendar.is_working_day(date(2026, 5, 18))


def test_what_the_package_does_not_know_is_refused_by_the_command_with_its_line(folder):
    change(folder, "calendar.yaml", "country: ID", "country: JKT")
    before = (folder / HOLIDAYS).read_bytes()
    done = made(folder)
    assert done.exit_code == 1
    assert "calendar.yaml:" in done.output
    assert "country 'JKT' is unknown to the holidays package" in done.output
    assert (folder / HOLIDAYS).read_bytes() == before


def test_a_file_that_can_not_be_written_is_said_so_and_stays_as_it_was(folder, monkeypatch):
    def full(path, text, **_):
        path.write_bytes(text.encode()[:100])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    before = {each: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    monkeypatch.setattr(Path, "write_text", full)
    done = made(folder)
    assert done.exit_code == 1
    assert done.output == f"{folder / HOLIDAYS}: can't be written (No space left on device); nothing was changed\n"
    assert {each: each.read_bytes() for each in folder.iterdir() if each.is_file()} == before
