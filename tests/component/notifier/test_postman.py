"""Alerts on their way: sent once, tried again, handed on, and never lost by a lease, a kill or a provider that is away."""

import asyncio
import logging
import re
import time

import pytest

from services.notifier import figures
from services.notifier.queries import QUERIES
from services.notifier.smtp import Provider, Server
from tanggap.contracts.events import Actor, OfficialNotified, OfficialUnreachable, Unit
from tests.support.mailbox import Mailbox
from tests.support.officials import FIRE_SERVICE, GAMBIR, GAMBIR_DISTRICT, LURAH, Life, Office, official, with_officials

CAMAT = "camat.gambir@jakarta.example"
SENT = "SELECT count(*) FROM notifications WHERE state = 'sent'"


async def test_an_alert_is_mailed_and_the_log_is_told_that_it_was_sent(office: Office, mailbox: Mailbox):
    life = Life().submitted().assigned()
    await office.log(life)
    async with office.at_work():
        (mail,) = await mailbox.wait_for(1)
        await office.until(SENT, 1)
    (alert,) = await office.alerts()
    (told,) = await office.outbox()
    assert isinstance(told, OfficialNotified)
    assert (told.state, told.notification_id, told.complaint_id, told.unit) == ("sent", alert["id"], life.id, GAMBIR)
    assert (mail.recipient, mail.sender) == (LURAH, "tanggap@jakarta.example")
    assert mail.message["Message-ID"] == f"<{alert['id']}@jakarta.example>"
    (attempt,) = await office.attempts()
    assert (attempt["outcome"], attempt["resend"]) == ("sent", False)
    assert alert["due_at"] is None


async def informing(office: Office) -> tuple[Office, Life]:
    """An office in a city whose fire service has one official, and a life in which it is told beside."""
    chief = official(FIRE_SERVICE, "kepala_suku_dinas", "gulkarmat@x.example")
    office = Office(office.database, with_officials(office.city, {FIRE_SERVICE.code: (chief,)}), office.mailbox)
    return office, Life().submitted().assigned(urgency="emergency", also=(FIRE_SERVICE,))


def sent_of(kind: str) -> float:
    return figures.ATTEMPTS.labels("email", kind, "sent")._value.get()


async def test_who_is_informed_gets_a_mail_of_their_own_and_counts_as_such(office: Office, mailbox: Mailbox):
    office, life = await informing(office)
    before = sent_of("assigned"), sent_of("informed")
    await office.log(life)
    async with office.at_work():
        await mailbox.wait_for(2)
        await office.until(SENT, 2)
    by_recipient = {mail.recipient: mail for mail in mailbox.mails}
    assert by_recipient.keys() == {LURAH, "gulkarmat@x.example"}
    assert "DARURAT, tembusan" in by_recipient["gulkarmat@x.example"].message["Subject"]
    assert by_recipient[LURAH].link != by_recipient["gulkarmat@x.example"].link
    told = await office.outbox()
    assert {(event.unit.code, event.state) for event in told} == {(GAMBIR.code, "sent"), (FIRE_SERVICE.code, "sent")}
    assert (sent_of("assigned"), sent_of("informed")) == (before[0] + 1, before[1] + 1)


async def test_who_is_informed_is_told_of_a_complaint_that_has_ended_meanwhile_but_not_of_one_that_has_moved(
    office: Office, mailbox: Mailbox
):
    office, ended = await informing(office)
    moved = Life().submitted().assigned(urgency="emergency", also=(FIRE_SERVICE,)).assigned(GAMBIR_DISTRICT, cause="again")
    await office.log(ended.resolved(Actor(role="camat", unit=GAMBIR_DISTRICT)), moved)
    async with office.at_work():
        await office.until("SELECT count(*) FROM notifications WHERE due_at IS NOT NULL", 0)
    rows = await office.rows("SELECT complaint_id, state FROM notifications WHERE kind = 'informed'")
    assert {row["complaint_id"]: row["state"] for row in rows} == {ended.id: "sent", moved.id: "withdrawn"}


