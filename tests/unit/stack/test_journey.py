"""What `make run` tells of a complaint on its way, from the services' answers."""

import io
from pathlib import Path

import httpx
from rich.console import Console

from stack.journey import Journey
from stack.local import LocalStack

DECISION = {
    "unit": {"code": "31.71.01.1001", "name": "Gambir"},
    "method": "point",
    "confidence": 0.995,
    "reason": {"id": "karena", "en": "because"},
}


async def test_a_confidence_short_of_certain_is_not_called_certain(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    stack.addresses.routing = "http://routing.example"
    console = Console(file=io.StringIO(), width=120)
    answering = httpx.MockTransport(lambda _request: httpx.Response(200, json=DECISION))
    async with httpx.AsyncClient(transport=answering) as client:
        await Journey(stack, console, client).route()
    assert isinstance(console.file, io.StringIO)
    assert "to Gambir (31.71.01.1001, point, confidence 99%)" in console.file.getvalue()
