"""A city that can't be used keeps the service from starting, in words."""

import shutil
from pathlib import Path

import pytest

from services.metrics.app import build
from services.metrics.settings import Settings
from tests.support.lives import FOLDER


def test_a_city_that_can_not_be_read_is_told_in_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    folder = tmp_path / "city"
    shutil.copytree(FOLDER, folder)
    (folder / "city.yaml").write_text("name: Jakarta\n")
    monkeypatch.setenv("DATABASE_URL", "postgresql://metrics:secret@127.0.0.1:1/tanggap")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("TANGGAP_CITY", str(folder))

    with pytest.raises(SystemExit) as ended:
        build(Settings.load())

    assert ended.value.code == 2
    assert any("TANGGAP_CITY: city.yaml" in line for line in capsys.readouterr().err.splitlines())
