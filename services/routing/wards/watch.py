"""Takes a new ward index into the running service: looks at the city's files again and again, and reads them when they change."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from services.routing.figures import WARDS_READ
from services.routing.router import Router
from services.routing.wards.exact import open_wards
from services.routing.wards.wards import INDEX, MANIFEST, Wards, WardsFault
from tanggap.platform.logs import get_logger
from tanggap.platform.process import wait

log = get_logger(__name__)

LOOK_SECONDS: Final = 1.0

_Identity = tuple[tuple[int, int, int] | None, ...]
"""Each file's inode, time of change and size; None: there is none."""


class WardsWatch:
    """A worker that sets a router's wards anew. What is broken or does not fit is told once, and the index before it stays."""

    def __init__(self, router: Router, folder: Path, boundaries: Path | None = None) -> None:
        self._router = router
        self._folder = folder
        self._boundaries = boundaries
        # Never yet seen: the files may have changed since the router was made.
        self._seen: _Identity | None = None
        self._failed: _Identity | None = None
        self._refused: str | None = None

    @property
    def name(self) -> str:
        """Its name in logs and /readyz."""
        return "wards"

    async def run(self, stop: asyncio.Event) -> None:
        """Look every second until `stop` is set."""
        while not await wait(stop, LOOK_SECONDS):
            await self.look()

    def check(self) -> tuple[bool, str]:
        """Which index is in use, and what is wrong with one that is not; the service works in either case."""
        refused = f"; what is on disk now is refused: {self._refused}" if self._refused else ""
        return True, f"version {self._router.wards.version}{refused}"

    async def look(self) -> None:
        """Take the index on disk if it is another than the one in use.

        A fault is told when a second look finds the same files: between the two files' changes they don't fit each other.
        """
        found = self._identity()
        if found == self._seen:
            return
        try:
            wards = await asyncio.to_thread(self._read)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the index in use goes on
            if found == self._failed:
                self._seen = found
                self._refuse(str(fault) if isinstance(fault, WardsFault) else repr(fault))
            self._failed = found
        else:
            self._seen, self._failed, self._refused = found, None, None
            self._take(wards)

    def _read(self) -> Wards:
        names = {ward.code: ward.name for ward in self._router.city.wards()}
        return open_wards(self._folder, self._boundaries, names)

    def _take(self, wards: Wards) -> None:
        before = self._router.wards
        if wards.manifest == before.manifest:
            return
        self._router.wards = wards
        WARDS_READ.labels("taken").inc()
        log.info("a new ward index is in use", version=wards.version, before=before.version)

    def _refuse(self, why: str) -> None:
        self._refused = why
        WARDS_READ.labels("refused").inc()
        log.error(
            "the ward index on disk is refused, the one before it stays in use", why=why, version=self._router.wards.version
        )

    def _identity(self) -> _Identity:
        files = (self._folder / INDEX, self._folder / MANIFEST, *([self._boundaries] if self._boundaries else []))
        return tuple(_identity(file) for file in files)


def _identity(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
