"""Where tests find Kafka and PostgreSQL: addresses given, else a Docker engine that answers, else the local stack."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.ports import free_port
from tests.support import servers

OPENS = {"KAFKA_BOOTSTRAP_SERVERS": servers.open_kafka, "DATABASE_URL": servers.open_postgres}
GIVEN = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092,kafka2.example:9092", "DATABASE_URL": "postgresql://a:b@db.example/tests"}
SERVERS = [("KAFKA_BOOTSTRAP_SERVERS", "kafka"), ("DATABASE_URL", "postgres")]
PONG = b"HTTP/1.0 200 OK\r\nApi-Version: 1.50\r\n\r\nOK"


@pytest.fixture(autouse=True)
def _nothing_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No address, no engine, whatever this machine has; and an engine that is silent is soon given up."""
    for name in OPENS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"TEST_{name}", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setattr(servers, "PING_SECONDS", 0.3)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was started, by stand-ins that start nothing; every server that is asked answers."""
    seen: list[str] = []

    def container(name: str):
        @contextmanager
        def run() -> Iterator[str]:
            seen.append(f"{name} in a container")
            yield f"{name} of the engine"
            seen.append(f"{name}'s container ended")

        return run

    def local(name: str):
        class Server:
            bootstrap = dsn = f"{name} of the stack"

            def __init__(self, *_: object, **__: object) -> None:
                pass

            async def start(self) -> None:
                seen.append(f"{name} by the stack")

            async def stop(self) -> None:
                seen.append(f"{name} stopped")

        return Server

    async def answers(_: str) -> bool:
        return True

    for name in ("kafka", "postgres"):
        monkeypatch.setattr(servers.containers, name, container(name))
        monkeypatch.setattr(servers, name.capitalize(), local(name))
        monkeypatch.setattr(servers, f"{name}_answers", answers)
    return seen


@contextmanager
def engine(listening: socket.socket, answer: bytes | None) -> Iterator[list[bytes]]:
    """Something that listens where an engine would: it says `answer` to whoever asks, or nothing at all. Yields what it was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line:
                asked.append(line.recv(1024))
                if answer is None:
                    line.recv(1)  # until the caller gives up
                else:
                    line.sendall(answer)

    listening.listen()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def on_a_socket(place: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(place))
    return made


def on_a_port() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    return made


# --- does an engine answer? -------------------------------------------------------------------------------------------------------


def test_an_engine_on_a_unix_socket_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
    with engine(on_a_socket(place), PONG) as asked:
        assert servers.docker_answers()
    assert asked[0].startswith(b"GET /_ping HTTP/1.")


def test_an_engine_on_a_tcp_port_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    listening = on_a_port()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listening.getsockname()[1]}")
    with engine(listening, PONG):
        assert servers.docker_answers()


@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.0 503 Service Unavailable\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_what_listens_but_is_no_engine_that_works_does_not_count(answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = on_a_port()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listening.getsockname()[1]}")
    began = time.monotonic()
    with engine(listening, answer) as asked:
        assert not servers.docker_answers()
    assert asked, "it was asked"
    assert time.monotonic() - began < 5, "what is silent is not waited for"


@pytest.mark.parametrize("host", ["unix:///no/such/socket", "tcp://127.0.0.1:{free}", "tcp://127.0.0.1:many", "ssh://", ""])
def test_where_nobody_listens_there_is_no_engine_and_no_error(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host.format(free=free_port()))
    assert not servers.docker_answers()


# --- the order --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPENS)
async def test_an_address_that_is_given_is_used_though_an_engine_answers(
    name: str, started: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv(name, GIVEN[name])
    with engine(on_a_socket(tmp_path / "docker.sock"), PONG) as asked:
        async with OPENS[name]() as address:
            assert address == GIVEN[name]
    assert started == asked == []


@pytest.mark.parametrize("name", OPENS)
async def test_an_address_for_the_tests_alone_wins_over_the_plain_one(
    name: str, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "a city's own, not to be touched")
    monkeypatch.setenv(f"TEST_{name}", GIVEN[name])
    async with OPENS[name]() as address:
        assert address == GIVEN[name]


@pytest.mark.parametrize(
    ("name", "nowhere"),
    [("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:{free}"), ("DATABASE_URL", "postgresql://a:b@127.0.0.1:{free}/c")],
)
async def test_an_address_that_is_given_and_does_not_answer_is_a_failure_and_nothing_stands_in(
    name: str, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, nowhere.format(free=free_port()))
    with pytest.raises(AssertionError, match="environment"):
        async with OPENS[name]():
            pass


@pytest.mark.parametrize(("name", "server"), SERVERS)
async def test_without_an_address_a_container_is_run_where_an_engine_answers(
    name: str, server: str, started: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with engine(on_a_socket(tmp_path / "docker.sock"), PONG):
        async with OPENS[name]() as address:
            assert address == f"{server} of the engine"
    assert started == [f"{server} in a container", f"{server}'s container ended"]


@pytest.mark.parametrize(("name", "server"), SERVERS)
async def test_without_an_address_and_an_engine_the_stack_starts_and_stops_its_own(
    name: str, server: str, started: list[str]
) -> None:
    async with OPENS[name]() as address:
        assert address == f"{server} of the stack"
    assert started == [f"{server} by the stack", f"{server} stopped"]
