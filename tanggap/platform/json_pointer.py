"""How a fault names its place in a body. Apart from HTTP, whose libraries take a second to load."""

from __future__ import annotations

from collections.abc import Iterable


def pointer(location: Iterable[int | str]) -> str:
    """A JSON pointer (RFC 6901) to a place in the body; `#` stands for the whole."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return "#/" + "/".join(parts) if parts else "#"
