"""`python -m stack.mail`: SMTP on SMTP_PORT, pages on HTTP_PORT, mails kept in MAIL_FOLDER."""

import asyncio
import sys
from pathlib import Path

import uvicorn
import uvloop
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.mail.sink import Fault, MailSink
from stack.mail.web import build
from stack.ports import LOCALHOST
from tanggap.platform.settings import faults_of, refuse


class MailSettings(BaseSettings):
    """The sink's settings."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    mail_folder: Path = Field(Path(".stack/mail"), examples=[".stack/mail"])
    mail_fault: Fault = Field(Fault.NONE, examples=["defer"])
    smtp_port: int = Field(1025, ge=0, le=65535, examples=["1025"])
    http_host: str = LOCALHOST
    http_port: int = Field(8025, ge=0, le=65535, examples=["8025"])


async def serve(settings: MailSettings) -> None:
    """Run until SIGTERM or SIGINT."""
    async with MailSink(settings.mail_folder, port=settings.smtp_port, fault=settings.mail_fault) as sink:
        config = uvicorn.Config(
            build(sink),
            host=settings.http_host,
            port=settings.http_port,
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        print(f"mail sink: SMTP on {sink.url}, pages on http://{settings.http_host}:{settings.http_port}", flush=True)
        await uvicorn.Server(config).serve()


def main() -> None:
    """Read the settings and serve; a fault in them is one line each."""
    try:
        settings = MailSettings()
    except ValidationError as error:
        refuse(faults_of(MailSettings, error))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"mail sink: {error}")


if __name__ == "__main__":
    main()