async def test_where_one_who_is_informed_can_not_be_reached_the_log_hears_of_it_and_nobody_else_is_alerted(
    office: Office, mailbox: Mailbox
):
    office, life = await informing(office)
    mailbox.refuse = lambda recipient: "550 no" if recipient != LURAH else None
    untold = figures.UNTOLD._value.get()
    await office.log(life)
    async with office.at_work():
        await office.until(SENT, 1)
        await office.until("SELECT count(*) FROM notifications WHERE state = 'permanent-failure'", 1)
    assert [mail.recipient for mail in mailbox.mails] == [LURAH]
    assert len(await office.alerts()) == 2
    gone = [event for event in await office.outbox() if isinstance(event, OfficialUnreachable)]
    assert [(event.unit, event.role) for event in gone] == [(FIRE_SERVICE, "kepala_suku_dinas")]
    assert figures.UNTOLD._value.get() == untold


async def test_an_informed_unit_is_alerted_too_where_the_chain_comes_to_it(office: Office, mailbox: Mailbox):
    mailbox.refuse = lambda recipient: "550 no" if recipient == LURAH else None
    await office.log(Life().submitted().assigned(also=(GAMBIR_DISTRICT,)))
    async with office.at_work():
        await office.until(SENT, 2)
    assert [mail.recipient for mail in mailbox.mails] == [CAMAT, CAMAT]
    assert {"Tembusan" in mail.message["Subject"] for mail in mailbox.mails} == {True, False}


async def test_a_new_alert_wakes_the_postman_at_once(office: Office, mailbox: Mailbox):
    async with office.at_work():
        # An idle postman looks again only once a second; ten alerts that each waited for that would take ten seconds.
        began = time.monotonic()
        for nth in range(1, 11):
            await office.log(Life().submitted().assigned())
            await mailbox.wait_for(nth)
        assert time.monotonic() - began < 5


async def test_an_alert_that_nobody_woke_it_for_is_found_by_the_poll(office: Office, mailbox: Mailbox):
    other = Office(office.database, office.city, mailbox)
    async with office.at_work():
        await other.log(Life().submitted().assigned())
        await mailbox.wait_for(1)


async def test_two_postmen_send_each_alert_once(office: Office, mailbox: Mailbox):
    await office.log(*(Life().submitted().assigned() for _ in range(60)))
    other = Office(office.database, office.city, mailbox)
    async with office.at_work(), other.at_work():
        await office.until(SENT, 60)
    assert len(mailbox.mails) == 60
    assert len({mail.message["Message-ID"] for mail in mailbox.mails}) == 60
    assert len(await office.attempts()) == 60


async def test_what_one_process_is_taking_another_passes_over_without_waiting(office: Office):
    await office.log(*(Life().submitted().assigned() for _ in range(6)))
    claim = QUERIES.claim_alerts.sql
    async with office.database.transaction() as one, office.database.transaction() as other, asyncio.timeout(5):
        first, second = await one.fetch(claim, 4, 60.0), await other.fetch(claim, 4, 60.0)
    assert (len(first), len(second)) == (4, 2)
    assert not {row["id"] for row in first} & {row["id"] for row in second}


async def test_connections_are_kept_and_used_again(office: Office, mailbox: Mailbox):
    office.connections = 3
    await office.log(*(Life().submitted().assigned() for _ in range(30)))
    async with office.at_work():
        await office.until(SENT, 30)
    assert 1 <= mailbox.connections <= 3


async def test_an_emergency_overtakes_the_alerts_that_wait(office: Office, mailbox: Mailbox):
    office.connections = 1
    calm = [Life().submitted().assigned(urgency="low") for _ in range(5)]
    urgent = Life().submitted().assigned(urgency="emergency")
    # In the middle: neither the oldest nor the newest.
    await office.log(*calm[:3], urgent, *calm[3:])
    async with office.at_work():
        first = (await mailbox.wait_for(1))[0]
        await office.until(SENT, 6)
    assert str(urgent.id) in first.message["References"]
    assert first.message["Importance"] == "high"


