import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack import bootstrap

ROOT = Path(__file__).parents[3]


def test_one_package_of_the_lock_comes_with_all_its_sums() -> None:
    lines = bootstrap.locked("uv").splitlines()
    assert re.match(r"uv==\d", lines[0])
    assert len(lines) > 5
    assert all(line.strip().startswith("--hash=sha256:") for line in lines[1:])


def test_uv_is_told_of_the_index_that_pip_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://packages.example/all\n[install]\nindex-url = https://packages.example/simple\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setattr(bootstrap, "BIN", Path(sys.executable).parent)
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    assert bootstrap.index_settings()["UV_DEFAULT_INDEX"] == "https://packages.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example/mine")
    assert bootstrap.index_settings()["UV_DEFAULT_INDEX"] == "https://packages.example/mine"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://packages.example/uv")
    assert "UV_DEFAULT_INDEX" not in bootstrap.index_settings()


def test_an_old_python_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (9, 9))
    with pytest.raises(SystemExit) as end:
        bootstrap.main()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert re.fullmatch(r"\nTanggap needs Python 9\.9 or later, this is 3\.\S+ \(.*\): run `make PYTHON=.*`\.\n", said)


def test_no_room_is_told_before_anything_is_brought(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "NEEDED_MEBIBYTES", 10**9)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "venv")
    with pytest.raises(SystemExit):
        bootstrap.make()
    assert "make room first" in capsys.readouterr().err
    assert not (tmp_path / "venv").exists()


def test_make_help_names_every_target_that_has_one() -> None:
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    shown = set(re.findall(r"^ +make (\w+) ", listed, re.MULTILINE))
    assert {"run", "demo", "stop", "reset", "logs", "test", "lint", "bench", "up", "down"} <= shown
