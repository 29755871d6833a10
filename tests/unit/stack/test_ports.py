import socket
from collections.abc import Iterator

import pytest

from stack.folder import choose_ports
from stack.ports import LOCALHOST, free_port, is_free, same_port
from stack.trouble import StackTrouble


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((LOCALHOST, free_port()))
        holder.listen()
        yield holder.getsockname()[1]


def test_the_wanted_port_is_given_when_nobody_has_it() -> None:
    port = free_port()
    assert free_port(port) == port


def test_the_next_free_port_is_given_when_the_wanted_one_is_taken(taken: int) -> None:
    assert not is_free(taken)
    given = free_port(taken, avoid=[taken + 1])
    assert given > taken + 1


def test_any_port_lies_below_those_that_clients_are_lent() -> None:
    assert all(1024 < free_port() < 32_768 for _ in range(50))


def test_no_service_is_given_the_port_that_another_wants(taken: int) -> None:
    wanted = {"first": taken, "second": taken + 1, "third": taken + 2}
    given = choose_ports(wanted, before={})
    assert given["first"] > taken + 2
    assert (given["second"], given["third"]) == (taken + 1, taken + 2)


def test_a_service_keeps_the_port_of_the_run_before_so_that_links_in_mails_go_on_working() -> None:
    before = free_port()
    assert choose_ports({"notifier": 8003}, {"notifier": before}) == {"notifier": before}


async def test_a_server_waits_for_its_own_port_and_says_who_is_to_blame(taken: int) -> None:
    with pytest.raises(StackTrouble, match=f"Port {taken} .* was taken by another program"):
        await same_port(taken, within_seconds=0.2)