async def test_a_refusal_for_now_is_tried_again_later_and_nobody_else_is_alerted(office: Office, mailbox: Mailbox):
    answers = iter(["452 4.2.2 mailbox full"])
    mailbox.refuse = lambda _recipient: next(answers, None)
    await office.log(Life().submitted().assigned())
    async with office.at_work():
        await office.until("SELECT state FROM notifications", "temporary-failure")
        wait = await office.value("SELECT extract(epoch FROM due_at - now()) FROM notifications")
        assert 50 < wait <= 60
        assert await office.outbox() == []
        await office.rows("UPDATE notifications SET due_at = now()")
        await office.until(SENT, 1)
    assert [(row["outcome"], row["resend"]) for row in await office.attempts()] == [("temporary-failure", False), ("sent", False)]
    assert (await office.attempts())[0]["detail"].startswith("452")


async def test_a_mailbox_that_does_not_exist_hands_the_alert_to_the_next_official_of_the_unit(office: Office, mailbox: Mailbox):
    both = (official(GAMBIR, "lurah", "gone@x.example"), official(GAMBIR, "sekretaris_kelurahan", "there@x.example"))
    office = Office(office.database, with_officials(office.city, {GAMBIR.code: both}), mailbox)
    mailbox.refuse = lambda recipient: "550 5.1.1 no such user" if recipient == "gone@x.example" else None
    await office.log(Life().submitted().assigned())
    async with office.at_work():
        (mail,) = await mailbox.wait_for(1)
        await office.until(SENT, 1)
    assert mail.recipient == "there@x.example"
    events = await office.outbox()
    assert [(type(event), event.role) for event in events] == [
        (OfficialNotified, "lurah"),
        (OfficialUnreachable, "lurah"),
        (OfficialNotified, "sekretaris_kelurahan"),
    ]
    assert [event.state for event in events if isinstance(event, OfficialNotified)] == ["permanent-failure", "sent"]


async def test_a_mail_that_is_refused_for_its_content_goes_up_the_chain_too(office: Office, mailbox: Mailbox):
    mailbox.refuse_body = lambda recipient: "554 5.7.1 looks like spam" if recipient == LURAH else None
    await office.log(Life().submitted().assigned())
    async with office.at_work():
        (mail,) = await mailbox.wait_for(1)
        await office.until(SENT, 1)
    assert mail.recipient == CAMAT
    assert "Kelurahan Gambir" in mail.message["Subject"]
    assert "tidak terjangkau" in mail.message["Subject"]


async def test_the_twelfth_refusal_for_now_gives_the_official_up(office: Office, mailbox: Mailbox):
    mailbox.refuse = lambda recipient: "451 4.7.1 try again later" if recipient == LURAH else None
    await office.log(Life().submitted().assigned())
    await office.rows("UPDATE notifications SET failures = 11")
    async with office.at_work():
        (mail,) = await mailbox.wait_for(1)
        await office.until(SENT, 1)
    assert mail.recipient == CAMAT
    assert [event.state for event in await office.outbox() if isinstance(event, OfficialNotified)] == [
        "temporary-failure",
        "sent",
    ]


async def test_where_every_mailbox_refuses_each_office_is_told_once_and_a_person_is_called(
    office: Office, mailbox: Mailbox, logged_faults
):
    logged_faults.expect("nobody is left to alert")
    mailbox.refuse = lambda _recipient: "550 no"
    before = figures.UNTOLD._value.get()
    await office.log(Life().submitted().assigned())
    async with office.at_work():
        await office.until("SELECT count(*) FROM notifications WHERE due_at IS NULL", 5)
    unreachable = [event for event in await office.outbox() if isinstance(event, OfficialUnreachable)]
    assert [event.unit.code for event in unreachable] == [GAMBIR.code, "31.71.01", "31.71", "31", "triase"]
    assert figures.UNTOLD._value.get() == before + 1


async def test_a_provider_that_is_away_makes_alerts_wait_and_the_service_stays_ready(office: Office, mailbox: Mailbox):
    await mailbox.stop()
    await office.log(*(Life().submitted().assigned() for _ in range(40)))
    async with office.at_work() as postman:
        # A provider that is away is asked by one alert at a time, at growing intervals: not by forty, again and again.
        async with asyncio.timeout(20):
            while postman._away_in_a_row < 3:
                await asyncio.sleep(0.02)
        assert postman.check()[0]
        assert "away" in postman.check()[1]
        assert await office.value("SELECT count(*) FROM attempts") <= office.connections + 3
        mailbox.released = asyncio.Event()
        await mailbox.start()
        await office.until(SENT, 40)
    assert len(mailbox.mails) == 40
    assert await office.value("SELECT max(failures) FROM notifications") == 0
    assert not [event for event in await office.outbox() if isinstance(event, OfficialUnreachable)]
    assert figures.PROVIDER_UP.labels("email")._value.get() == 1


