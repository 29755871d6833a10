"""What a provider's answers mean."""

import asyncio
import socket

import pytest

from services.notifier.retry import Result
from services.notifier.smtp import Provider, Server
from tests.support.mailbox import Mailbox

FROM, TO = "tanggap@jakarta.example", "lurah@jakarta.example"
MAIL = b"Subject: x\r\n\r\n.\r\n..\r\nx\r\n"


def provider(mailbox: Mailbox, seconds: float = 5, **more: str) -> Provider:
    return Provider(Server(mailbox.host, mailbox.port, **more), attempt_seconds=seconds)


async def test_a_mail_arrives_as_it_was_sent_dots_and_all(mailbox: Mailbox):
    made = provider(mailbox)
    reply = await made.send(FROM, TO, MAIL)
    await made.close()
    assert reply.result is Result.SENT
    assert mailbox.mails[0].message.get_content().splitlines() == [".", "..", "x"]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("450 4.2.1 busy", Result.TEMPORARY),
        ("452 4.2.2 full", Result.TEMPORARY),
        ("550 5.1.1 unknown", Result.PERMANENT),
        ("553 5.1.3 bad address", Result.PERMANENT),
        ("421 4.3.2 closing", Result.AWAY),
        ("530 5.7.0 authentication required", Result.AWAY),
    ],
)
async def test_a_refused_recipient_is_told_from_a_provider_that_refuses_us(mailbox: Mailbox, answer: str, result: Result):
    mailbox.refuse = lambda _recipient: answer
    made = provider(mailbox)
    assert (await made.send(FROM, TO, MAIL)).result is result
    mailbox.refuse = lambda _recipient: None
    assert (await made.send(FROM, TO, MAIL)).result is Result.SENT, "the connection, or another, can be used again"
    await made.close()


@pytest.mark.parametrize("answer", ["550 5.7.1 not allowed", "451 4.3.0 later"])
async def test_a_refused_sender_is_no_fault_of_the_alert(mailbox: Mailbox, answer: str):
    mailbox.refuse_sender = lambda _sender: answer
    made = provider(mailbox)
    assert (await made.send(FROM, TO, MAIL)).result is Result.AWAY
    await made.close()


@pytest.mark.parametrize(("answer", "result"), [("552 5.3.4 too big", Result.PERMANENT), ("451 4.3.0 later", Result.TEMPORARY)])
async def test_a_refused_mail_is_not_taken_for_one_that_may_be_out(mailbox: Mailbox, answer: str, result: Result):
    mailbox.refuse_body = lambda _recipient: answer
    made = provider(mailbox)
    assert (await made.send(FROM, TO, MAIL)).result is result
    await made.close()


async def test_a_connection_that_the_provider_dropped_meanwhile_costs_nothing(mailbox: Mailbox):
    made = provider(mailbox)
    for nth in range(1, 4):
        assert (await made.send(FROM, TO, MAIL)).result is Result.SENT
        mailbox.drop_connections()
        async with asyncio.timeout(5):
            while mailbox.open_now:
                await asyncio.sleep(0.01)
        assert len(mailbox.mails) == nth
    await made.close()


async def test_a_connection_that_was_long_idle_is_asked_before_it_is_used(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.notifier.smtp.FRESH_SECONDS", 0.0)
    made = provider(mailbox)
    for _ in range(3):
        assert (await made.send(FROM, TO, MAIL)).result is Result.SENT
    assert mailbox.connections == 1
    await made.close()


async def test_a_provider_that_wants_no_password_but_gets_one_is_away(mailbox: Mailbox):
    made = provider(mailbox, username="u", password="p")
    reply = await made.send(FROM, TO, MAIL)
    await made.close()
    assert reply.result is Result.AWAY


@pytest.mark.parametrize("address", ["lurah\0@x.example", "kelurahan@münchen.example"])
async def test_an_address_that_can_not_be_written_to_is_refused_for_good(mailbox: Mailbox, address: str):
    made = provider(mailbox)
    assert (await made.send(FROM, address, MAIL)).result is Result.PERMANENT
    await made.close()
    assert mailbox.mails == []


async def test_a_port_where_something_else_answers_nothing_is_away(mailbox: Mailbox):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = Provider(Server("127.0.0.1", silent.getsockname()[1]), attempt_seconds=0.3)
        reply = await made.send(FROM, TO, MAIL)
        await made.close()
    assert reply.result is Result.AWAY
    assert "no answer in time (connecting)" in reply.detail


async def test_after_its_close_nothing_is_sent_any_more(mailbox: Mailbox):
    made = provider(mailbox)
    await made.send(FROM, TO, MAIL)
    await made.close()
    assert (await made.send(FROM, TO, MAIL)).result is Result.AWAY
    assert len(mailbox.mails) == 1
