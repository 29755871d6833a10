import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tomlkit

from stack.jars import LOCK, SPEC, cache_folder, jars
from stack.trouble import StackTrouble

BODY = b"not a jar, but with a sum"
PATH = "city/tanggap/thing/1.0/thing-1.0.jar"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Maven registry that jgo is told of as a mirror; Maven Central itself can't be reached."""
    root = tmp_path / "registry"
    (root / PATH).parent.mkdir(parents=True)
    (root / PATH).write_bytes(BODY)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=root))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config = tmp_path / "jgo.conf"
    config.write_text(f"[repositories]\nnear = http://127.0.0.1:{server.server_port}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    yield root
    server.shutdown()
    thread.join()
    server.server_close()


def lock(tmp_path: Path, sha256: str) -> Path:
    path = tmp_path / "jgo.lock.toml"
    jar = f'groupId = "city.tanggap"\nartifactId = "thing"\nversion = "1.0"\npackaging = "jar"\nsha256 = "{sha256}"'
    path.write_text(f'[metadata]\njgo_version = "2.0.0"\n\n[environment]\nname = "kafka"\n\n[[dependencies]]\n{jar}\n')
    return path


def test_a_jar_with_the_locked_sum_is_brought_once(registry: Path, tmp_path: Path) -> None:
    locked, said = lock(tmp_path, hashlib.sha256(BODY).hexdigest()), []
    (jar,) = jars(locked, tmp_path / "cache", said.append)
    assert jar.read_bytes() == BODY
    (registry / PATH).unlink()
    assert jars(locked, tmp_path / "cache", said.append) == [jar]
    assert said == ["Bringing 1 jars of Apache Kafka from Maven Central"]


def test_a_jar_with_another_sum_is_refused_and_not_kept(registry: Path, tmp_path: Path) -> None:
    locked = lock(tmp_path, "0" * 64)
    with pytest.raises(StackTrouble, match=r"thing-1\.0\.jar came with the SHA-256 sum .* not used"):
        jars(locked, tmp_path / "cache")
    assert list((tmp_path / "cache").rglob("*.jar")) == []


def test_a_jar_that_was_changed_on_the_disk_is_brought_anew(registry: Path, tmp_path: Path) -> None:
    locked = lock(tmp_path, hashlib.sha256(BODY).hexdigest())
    (jar,) = jars(locked, tmp_path / "cache")
    jar.write_bytes(b"something else")
    (again,) = jars(locked, tmp_path / "cache")
    assert again.read_bytes() == BODY


def test_a_registry_out_of_reach_is_one_clear_line(registry: Path, tmp_path: Path) -> None:
    (tmp_path / "jgo.conf").write_text("[repositories]\nnear = http://127.0.0.1:9\n")
    with pytest.raises(StackTrouble, match=r"Maven Central is out of reach .*check the network") as trouble:
        jars(lock(tmp_path, "0" * 64), tmp_path / "cache")
    assert "\n" not in str(trouble.value)


def test_the_lock_holds_the_wanted_versions_and_a_sum_for_each() -> None:
    wanted = tomlkit.parse(SPEC.read_text())["dependencies"]["coordinates"]
    locked = tomlkit.parse(LOCK.read_text())["dependencies"]
    names = {f"{jar['groupId']}:{jar['artifactId']}:{jar['version']}" for jar in locked}
    assert set(wanted) <= names
    # A dependency that drags the clients down to another version would still start, and fail later.
    assert {jar["version"] for jar in locked if jar["groupId"] == "org.apache.kafka"} == {"4.3.1"}
    assert all(len(jar["sha256"]) == 64 for jar in locked)


def test_without_a_home_the_jars_are_kept_in_the_virtual_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TANGGAP_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "tanggap"
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    assert cache_folder() == tmp_path / "venv" / "cache"