async def test_a_provider_that_hangs_holds_no_connection_and_delays_neither_the_reader_nor_the_page(
    office: Office, mailbox: Mailbox
):
    mailbox.hang = {"EHLO"}
    office.connections = 20  # more than the database has connections
    await office.log(*(Life().submitted().assigned() for _ in range(25)))
    async with office.at_work(), office.browser() as browser:
        await office.until("SELECT count(*) FROM notifications WHERE state = 'sending'", 20)
        began = time.monotonic()
        life = Life().submitted().assigned()
        await office.log(life)
        assert (await browser.get(await office.link(life))).status_code == 200
        assert time.monotonic() - began < 5
        assert office.database.pool.get_idle_size() > 0
        mailbox.released.set()
        await office.until(SENT, 26)


async def test_one_recipient_that_hangs_delays_only_its_own_alert(office: Office, mailbox: Mailbox):
    office.attempt_seconds = 1.0
    mailbox.hang = {CAMAT}
    slow = Life().submitted().assigned(GAMBIR_DISTRICT)
    await office.log(slow, *(Life().submitted().assigned() for _ in range(10)))
    async with office.at_work():
        await office.until(SENT, 10)
        await office.until(
            "SELECT outcome FROM attempts WHERE notification_id = (SELECT id FROM notifications WHERE role = 'camat')",
            "temporary-failure",
        )
    assert await office.value("SELECT count(*) FROM attempts WHERE outcome = 'provider-away'") == 0


async def killed_when_the_mail_was_out(office: Office) -> Life:
    """A complaint whose alert was sent by a process that died before it wrote the outcome."""
    office.lease_seconds = 1.0
    life = Life().submitted().assigned()
    await office.log(life)
    claimed = await office.claim()
    await office.provider().send("tanggap@jakarta.example", LURAH, claimed.mail(office))
    return life


async def test_an_alert_whose_process_died_is_sent_again_when_its_lease_runs_out_and_that_is_counted(
    office: Office, mailbox: Mailbox
):
    await killed_when_the_mail_was_out(office)
    before = figures.RESENDS.labels("email")._value.get()
    async with office.at_work():
        await office.until(SENT, 1)
    first, second = await office.attempts()
    assert (first["outcome"], first["resend"], first["detail"]) == ("unknown", False, "the lease ran out")
    assert (second["outcome"], second["resend"]) == ("sent", True)
    assert figures.RESENDS.labels("email")._value.get() == before + 1
    ids = [mail.message["Message-ID"] for mail in mailbox.mails]
    assert len(ids) == 2
    assert len(set(ids)) == 1, "a receiver can tell the second copy by its Message-ID"
    assert len([event for event in await office.outbox() if isinstance(event, OfficialNotified)]) == 1


async def test_an_alert_that_was_answered_before_its_outcome_was_written_is_sent_again_so_that_the_log_says_it_was(
    office: Office, mailbox: Mailbox
):
    life = await killed_when_the_mail_was_out(office)
    # The official answers it.
    await office.log(life.resolved(Actor(role="lurah", unit=GAMBIR)))
    mailbox.refuse = lambda _: "451 4.7.1 try again later"
    async with office.at_work():
        await office.until("SELECT count(*) FROM attempts WHERE outcome = 'temporary-failure'", 1)
        mailbox.refuse = lambda _: None
        await office.rows("UPDATE notifications SET due_at = now()")
        await office.until(SENT, 1)
    assert len([event for event in await office.outbox() if isinstance(event, OfficialNotified)]) == 1
    assert [row["resend"] for row in await office.attempts()] == [False, True, True]


