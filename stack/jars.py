"""Kafka's jars: brought from Maven Central by jgo, and used only if each has the SHA-256 sum in the lock."""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
import stamina
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import EnvironmentBuilder, EnvironmentSpec, LockFile
from jgo.env._lockfile import LockedDependency
from jgo.maven import Artifact, MavenContext, PythonResolver

from stack.bootstrap import certificates
from stack.trouble import StackTrouble, from_os_error

SPEC = Path(__file__).with_name("jgo.toml")
LOCK = Path(__file__).with_name("jgo.lock.toml")
_DOWNLOADS_AT_ONCE = 8
_TIMEOUT_SECONDS = 30

Say = Callable[[str], None]


def _silent(_line: str) -> None:
    """Say nothing."""


def cache_folder() -> Path:
    """Return where downloads are kept: `TANGGAP_CACHE`, else the user's cache, else the virtual environment.

    The user's cache makes a second clone fast; a machine without a home that can be written has the virtual environment.
    """
    if given := os.environ.get("TANGGAP_CACHE"):
        return Path(given)
    home = os.environ.get("HOME", "")
    for base in (os.environ.get("XDG_CACHE_HOME", ""), f"{home}/.cache" if home else ""):
        folder = Path(base) / "tanggap"
        if base and folder.is_absolute():
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                if os.access(folder, os.W_OK):
                    return folder
    return Path(sys.prefix) / "cache"


def jars(lock: Path = LOCK, cache: Path | None = None, say: Say = _silent) -> list[Path]:
    """Return every jar of the lock, bringing those that are missing.

    Each is checked against its sum at every call (44 MB take 0.1 s), so that neither a bad download nor a later change
    on the disk is ever run. Raises StackTrouble: the registry is out of reach, a sum differs, the disk is full.
    """
    folder = (cache or cache_folder()) / "kafka" / _digest(lock)[:16]
    wanted = LockFile.load(lock).dependencies
    try:
        with _alone(folder):
            missing = [jar for jar in wanted if not _intact(folder, jar)]
            if missing:
                say(f"Bringing {len(missing)} jars of Apache Kafka from Maven Central")
                _bring(missing, folder)
    except OSError as error:
        raise from_os_error(error, "bringing Kafka's jars", folder) from error
    return [folder / _file_name(jar) for jar in wanted]


def _bring(missing: list[LockedDependency], folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as fresh:
        context = _maven(Path(fresh))
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            found = list(pool.map(lambda jar: _download(context, jar), missing))
        for jar, path in zip(missing, found, strict=True):
            actual = _digest(path)
            if actual != jar.sha256:
                raise StackTrouble(
                    f"{_file_name(jar)} came with the SHA-256 sum {actual}, not the locked {jar.sha256}: it was not used. "
                    "A mirror or proxy may have changed it; try another network, or look at stack/jgo.lock.toml."
                )
        for jar, path in zip(missing, found, strict=True):
            path.replace(folder / _file_name(jar))


def _download(context: MavenContext, jar: LockedDependency) -> Path:
    component = context.project(jar.groupId, jar.artifactId).at_version(jar.version)
    artifact = component.artifact(classifier=jar.classifier or "", packaging=jar.packaging)
    try:
        return _resolve(artifact)
    except (RuntimeError, requests.RequestException) as error:
        raise StackTrouble(
            f"Maven Central is out of reach ({type(error).__name__} for {_file_name(jar)}): check the network, "
            "or name a mirror under [repositories] in ~/.config/jgo.conf, then run again."
        ) from error


# jgo raises RuntimeError for every answer but 200.
@stamina.retry(on=(RuntimeError, requests.RequestException), attempts=3, timeout=60)
def _resolve(artifact: Artifact) -> Path:
    if artifact.cached_path is not None:
        shutil.rmtree(artifact.cached_path.parent, ignore_errors=True)  # half a file of the attempt before
    return Path(artifact.resolve())


def lock_anew(spec: Path = SPEC, lock: Path = LOCK) -> None:
    """Resolve the coordinates again and write the lock with the sums of what came; for whoever raises a version."""
    with tempfile.TemporaryDirectory() as fresh:
        context = _maven(Path(fresh))
        wanted = EnvironmentBuilder(context=context, cache_dir=Path(fresh)).spec_to_dependencies(EnvironmentSpec.load(spec))
        chosen, drawn = context.resolver.resolve(wanted)
        LockFile.from_resolved_dependencies([*chosen, *drawn], environment_name="kafka").save(lock)
    # The moment of writing would make every lock differ from the last.
    lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
    lock.write_text("".join(line for line in lines if not line.startswith("generated = ")), encoding="utf-8")


def _maven(repository: Path) -> MavenContext:
    logging.getLogger("jgo").setLevel(logging.ERROR)
    if trusted := certificates():
        os.environ.setdefault("REQUESTS_CA_BUNDLE", trusted)  # the only place where jgo can be told
    mirrors = GlobalSettings.load().repositories
    return MavenContext(
        resolver=PythonResolver(),
        repo_cache=repository,
        local_repos=[],
        remote_repos={**mirrors, "central": MAVEN_CENTRAL_URL},
        timeout=_TIMEOUT_SECONDS,
    )


def _intact(folder: Path, jar: LockedDependency) -> bool:
    path = folder / _file_name(jar)
    return path.exists() and _digest(path) == jar.sha256


def _file_name(jar: LockedDependency) -> str:
    classifier = f"-{jar.classifier}" if jar.classifier else ""
    return f"{jar.artifactId}-{jar.version}{classifier}.{jar.packaging}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time brings jars: two first starts side by side download once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
