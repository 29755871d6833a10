"""Settings: what a process needs to know comes from its environment, is checked at the start, and is named when it is wrong.

Each service subclasses `ServiceSettings`; a field's variable is its name in capitals. A setting that only one service has
carries that service's name in front (`INTAKE_REPORTER_KEY`). Broker options are spelled here and nowhere else.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NoReturn, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

EXIT_BAD_SETTINGS = 2
"""The process's exit code when a setting is missing or wrong."""

MAX_POLL_INTERVAL_SECONDS = 300
"""How long a consumer may keep a batch before Kafka gives its partitions to another."""

PRODUCER_TIMEOUT_SECONDS = 15
"""How long a record may wait for its acknowledgment before the producer is given up and made anew."""


def _postgres_dsn(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("must begin with postgresql://")
    if not parts.path.strip("/"):
        raise ValueError("names no database after the host")
    return value


def _bootstrap(value: str) -> str:
    for server in value.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"{server.strip()!r} is not host:port")
    return value


class ServiceSettings(BaseSettings):
    """What all services share. Subclasses set `service` and add their own fields.

    `Field(examples=[...])` gives the example that is shown when the variable is missing or wrong.
    """

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    service: ClassVar[str] = "service"
    """The service's name: its consumer group, its schema, its `ce_source`."""

    database_url: Annotated[SecretStr, AfterValidator(_postgres_dsn)] = Field(
        examples=["postgresql://intake:secret@localhost:5432/tanggap"]
    )
    kafka_bootstrap_servers: Annotated[str, AfterValidator(_bootstrap)] = Field(examples=["localhost:9092"])
    http_host: str = "127.0.0.1"
    http_port: int = Field(8000, ge=0, le=65535, examples=["8001"])
    public_url: str | None = Field(None, examples=["https://lapor.example"])
    """How people reach this service's pages; without it, the address it listens on."""
    tanggap_city: Path = Path("cities/jakarta")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    otel_exporter_otlp_endpoint: str | None = Field(None, examples=["http://localhost:4318"])
    """Where traces go (OTLP over HTTP); unset: nothing is traced."""
    consumer_max_records: int = Field(500, ge=1, le=10_000)
    """Most records in one batch."""
    dead_letter_limit: int = Field(20, ge=1)
    """So many bad records in a row stop the consumer: a bad deploy must not pour the topic away."""
    drain_seconds: float = Field(12.0, gt=0, le=60)
    """How long a batch in hand may take to finish after SIGTERM."""
    kafka_session_timeout_seconds: float = Field(10.0, ge=1)
    """After so long without a heartbeat Kafka gives a killed consumer's partitions to another."""
    kafka_group_instance_id: str | None = Field(None, examples=["routing-0"])
    """A name that this replica keeps over restarts: then it takes up its partitions at once, not after the session timeout."""

    @property
    def base_url(self) -> str:
        """Address of this service's pages, without a slash at its end."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")

    @property
    def dsn(self) -> str:
        """The database's address in clear, for the driver's eyes only."""
        return self.database_url.get_secret_value()

    @property
    def bootstrap_servers(self) -> list[str]:
        """Kafka's first addresses."""
        return [server.strip() for server in self.kafka_bootstrap_servers.split(",")]

    def consumer_params(self) -> dict[str, Any]:
        """How a consumer of this service is made: reads from the beginning, commits only what is handled."""
        params: dict[str, Any] = {
            "group_id": self.service,
            "auto_offset_reset": "earliest",
            "max_poll_interval_ms": MAX_POLL_INTERVAL_SECONDS * 1000,
            "session_timeout_ms": int(self.kafka_session_timeout_seconds * 1000),
            "heartbeat_interval_ms": min(3000, int(self.kafka_session_timeout_seconds * 1000 / 3)),
            # A batch in hand may finish before its partition is given away.
            "rebalance_timeout_ms": 30_000,
        }
        if self.kafka_group_instance_id is not None:
            params["group_instance_id"] = self.kafka_group_instance_id
        return params

    def producer_params(self) -> dict[str, Any]:
        """How a producer of this service is made: acknowledged by all replicas, idempotent, no linger.

        aiokafka already sends together what arrives while a request is under way, so lingering only adds delay.
        """
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": f"tanggap-{self.service}",
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": 0,
            "max_batch_size": 256 * 1024,
            "max_request_size": 4 * 1024 * 1024,
            "request_timeout_ms": PRODUCER_TIMEOUT_SECONDS * 1000,
        }

    @classmethod
    def load(cls) -> Self:
        """The settings of this environment; a fault ends the process with a line for each, exit 2."""
        try:
            return cls()
        except ValidationError as faults:
            refuse(faults_of(cls, faults))


def faults_of(settings: type[BaseSettings], error: ValidationError) -> list[str]:
    """One line per fault: the variable, what is wrong, an example. Never a value: it may be a secret."""
    lines = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        field = settings.model_fields.get(name)
        variable = name.upper() or "settings"
        wrong = "is not set" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        example = ""
        if field is not None:
            if field.examples:
                example = f", for example {variable}={field.examples[0]}"
            elif choices := [str(choice) for choice in get_args(field.annotation) if isinstance(choice, str)]:
                example = f", for example {variable}={choices[0]}"
        lines.append(f"{variable}: {wrong}{example}")
    return lines


def refuse(lines: list[str]) -> NoReturn:
    """Say on stderr what is wrong with the settings and end the process."""
    for line in lines:
        sys.stderr.write(f"setting {line}\n")
    sys.stderr.flush()
    sys.exit(EXIT_BAD_SETTINGS)


def environment(name: str, example: str) -> str:
    """One variable, for commands that need no service's settings; without it the process ends as `ServiceSettings.load` does."""
    value = os.environ.get(name, "").strip()
    if not value:
        refuse([f"{name}: is not set, for example {name}={example}"])
    return value