async def test_while_a_lease_runs_nobody_else_sends_the_alert(office: Office, mailbox: Mailbox):
    await office.log(Life().submitted().assigned())
    await office.claim()
    marker = Life().submitted().assigned(GAMBIR_DISTRICT)
    async with office.at_work():
        await office.log(marker)
        (mail,) = await mailbox.wait_for(1)
        assert mail.recipient == CAMAT
        await office.until(SENT, 1)
    assert len(mailbox.mails) == 1


async def test_an_outcome_that_comes_after_the_lease_was_given_to_another_changes_no_state(office: Office, mailbox: Mailbox):
    office.lease_seconds = 0.2
    mailbox.hang = {LURAH}
    await office.log(Life().submitted().assigned())
    async with office.at_work():
        await office.until("SELECT attempt FROM notifications", 2)
        mailbox.hang = set()
        mailbox.released.set()
        await office.until("SELECT count(*) FROM attempts WHERE outcome IS NULL", 0)
        await office.until(SENT, 1)
    assert len([event for event in await office.outbox() if isinstance(event, OfficialNotified)]) == 1


async def test_a_mail_that_was_handed_over_without_an_answer_is_sent_again_and_counted(office: Office, mailbox: Mailbox):
    mailbox.drop_after_body = 1
    await office.log(Life().submitted().assigned())
    before = figures.RESENDS.labels("email")._value.get()
    async with office.at_work():
        await office.until("SELECT outcome FROM attempts WHERE attempt = 1", "unknown")
        await office.rows("UPDATE notifications SET due_at = now() WHERE due_at IS NOT NULL")
        await office.until(SENT, 1)
    assert [(row["outcome"], row["resend"]) for row in await office.attempts()] == [("unknown", False), ("sent", True)]
    assert figures.RESENDS.labels("email")._value.get() == before + 1


async def test_a_mail_that_ends_its_process_each_time_is_given_up_after_twelve_losses(office: Office, mailbox: Mailbox):
    await office.log(Life().submitted().assigned())
    for _ in range(13):
        await office.claim()
        await office.rows("UPDATE notifications SET due_at = now() - interval '1 second'")
    async with office.at_work():
        (mail,) = await mailbox.wait_for(1)
        await office.until(SENT, 1)
    assert mail.recipient == CAMAT


async def test_a_stop_lets_what_is_being_sent_end_and_writes_what_came_of_it(office: Office, mailbox: Mailbox):
    mailbox.hang = {LURAH}
    await office.log(Life().submitted().assigned())
    async with office.at_work():
        await office.until("SELECT state FROM notifications", "sending")
        asyncio.get_running_loop().call_later(0.3, mailbox.released.set)
    assert await office.value("SELECT state FROM notifications") == "sent"


