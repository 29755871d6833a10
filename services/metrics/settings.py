"""Settings of the metrics service."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tanggap.platform.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the metrics service needs to know, beside what all services do."""

    service: ClassVar[str] = "metrics"

    http_port: int = Field(8004, ge=0, le=65535, examples=["8004"])
    metrics_tick_seconds: float = Field(1.0, gt=0, le=60, examples=["1"])
    """Pause between two looks for deadlines that ran out."""
