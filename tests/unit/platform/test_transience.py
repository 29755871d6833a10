"""Which trouble passes by itself."""

import errno
import socket

import asyncpg
import pytest
from aiokafka import errors as kafka
from pydantic import TypeAdapter, ValidationError

from tanggap.platform.database import is_transient


def invalid():
    try:
        TypeAdapter(int).validate_python("x")
    except ValidationError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    "trouble",
    [
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("going down"),
        asyncpg.CrashShutdownError("crash"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle"),
        asyncpg.ConnectionFailureError("lost"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        asyncpg.SerializationError("could not serialize"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.TooManyConnectionsError("too many"),
        asyncpg.DiskFullError("no space"),
        asyncpg.OutOfMemoryError("no memory"),
        asyncpg.LockNotAvailableError("locked"),
        asyncpg.QueryCanceledError("timeout"),
        asyncpg.ReadOnlySQLTransactionError("failover"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InterfaceError("pool is closing"),
        kafka.KafkaConnectionError("no broker"),
        kafka.KafkaTimeoutError(),
        kafka.NotLeaderForPartitionError(),
        kafka.UnknownTopicOrPartitionError(),
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        TimeoutError(),
        OSError("Multiple exceptions: [Errno 111] ..."),
        OSError(errno.ENOSPC, "no space"),
        OSError(errno.EMFILE, "too many files"),
        socket.gaierror(socket.EAI_AGAIN, "name resolution"),
    ],
    ids=lambda trouble: f"{type(trouble).__name__}-{trouble}"[:50],
)
def test_trouble_that_passes_is_waited_out(trouble):
    assert is_transient(trouble)


@pytest.mark.parametrize(
    "trouble",
    [
        asyncpg.UniqueViolationError("duplicate"),
        asyncpg.NotNullViolationError("null"),
        asyncpg.UndefinedTableError("no table"),
        asyncpg.PostgresSyntaxError("syntax"),
        asyncpg.CharacterNotInRepertoireError("nul"),
        asyncpg.InvalidPasswordError("password"),
        asyncpg.InsufficientPrivilegeError("denied"),
        asyncpg.InterfaceError("the server expects 2 arguments"),
        kafka.MessageSizeTooLargeError(),
        kafka.TopicAuthorizationFailedError(),
        FileNotFoundError(errno.ENOENT, "no file"),
        PermissionError(errno.EACCES, "no right"),
        invalid(),
        KeyError("x"),
        ZeroDivisionError(),
    ],
    ids=lambda trouble: f"{type(trouble).__name__}-{trouble}"[:50],
)
def test_trouble_that_a_retry_can_not_help_is_not(trouble):
    assert not is_transient(trouble)
