"""A small HTTP/1.1 load generator: keep-alive connections, one request at a time on each, nothing parsed but the status.

A client library would cost more per request than the server under test and so hide the difference between two servers.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of `post_all` saw. `seconds`: wall time; `statuses`: answers by status code; `latencies` in seconds, sorted."""

    seconds: float
    statuses: Counter[int]
    latencies: list[float]

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return sum(self.statuses.values()) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency, in seconds, below which `share` (0 to 1) of the requests lie."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


async def _connection(
    host: str, port: int, head: bytes, bodies: Iterator[bytes], statuses: Counter[int], latencies: list[float]
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        for body in bodies:
            began = time.perf_counter()
            writer.write(head + b"%d\r\n\r\n" % len(body) + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in answer.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if length:
                await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
            statuses[int(answer[9:12])] += 1
    finally:
        writer.close()


async def post_all(url: str, bodies: list[bytes], *, connections: int, headers: dict[str, str]) -> Load:
    """POST each of `bodies` (JSON) to `url` (http://host:port/path) over `connections` kept-alive connections."""
    place, _, path = url.removeprefix("http://").partition("/")
    host, _, port = place.partition(":")
    lines = [
        f"POST /{path} HTTP/1.1",
        f"Host: {place}",
        "Content-Type: application/json",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    head = ("\r\n".join(lines) + "\r\nContent-Length: ").encode()
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    supply = iter(bodies)
    began = time.perf_counter()
    await asyncio.gather(*(_connection(host, int(port), head, supply, statuses, latencies) for _ in range(connections)))
    return Load(time.perf_counter() - began, statuses, sorted(latencies))
