"""`tanggap wards diff OLD NEW`: which cells move, and which complaints would."""

import csv
import json
import shutil

import h3.api.basic_int as h3
import pytest
import shapely
from typer.testing import CliRunner

from services.routing.wards import build as wards_build
from services.routing.wards import cli, wards
from services.routing.wards import diff as wards_diff
from tests.support.boundaries import build
from tests.support.routing import TinyCity, square

UTARA, SELATAN, TIMUR, PULAU = "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"
MOVED = (-6.0110, 106.805)
"""A point that Selatan gives to Utara in the new index."""


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Two cities: in the new one the border of Utara and Selatan lies 220 m farther south, and the island has grown to the east."""
    old, new = TinyCity(tmp_path_factory.mktemp("old")), TinyCity(tmp_path_factory.mktemp("new"))
    new.shapes[UTARA] = square(106.80, -6.012, 106.81, -6.00)
    new.shapes[SELATAN] = square(106.80, -6.02, 106.81, -6.012)
    new.shapes[PULAU] = square(106.805, -5.990, 106.809, -5.987)
    build(old)
    build(new)
    return old, new


def diff(*arguments):
    return CliRunner().invoke(cli.wards, ["diff", *map(str, arguments)])


def as_json(*arguments):
    done = diff(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_what_moves_is_told_by_pair_in_cells_and_km2_as_the_polygons_have_it(sides):
    old, new = sides
    found = as_json(old.folder, new.folder)
    (first, *_) = found["moved"]
    assert (first["from"], first["to"]) == (SELATAN, UTARA)
    # 0.002 degrees by 0.01 degrees: 222 m by 1,106 m.
    assert first["km2"] == pytest.approx(0.2459, rel=0.05)
    assert first["cells"] == pytest.approx(first["km2"] * 1e6 / 2_190, rel=0.05)
    assert {(one["from"], one["to"]) for one in found["moved"]} == {(SELATAN, UTARA), (None, PULAU)}
    assert found["wards"][SELATAN] == {
        "cells_lost": first["cells"],
        "km2_lost": first["km2"],
        "cells_gained": 0,
        "km2_gained": 0,
    }
    assert found["wards"][UTARA]["cells_gained"] == first["cells"]
    assert found["wards"].keys() == {UTARA, SELATAN, PULAU}


def test_each_side_says_its_version_and_its_source(sides):
    old, new = sides
    found = as_json(old.folder, new.folder)
    for side, city in (("old", old), ("new", new)):
        manifest = json.loads((city.folder / wards.MANIFEST).read_text())
        assert found[side] == {
            "path": str(city.folder),
            "version": manifest["version"],
            "wards": 4,
            "resolution": 11,
            "source": "tiny",
            "source_sha256": manifest["source_sha256"],
        }
    assert found["old"]["version"] != found["new"]["version"]


def test_the_way_back_moves_the_same_the_other_way(sides):
    old, new = sides
    there, back = as_json(old.folder, new.folder)["moved"], as_json(new.folder, old.folder)["moved"]
    assert [(one["to"], one["from"], one["cells"], one["km2"]) for one in back] == [
        (one["from"], one["to"], one["cells"], one["km2"]) for one in there
    ]


def test_what_is_told_of_the_cells_is_what_the_two_indexes_say_of_each(sides):
    before, after = (wards_diff.open_index(city.folder) for city in sides)
    moved = wards_diff.compare(before, after).moved
    box = h3.geo_to_cells(shapely.box(106.78, -6.03, 106.84, -5.97), 11)
    counted = {}
    for cell in box:
        at = h3.cell_to_latlng(cell)
        pair = tuple(side.wards.find(*at).ward for side in (before, after))
        if pair[0] != pair[1]:
            counted[pair] = counted.get(pair, 0) + 1
    assert {pair: area.cells for pair, area in moved.items()} == counted


def test_two_equal_indexes_move_nothing(sides):
    old, _ = sides
    done = diff(old.folder, old.folder)
    assert done.exit_code == 0
    assert "no cell moves: every point has the same ward in both" in done.output
    assert as_json(old.folder, old.folder)["moved"] == []


def test_the_lines_say_it_with_names_and_the_largest_first(sides):
    old, new = sides
    lines = diff(old.folder, new.folder).output.splitlines()
    assert lines[0].startswith("old: version ")
    assert lines[2].endswith("of resolution 11 move:")
    assert lines[3].startswith("  1.1.1.2 Selatan -> 1.1.1.1 Utara: ")
    assert lines[4].startswith("  no ward -> 1.1.1.4 Pulau: ")
    assert lines[5] == "3 wards change:"
    (selatan,) = (line for line in lines[6:] if line.startswith("  1.1.1.2 Selatan: loses "))
    assert selatan.endswith("gains nothing")


def test_an_index_of_a_coarser_resolution_is_compared_at_the_finer(sides, tmp_path, monkeypatch):
    old, _ = sides
    coarse = TinyCity(tmp_path / "coarse")
    monkeypatch.setattr(wards_build, "RESOLUTION", 10)
    build(coarse)
    found = as_json(coarse.folder, old.folder)
    assert found["resolution"] == 11
    assert found["old"]["resolution"] == 10
    # Only along the borders do the two differ: some 10 km of them, by no more than a coarse cell's half.
    assert 0 < sum(one["km2"] for one in found["moved"]) < 1.5


def test_wards_that_are_in_one_index_only_are_named(sides, tmp_path):
    old, _ = sides
    more = TinyCity(
        tmp_path / "more", names={UTARA: "Utara", SELATAN: "Selatan", TIMUR: "Timur", PULAU: "Pulau", "1.1.1.5": "Barat"}
    )
    more.shapes["1.1.1.5"] = square(106.79, -6.02, 106.80, -6.00)
    build(more)
    assert "1 ward new: 1.1.1.5 Barat" in diff(old.folder, more.folder).output
    assert "1 ward gone: 1.1.1.5 Barat" in diff(more.folder, old.folder).output
    found = as_json(old.folder, more.folder)
    assert (found["wards_new"], found["wards_gone"]) == (["1.1.1.5"], [])


def test_a_file_may_stand_for_a_folder_with_its_manifest_beside_it(sides, tmp_path):
    old, new = sides
    shutil.copy(old.folder / wards.INDEX, tmp_path / "2025-wards.index.gz")
    shutil.copy(old.folder / wards.MANIFEST, tmp_path / "2025-wards.manifest.json")
    by_file = as_json(tmp_path / "2025-wards.index.gz", new.folder / wards.INDEX)
    by_folder = as_json(old.folder, new.folder)
    assert by_file["moved"] == by_folder["moved"]
    (tmp_path / "2025-wards.manifest.json").unlink()
    done = diff(tmp_path / "2025-wards.index.gz", new.folder)
    assert done.exit_code == 1
    assert "2025-wards.manifest.json" in done.output


@pytest.mark.parametrize("which", ["nowhere", "units.csv"])
def test_what_is_no_index_is_one_line(sides, which):
    old, _ = sides
    done = diff(old.folder, old.folder / which)
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1
    assert f"{old.folder / which}: neither a folder with wards.index.gz nor a file whose name ends so" in done.output


def write_csv(path, header, rows, delimiter=","):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return path


def test_complaints_that_would_move_are_counted_by_pair(sides, tmp_path):
    old, new = sides
    stays, at_sea = (-6.005, 106.805), (-5.97, 106.805)
    rows = [(i, *at) for i, at in enumerate([MOVED] * 3 + [stays] * 5 + [at_sea] + [(-5.9885, 106.8088)] + [(0, 0), ("", "")])]
    file = write_csv(tmp_path / "complaints.csv", ["id", "Lat", "Long"], rows)
    found = as_json(old.folder, new.folder, "--points", file)["complaints"]
    assert (found["rows"], found["with_point"], found["moved_total"], found["bad_rows"]) == (12, 10, 3, [])
    assert found["moved"] == [{"from": SELATAN, "to": UTARA, "count": 3}]
    output = diff(old.folder, new.folder, "--points", file).output
    assert f"{file}: 12 complaints, 10 with a point; 3 (30.0%) would move:" in output
    assert "  1.1.1.2 Selatan -> 1.1.1.1 Utara: 3" in output


def test_bad_rows_are_named_and_counted_and_keep_nobody_from_the_rest(sides, tmp_path):
    old, new = sides
    rows = [MOVED, ("x", 1), MOVED, *[(99, 106.8)] * 30]
    file = write_csv(tmp_path / "complaints.csv", ["latitude", "longitude"], rows)
    done = diff(old.folder, new.folder, "--points", file)
    assert done.exit_code == 0
    assert "33 complaints, 2 with a point; 2 (100.0%) would move" in done.output
    assert "31 rows can't be read, left out:" in done.output
    assert "  line 3: its latitude is no number" in done.output
    assert "  and 11 more (--json has all)" in done.output
    assert len(as_json(old.folder, new.folder, "--points", file)["complaints"]["bad_rows"]) == 31


def test_a_file_of_complaints_that_is_none_is_one_line(sides, tmp_path):
    old, new = sides
    done = diff(old.folder, new.folder, "--points", tmp_path / "none.csv")
    assert done.exit_code == 1
    assert "none.csv: can't be read" in done.output


def test_an_index_without_names_beside_it_is_told_by_codes(sides, tmp_path):
    old, new = sides
    for side, city in (("old", old), ("new", new)):
        (tmp_path / side).mkdir()
        for name in (wards.INDEX, wards.MANIFEST):
            shutil.copy(city.folder / name, tmp_path / side)
    assert "  1.1.1.2 -> 1.1.1.1: " in diff(tmp_path / "old", tmp_path / "new").output


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}-wards.index.gz"])
def test_an_index_that_can_not_even_be_looked_for_is_one_line(sides, tmp_path, name):
    old, _ = sides
    done = diff(old.folder, tmp_path / name)
    assert (done.exit_code, done.output) == (1, f"{tmp_path / name}: can't be read: File name too long\n")
