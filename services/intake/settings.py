"""What intake is told by its environment."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from services.intake.reporters import master_key
from tanggap.platform.settings import ServiceSettings


def _holds_a_master_key(value: SecretStr) -> SecretStr:
    master_key(value.get_secret_value())
    return value


class Settings(ServiceSettings):
    """`INTAKE_REPORTER_KEY`: the master key of reporters' contacts. Whoever loses it loses every contact."""

    service: ClassVar[str] = "intake"

    http_port: int = Field(8001, ge=0, le=65535, examples=["8001"])
    intake_reporter_key: Annotated[SecretStr, AfterValidator(_holds_a_master_key)] = Field(
        examples=["$(head -c 32 /dev/urandom | base64)"]
    )

    @property
    def reporter_key(self) -> bytes:
        """The 32 bytes of the master key."""
        return master_key(self.intake_reporter_key.get_secret_value())