async def test_a_stop_cuts_a_hanging_provider_short_and_the_alert_is_free_at_once(
    office: Office, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("services.notifier.worker.DRAIN_SECONDS", 0.2)
    mailbox.hang = {"EHLO"}
    await office.log(Life().submitted().assigned())
    async with office.at_work():
        await office.until("SELECT state FROM notifications", "sending")
    assert await office.value("SELECT state FROM notifications") == "created"
    assert await office.value("SELECT due_at <= now() + interval '1 second' FROM notifications")
    mailbox.hang, mailbox.released = set(), asyncio.Event()
    async with office.at_work():
        await office.until(SENT, 1)
    assert len(mailbox.mails) == 1


async def test_a_cancelled_task_still_writes_the_outcome_of_a_mail_that_is_out(office: Office, mailbox: Mailbox):
    await office.log(Life().submitted().assigned())
    async with office.at_work() as postman:
        original = postman._write
        writing = asyncio.Event()

        async def slowly(*args):
            writing.set()
            await asyncio.sleep(0.2)
            return await original(*args)

        postman._write = slowly
        await writing.wait()
        for task in list(postman._sending):
            task.cancel()
        await office.until(SENT, 1)


async def test_an_outcome_is_held_until_a_database_that_was_away_is_back(office: Office, mailbox: Mailbox):
    await office.log(Life().submitted().assigned())
    async with office.at_work() as postman:
        original, failures = postman._write, iter([ConnectionResetError("gone"), ConnectionResetError("gone")])

        async def shaky(*args):
            if (trouble := next(failures, None)) is not None:
                raise trouble
            return await original(*args)

        postman._write = shaky
        await office.until(SENT, 1)
    assert len(mailbox.mails) == 1


async def test_an_alert_of_a_complaint_that_has_ended_or_moved_is_withdrawn(office: Office, mailbox: Mailbox):
    ended = Life().submitted().assigned().resolved(Actor(role="camat", unit=GAMBIR_DISTRICT))
    other = Unit(code="31.71.01.1002", name="Cideng")
    moved = Life().submitted().assigned().assigned(other, cause="again")
    await office.log(ended, moved)
    async with office.at_work():
        (mail,) = await mailbox.wait_for(1)
        await office.until("SELECT count(*) FROM notifications WHERE due_at IS NOT NULL", 0)
    assert mail.recipient == "lurah.cideng@jakarta.example"
    rows = await office.rows("SELECT state, complaint_id, unit_code FROM notifications")
    assert {(row["complaint_id"], row["unit_code"]): row["state"] for row in rows} == {
        (ended.id, GAMBIR.code): "withdrawn",
        (moved.id, GAMBIR.code): "withdrawn",
        (moved.id, other.code): "sent",
    }


async def test_a_mail_that_can_not_be_made_is_tried_again_and_named_in_the_log(office: Office, mailbox: Mailbox, logged_faults):
    logged_faults.expect("a mail could not be made")
    await office.log(Life().submitted().assigned())
    async with office.at_work() as postman:
        compose = postman._composer.compose
        faults = iter([ValueError("broken text")])

        def broken(*args):
            if (fault := next(faults, None)) is not None:
                raise fault
            return compose(*args)

        postman._composer.compose = broken
        await office.until("SELECT outcome FROM attempts", "technical-failure")
        assert await office.value("SELECT state FROM notifications") == "temporary-failure"
        await office.rows("UPDATE notifications SET due_at = now()")
        await office.until(SENT, 1)
    assert len(mailbox.mails) == 1


async def test_the_backlog_is_shown(office: Office, mailbox: Mailbox):
    await mailbox.stop()
    await office.log(*(Life().submitted().assigned() for _ in range(7)))
    async with office.at_work():
        async with asyncio.timeout(10):
            while figures.BACKLOG.labels("email")._value.get() != 7:
                await asyncio.sleep(0.02)


async def test_no_address_and_no_link_is_logged(office: Office, mailbox: Mailbox, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    mailbox.refuse = lambda recipient: f"550 <{recipient}> unknown" if recipient == LURAH else None
    await office.log(Life().submitted().assigned())
    async with office.at_work():
        (mail,) = await mailbox.wait_for(1)
        await office.until(SENT, 1)
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(("services", "tanggap")))
    assert ours
    assert LURAH not in ours
    assert CAMAT not in ours
    assert re.search(re.escape(mail.link), ours) is None
    payloads = "\n".join(event.model_dump_json() for event in await office.outbox())
    assert "@" not in payloads


async def test_a_provider_behind_a_wrong_address_is_away_and_not_the_alerts_fault(office: Office, mailbox: Mailbox):
    await office.log(Life().submitted().assigned())
    nowhere = Provider(Server("127.0.0.1", 1), attempt_seconds=2)
    async with office.at_work(nowhere):
        await office.until("SELECT count(*) > 0 FROM attempts WHERE outcome = 'provider-away'", True)
    assert await office.value("SELECT failures FROM notifications") == 0


async def test_a_login_is_not_sent_to_a_provider_that_offers_no_encryption(office: Office):
    heard = bytearray()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            heard.extend(line)
            writer.write(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n" if line[:4].upper() == b"EHLO" else b"502 not known\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        await office.log(Life().submitted().assigned())
        async with office.at_work(Provider(Server("127.0.0.1", port, username="tanggap", password="rahasia"), attempt_seconds=2)):
            await office.until("SELECT count(*) > 0 FROM attempts WHERE outcome = 'provider-away'", True)
    finally:
        server.close()
        await server.wait_closed()
    assert b"EHLO" in bytes(heard).upper()
    assert b"AUTH" not in bytes(heard).upper()
