"""The whole notifier on a real log, with a provider in the test's loop."""

from collections.abc import AsyncIterator, Callable

import pytest

from services.notifier.settings import Settings
from tests.support.databases import Databases
from tests.support.mailbox import Mailbox, open_mailbox
from tests.support.officials import SECRET, SENDER


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail provider."""
    async with open_mailbox() as box:
        yield box


@pytest.fixture
async def settings(databases: Databases, kafka_bootstrap: str, mailbox: Mailbox) -> Callable[..., Settings]:
    """Make the service's settings for this test."""
    dsn = await databases.dsn("notifier")

    def make(**more: object) -> Settings:
        values = {
            "database_url": dsn,
            "kafka_bootstrap_servers": kafka_bootstrap,
            "notifier_smtp_url": f"smtp://{mailbox.host}:{mailbox.port}",
            "notifier_mail_from": str(SENDER),
            "notifier_link_secret": SECRET,
            "kafka_session_timeout_seconds": 6,
        }
        return Settings(**(values | more))

    return make
