"""Settings of the routing service."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from tanggap.platform.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the routing service needs to know beside what all services do."""

    service: ClassVar[str] = "routing"

    http_port: int = Field(8002, ge=0, le=65535, examples=["8002"])
    routing_boundaries: Path | None = Field(None, examples=["kelurahan.geojson"])
    """GeoJSON of the wards' boundaries, the file that the index was built from: then points at borders are decided exactly."""
