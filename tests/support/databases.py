"""A database of its own for every test, cloned from a template that each service's migrations made once."""

import asyncio
import importlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from stack.postgres import provision, service_dsns

SERVICES = Path(__file__).parents[2] / "services"
BLANK = "blank"


@dataclass
class Templates:
    """The templates of one session, made when first asked for; all names carry the session's own mark."""

    admin_dsn: str
    mark: str = field(default_factory=lambda: f"test_{secrets.token_hex(4)}")
    made: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def template(self, service: str, *, migrated: bool) -> str:
        """Name of a database with the service's role and schema, and its tables if `migrated`."""
        key = f"{self.mark}_{service}" + ("" if migrated else f"_{BLANK}")
        async with self.lock:
            if key not in self.made:
                password = self.passwords.setdefault(service, secrets.token_hex(8))
                dsns = await provision(self.admin_dsn, {service: password}, database=key, prefix=f"{self.mark}_")
                if migrated:
                    migrate = importlib.import_module("tanggap.platform.migrations").migrate
                    await asyncio.to_thread(migrate, dsns[service], service, SERVICES / service / "migrations")
                self.made[key] = service
        return key

    async def clone(self, service: str, *, migrated: bool) -> tuple[str, str]:
        """A fresh copy of the template: its name, and the DSN of the service's role to it."""
        template = await self.template(service, migrated=migrated)
        name = f"{self.mark}_{secrets.token_hex(6)}"
        await self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        dsns = service_dsns(self.admin_dsn, {service: self.passwords[service]}, database=name, prefix=f"{self.mark}_")
        return name, dsns[service]

    async def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        await self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def close(self) -> None:
        """Leave nothing on a server that isn't ours."""
        for name in self.made:
            await self.drop(name)
        for service in self.passwords:
            await self._administer(f'DROP ROLE IF EXISTS "{self.mark}_{service}"')

    async def _administer(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@dataclass
class Databases:
    """The databases of one test.

    `await databases.dsn("intake")` clones intake's migrated template (some 30 ms) and returns the DSN of its role; the
    same DSN each time in one test. `await databases.blank("anything")` has role and schema only, no tables.
    """

    templates: Templates
    dsns: dict[tuple[str, bool], tuple[str, str]] = field(default_factory=dict)

    async def dsn(self, service: str) -> str:
        return await self._get(service, migrated=True)

    async def blank(self, schema: str) -> str:
        return await self._get(schema, migrated=False)

    def admin_dsn(self, dsn: str) -> str:
        """The administrator's DSN to the same database, for what the service's role may not do."""
        return urlunsplit(urlsplit(self.templates.admin_dsn)._replace(path=urlsplit(dsn).path))

    async def _get(self, service: str, *, migrated: bool) -> str:
        key = (service, migrated)
        if key not in self.dsns:
            self.dsns[key] = await self.templates.clone(service, migrated=migrated)
        return self.dsns[key][1]

    async def close(self) -> None:
        for name, _ in self.dsns.values():
            await self.templates.drop(name)
