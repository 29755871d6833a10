"""A real browser: Debian's chromium, installed by apt where root and missing, else the one that playwright brings."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, async_playwright

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A test machine's PATH may be bare; where Debian puts it is known.
_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/bin", "/snap/bin"])


def chromium() -> str | None:
    """Path of the system's chromium; none if playwright's own must be used, which is installed then. Fails if neither can be."""
    if found := _found():
        return found
    # The tests of each core want it at once, and one package manager runs at a time.
    with (Path(tempfile.gettempdir()) / "tanggap-browser.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _found() or _brought()


def _brought() -> str | None:
    if os.geteuid() == 0 and (apt := shutil.which("apt-get", path=_PLACES)):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-q"], ["install", "-qy", "--no-install-recommends", "chromium"]):
            subprocess.run([apt, *words], env=environment, capture_output=True, timeout=600, check=False)
        if found := _found():
            return found
    own = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, text=True, timeout=900, check=False
    )
    assert own.returncode == 0, (
        "no browser: chromium is not installed, apt could not bring it, and playwright could not either "
        f"({own.stderr.strip()[-300:]}); install the package chromium"
    )
    return None


def _found() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name, path=_PLACES)) and Path(path).exists()), None)


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A chromium without a window."""
    path = chromium()
    async with async_playwright() as playwright:
        # Chromium's sandbox can't be had under root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=path, args=[*arguments, "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_window(browser: Browser, size: dict[str, int], **options: object) -> AsyncIterator[BrowserContext]:
    """A window of this size with nothing remembered; `options` are playwright's own (color_scheme, java_script_enabled, ...)."""
    phone = size["width"] < 600
    context = await browser.new_context(viewport=size, has_touch=phone, is_mobile=phone, locale="id-ID", **options)
    context.set_default_timeout(15_000)
    try:
        yield context
    finally:
        await context.close()
