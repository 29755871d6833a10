"""What the README tells a newcomer to type does what it says."""

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import BrowserContext

from stack.local import PORTS, LocalStack
from tests.support.servers import open_folder

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
async def stack() -> AsyncIterator[LocalStack]:
    async with open_folder("readme") as folder, LocalStack(folder) as made:
        yield made


def here(text: str, stack: LocalStack) -> str:
    """The README's addresses as they are on this stack, whose ports are any that were free."""
    for name, port in PORTS.items():
        if hasattr(stack.addresses, name):
            text = text.replace(f"http://127.0.0.1:{port}", stack.addresses.url(name))
    return text


def curl(command: str, key: str) -> httpx.Response:
    """Do what a curl command line asks; curl itself need not be on the machine."""
    words = shlex.split(command.replace("$KEY", key))
    assert words[:2] == ["curl", "-s"]
    url, *rest = words[2:]
    headers, body = {}, None
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        if option == "-H":
            name, _, text = value.partition(": ")
            headers[name] = text
        else:
            assert option == "-d"
            body = value
    return httpx.request("POST" if body else "GET", url, headers=headers, content=body, timeout=10, trust_env=False)


def until(ask: Any, holds: Any) -> Any:
    deadline = time.monotonic() + 30
    while not holds(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer


def test_every_make_command_in_it_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)", "\n".join(BLOCKS) + "\n".join(re.findall(r"`([^`\n]+)`", README))))
    assert {"run", "test", "demo", "help"} <= named <= targets | {"help"}


def test_every_file_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


async def test_a_complaint_is_posted_alerted_answered_on_a_phone_and_seen_in_the_figures(
    stack: LocalStack, tmp_path: Path, phone: BrowserContext
) -> None:
    (tmp_path / ".stack").mkdir()
    (tmp_path / ".stack" / "stack.json").write_bytes(stack.folder.stack_json.read_bytes())
    [posting] = [block for block in BLOCKS if "/v1/complaints" in block]
    first, _, command = posting.partition("\n")
    inner = re.fullmatch(r'KEY=\$\(python3 (-c ".*")\)', first)
    assert inner is not None
    key = subprocess.run(
        [sys.executable, *shlex.split(inner[1])], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout.strip()
    assert key == stack.app_key

    answer = curl(here(command, stack), key)

    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert said["number"].startswith("JK")
    mine = {"Authorization": f"Bearer {key}"}
    with httpx.Client(timeout=10, trust_env=False) as client:
        view = until(
            lambda: client.get(f"{stack.addresses.intake}/v1/complaints/{said['id']}", headers=mine).json(),
            lambda found: found["unit"],
        )
        assert view["unit"]["name"] == "Gambir"
        reason = client.get(f"{stack.addresses.routing}/v1/decisions/{said['id']}").json()["reason"]
        assert "Gambir" in reason["id"]
        assert "Gambir" in reason["en"]
        [mail] = until(lambda: client.get(f"{stack.addresses.mail}/messages.json").json(), bool)
        assert mail["to"] == ["lurah.gambir@jakarta.example"]
        assert said["number"] in mail["subject"]
        assert "+62 811 0000 000" not in json.dumps(mail)

    [figures] = [block for block in BLOCKS if "/v1/figures" in block]
    rows = until(
        lambda: {row["code"]: row for row in curl(here(figures.strip(), stack), key).json()["groups"]},
        lambda found: "31.71.01.1001" in found,
    )
    assert (rows["31.71.01.1001"]["received"], rows["31.71.01.1001"]["answered"]) == (1, 0)

    page = await phone.new_page()
    await page.goto(next(link for link in mail["links"] if "/c/" in link))
    await page.locator("summary", has_text="Selesaikan laporan").click()
    await page.fill("#note-resolve", "Sudah diangkut, terima kasih.")
    await page.locator("form:has(#note-resolve) button").click()
    await page.get_by_text("Laporan sudah Anda selesaikan").wait_for()

    answered = until(
        lambda: {row["code"]: row for row in curl(here(figures.strip(), stack), key).json()["groups"]},
        lambda found: found["31.71.01.1001"]["answered"] == 1,
    )
    assert answered["31.71.01.1001"]["resolved"] == 1
