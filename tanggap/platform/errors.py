"""The two failures that the plumbing treats apart.

A handler ends in one of three ways: it returns (done), it raises `Poison` (never again: dead-letter the record now), or it
raises anything else. Trouble that passes (see `tanggap.platform.database.is_transient`) holds the batch and backs off; any
other exception is looked at record by record, and the records that go on failing are dead-lettered with the exception's text.

::

    Exception
     +-- Poison            a record that no retry can help
     +-- Fatal             this process can't go on; a supervisor must start it again
"""

from __future__ import annotations


class Poison(Exception):  # noqa: N818 - a poison pill is the trade's word, and `PoisonError` would name an error in ours
    """A record that must never be retried. `reason` is written to the dead-letter topic: name no person in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fatal(Exception):  # noqa: N818 - as above: it says what it does to the process
    """The process can't mend this by itself: readiness fails, it drains and ends with a code other than 0."""
