"""Make the virtual environment from the hashed lock. Runs on the machine's own Python, before anything is installed.

Only the standard library, and nothing that an older Python could not read: it must be able to say that it is too old.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

OLDEST = (3, 11)
ROOT = pathlib.Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-dev.lock"
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = VENV / ".locked"
NEEDED_MEBIBYTES = 1500
MEBIBYTE = 1024 * 1024
NO_VENV = "This Python can't make virtual environments: install the package python3-venv, or another Python."
OUT_OF_REACH = (
    "The package index is out of reach, or lacks a locked package: check the network (and `pip config list`), then run again."
)
TRUSTED = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian and its kin
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora and its kin
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS
)
# What decides over the environment's content.
SOURCES = (LOCK, ROOT / "pyproject.toml", pathlib.Path(__file__).resolve())


def main() -> None:
    """Make or renew .venv if the lock changed since; end with one clear line where that can't be."""
    if sys.version_info[:2] < OLDEST:
        fail(
            f"Tanggap needs Python {OLDEST[0]}.{OLDEST[1]} or later, this is {sys.version.split()[0]} ({sys.executable}): "
            "run `make PYTHON=/path/to/python3.11 ...`."
        )
    if sys.argv[1:] == ["lock"]:
        lock_anew()
        return
    wanted = digest()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8").strip() == wanted and works():
        STAMP.touch()
        return
    try:
        make()
        STAMP.write_text(wanted + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{VENV} could not be made: {error.strerror or error}.")


def make() -> None:
    """Make the environment, bring uv by its sums, and let it bring all else by theirs."""
    free = shutil.disk_usage(str(ROOT)).free // MEBIBYTE
    if free < NEEDED_MEBIBYTES:
        fail(f"Only {free} MB free in {ROOT}; the packages need {NEEDED_MEBIBYTES} MB: make room first.")
    if not works():
        say("Making the virtual environment .venv")
        shutil.rmtree(str(VENV), ignore_errors=True)
        run([sys.executable, "-m", "venv", str(VENV)], NO_VENV)
    with tempfile.TemporaryDirectory() as folder:
        only_uv = pathlib.Path(folder) / "uv.txt"
        only_uv.write_text(locked("uv"), encoding="utf-8")
        options = ["-q", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
        environment = dict(os.environ)
        if "cert" not in pip_settings() and (trusted := certificates()):
            environment["PIP_CERT"] = trusted
        run([str(BIN / "python"), "-m", "pip", "install", *options, "-r", str(only_uv)], OUT_OF_REACH, environment)
    packages = re.findall(r"^\S+==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    say(f"Installing {len(packages)} packages, each checked by its hash")
    uv("pip", "sync", "-q", "--require-hashes", str(LOCK))
    uv("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--offline", "-e", str(ROOT))


def lock_anew() -> None:
    """Resolve every version again and write the locks, for whoever raises a version."""
    import tomllib  # noqa: PLC0415 - an older Python must be able to read this file, to say that it is too old

    options = ["pip", "compile", "-q", "--universal", "--generate-hashes", "--no-header", "--upgrade"]
    project = str(ROOT / "pyproject.toml")
    uv(*options, project, "-o", str(ROOT / "requirements.lock"))
    uv(*options, "--all-extras", project, "-o", str(LOCK))
    # What builds our own package, in an image where nothing else may be fetched.
    needed = tomllib.loads(pathlib.Path(project).read_text(encoding="utf-8"))["build-system"]["requires"]
    with tempfile.TemporaryDirectory() as folder:
        wanted = pathlib.Path(folder) / "build.txt"
        wanted.write_text("\n".join(needed), encoding="utf-8")
        lock = ROOT / "requirements-build.lock"
        uv(*options, str(wanted), "-o", str(lock))
        # The note of where a line came from would name a folder that is gone, another one each time.
        lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
        lock.write_text("".join(line for line in lines if str(wanted) not in line), encoding="utf-8")


def uv(*arguments: str) -> None:
    """Run uv on .venv, with what pip knows of this machine's package index."""
    environment = dict(os.environ, VIRTUAL_ENV=str(VENV), **index_settings())
    run([str(BIN / "uv"), *arguments], OUT_OF_REACH, environment)


def pip_settings() -> dict[str, str]:
    """Return what pip was told on this machine, by its settings' names."""
    words = [str(BIN / "python"), "-m", "pip", "config", "list"]
    listed = subprocess.run(words, capture_output=True, text=True, check=False)
    known: dict[str, str] = {}
    # The later wins: a setting for all commands, one for `install`, one from the environment.
    for scope in ("global", "install", ":env:"):
        for name, value in re.findall(rf"^{re.escape(scope)}\.([\w-]+)='(.*)'$", listed.stdout, re.MULTILINE):
            known[name] = value.replace("\\n", " ").strip()
    return known


def index_settings() -> dict[str, str]:
    """Hand on to uv what pip knows of this machine's index; uv reads no pip settings. What uv was told itself wins."""
    known = pip_settings()
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "trusted-host": "UV_INSECURE_HOST",
        "cert": "SSL_CERT_FILE",
        "proxy": "ALL_PROXY",
        "default-timeout": "UV_HTTP_TIMEOUT",
        "timeout": "UV_HTTP_TIMEOUT",
    }
    settings = {names[name]: value for name, value in known.items() if name in names and value}
    if "SSL_CERT_FILE" not in settings and (trusted := certificates()):
        settings["SSL_CERT_FILE"] = trusted
    home = os.environ.get("HOME", "")
    if not (home and os.access(home, os.W_OK)) and "XDG_CACHE_HOME" not in os.environ:
        settings["UV_CACHE_DIR"] = str(VENV / "cache" / "uv")
    return {name: value for name, value in settings.items() if name not in os.environ}


def certificates() -> str | None:
    """Find the certificates that this machine trusts: a city's or company's own authority is among them, if it has one.

    pip, uv and jgo bring lists of their own, which know no such authority.
    """
    named = [os.environ.get(name, "") for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")]
    return next((place for place in (*named, *TRUSTED) if place and pathlib.Path(place).is_file()), None)


def locked(name: str) -> str:
    """Return the lock's lines of one package: its version and sums."""
    found = re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        fail(f"{LOCK.name} has no {name}: write it anew with `make lock`.")
        raise AssertionError
    return found[0] + "\n"


def works() -> bool:
    """Tell whether .venv holds a Python that runs, of a version that will do."""
    python = BIN / "python"
    if not python.exists():
        return False
    probe = subprocess.run(
        [str(python), "-c", f"import pip, sys; sys.exit(sys.version_info[:2] < {OLDEST})"], capture_output=True, check=False
    )
    return probe.returncode == 0


def digest() -> str:
    """Return a sum over all that decides over the environment's content."""
    whole = hashlib.sha256()
    for path in SOURCES:
        whole.update(path.read_bytes())
    return whole.hexdigest()


def run(command: list[str], trouble: str, environment: dict[str, str] | None = None) -> None:
    """Run a program; if it fails, show what it said and what to do."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write((done.stderr or done.stdout)[-3000:])
        fail(
            f"No disk space left while filling {VENV}: make room, then run again." if "No space left" in done.stderr else trouble
        )


def say(line: str) -> None:
    """Tell what takes a while."""
    sys.stdout.write(line + " ...\n")
    sys.stdout.flush()


def fail(line: str) -> None:
    """End with one line."""
    sys.stderr.write("\n" + line + "\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
