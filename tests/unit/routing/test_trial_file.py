"""The list of changes of a trial: there when all of it is, and whoever can't write it says which file."""

import errno
import os
from pathlib import Path

import pytest

from services.routing.policy.trial import COLUMNS, ChangesFault, changes_in


class Row:
    """A change whose line is given."""

    def row(self):
        return ("x" * 10,) * len(COLUMNS)


def write(path, lines=1, trouble=None):
    """Write so many lines; then have some trouble, if any."""
    with changes_in(path) as changes:
        for _ in range(lines):
            changes.add(Row())
        if trouble is not None:
            raise trouble


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_a_list_is_there_when_all_of_it_is(tmp_path):
    path = tmp_path / "changes.csv"
    with changes_in(path) as changes:
        changes.add(Row())
        assert not path.exists()
    head, line = path.read_text(encoding="utf-8-sig").splitlines()
    assert head.split(",") == list(COLUMNS)
    assert line.startswith("xxxxxxxxxx,")
    assert names(tmp_path) == ["changes.csv"]


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), ConnectionResetError(104, "reset"), RuntimeError("anything")])
def test_a_trial_that_is_broken_off_leaves_the_file_as_it_was_and_its_trouble_its_own(tmp_path, trouble):
    path = tmp_path / "changes.csv"
    path.write_text("before")
    with pytest.raises(type(trouble)):
        write(path, trouble=trouble)
    assert path.read_text() == "before"
    assert names(tmp_path) == ["changes.csv"]


def test_a_file_that_can_not_be_made_is_named(tmp_path):
    with pytest.raises(ChangesFault, match=r"none/changes\.csv can't be written: No such file or directory"):
        write(tmp_path / "none" / "changes.csv")


@pytest.mark.parametrize("lines", [1, 2_000])  # found when it is ended, and while it is written
def test_a_full_disk_is_told_of_that_file_and_leaves_nothing(tmp_path, monkeypatch, lines):
    opened = Path.open

    def full(self, *arguments, **options):
        file = opened(self, *arguments, **options)
        with opened(Path("/dev/full"), "wb") as device:
            os.dup2(device.fileno(), file.fileno())
        return file

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ChangesFault, match=f"can't be written: {os.strerror(errno.ENOSPC)}"):
        write(tmp_path / "changes.csv", lines)
    assert names(tmp_path) == []


def test_what_is_no_plain_file_is_written_as_it_stands(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe)
        assert os.read(reader, 100_000).decode("utf-8-sig").count("\n") == 2
    finally:
        os.close(reader)
    assert names(tmp_path) == ["pipe"]


def test_a_name_that_can_not_even_be_looked_for_is_told_of_that_file(tmp_path):
    with pytest.raises(ChangesFault, match=r"xxx can't be written: File name too long"):
        write(tmp_path / ("x" * 300))
    assert names(tmp_path) == []
