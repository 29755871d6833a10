"""Who is told of a complaint, and who next."""

from dataclasses import replace
from uuid import uuid4

from services.notifier import alerts
from services.notifier.alerts import Kind
from tanggap.contracts.events import Unit
from tests.support.officials import GAMBIR, GAMBIR_DISTRICT, NOW, Life, jakarta, official, with_officials


def assigned(unit=GAMBIR, **more):
    return Life().submitted().assigned(unit, **more).events[-1]


def all_who_are_told(event, city):
    """Everybody alerted in turn, when each of them fails."""
    plan = alerts.first(event, city)
    told, gone = [], [*plan.unreachable]
    while plan.alert is not None:
        told.append(plan.alert)
        plan = alerts.after(plan.alert, city, NOW, "email: permanent-failure")
        gone += plan.unreachable
    return told, gone


def test_the_units_first_official_is_told_first():
    plan = alerts.first(assigned(), jakarta())
    assert plan.unreachable == ()
    assert (plan.alert.unit, plan.alert.role, plan.alert.kind) == (GAMBIR, "lurah", Kind.ASSIGNED)


def test_the_chain_goes_up_to_the_province_and_at_last_to_the_triage_desk():
    told, gone = all_who_are_told(assigned(), jakarta())
    assert [alert.role for alert in told] == ["lurah", "camat", "wali_kota", "sekretaris_daerah", "petugas_triase"]
    assert [event.role for event in gone] == [alert.role for alert in told]
    assert {alert.holder for alert in told} == {GAMBIR}


def test_an_agencys_branch_goes_up_to_its_agency():
    branch = jakarta().branch("bina-marga", GAMBIR.code)
    told, _ = all_who_are_told(assigned(branch), jakarta())
    assert [alert.role for alert in told][:3] == ["kepala_suku_dinas", "kepala_dinas", "sekretaris_daerah"]


def test_all_officials_of_a_unit_come_before_the_unit_above():
    city = with_officials(jakarta(), {GAMBIR.code: [official(GAMBIR, f"role_{name}", f"{name}@x.example") for name in "abc"]})
    told, _ = all_who_are_told(assigned(), city)
    assert [alert.role for alert in told][:4] == ["role_a", "role_b", "role_c", "camat"]


def test_an_address_that_failed_is_not_tried_again_under_another_office():
    same = "one@x.example"
    city = with_officials(
        jakarta(),
        {GAMBIR.code: [official(GAMBIR, "lurah", same)], GAMBIR_DISTRICT.code: [official(GAMBIR_DISTRICT, "camat", same)]},
    )
    told, _ = all_who_are_told(assigned(), city)
    assert [alert.role for alert in told] == ["lurah", "wali_kota", "sekretaris_daerah", "petugas_triase"]


def test_a_unit_without_officials_is_told_of_and_passed():
    city = with_officials(jakarta(), {GAMBIR.code: [], GAMBIR_DISTRICT.code: []})
    plan = alerts.first(assigned(), city)
    assert plan.alert.role == "wali_kota"
    assert [(event.unit.code, event.role) for event in plan.unreachable] == [
        (GAMBIR.code, "none"),
        (GAMBIR_DISTRICT.code, "none"),
    ]


def test_a_unit_that_the_city_does_not_know_ends_at_the_triage_desk():
    plan = alerts.first(assigned(Unit(code="99.99", name="Antah Berantah")), jakarta())
    assert plan.alert.role == "petugas_triase"
    assert [event.unit.code for event in plan.unreachable] == ["99.99"]


def test_units_that_stand_in_a_circle_do_not_go_round_for_ever():
    units = dict(jakarta().units)
    units["31"] = replace(units["31"], parent_code=GAMBIR.code)
    told, _ = all_who_are_told(assigned(), replace(jakarta(), units=units))
    assert len(told) == 5


def test_a_roster_that_changed_meanwhile_still_leads_on():
    alert = alerts.first(assigned(), jakarta()).alert
    city = with_officials(jakarta(), {GAMBIR.code: [official(GAMBIR, "lurah", "new@x.example")]})
    assert alerts.after(alert, city, NOW, "email").alert.address == "new@x.example"
    moved = replace(alert, unit=Unit(code="99", name="-"))
    assert alerts.after(moved, city, NOW, "email").alert is not None


def test_the_same_cause_makes_the_same_alert_and_another_cause_another():
    event = assigned()
    assert alerts.first(event, jakarta()) == alerts.first(event, jakarta())
    other = assigned(cause="again")
    assert alerts.first(event, jakarta()).alert.id != alerts.first(other, jakarta()).alert.id
    ids = {
        alerts.notification_id(event.event_id, unit, mail, kind)
        for unit in "ab"
        for mail in "xy"
        for kind in (Kind.ASSIGNED, Kind.INFORMED)
    }
    assert len(ids) == 8


def test_the_same_failure_makes_the_same_events():
    alert = alerts.first(assigned(), jakarta()).alert
    first, second = (alerts.after(alert, jakarta(), NOW, "email").unreachable for _ in range(2))
    assert [event.event_id for event in first] == [event.event_id for event in second]


def test_no_event_carries_an_address():
    _, gone = all_who_are_told(assigned(), with_officials(jakarta(), {GAMBIR.code: []}))
    assert gone
    assert all("@" not in event.model_dump_json() for event in gone)


def test_an_emergency_ranks_before_all_others():
    ranks = [alerts.first(assigned(urgency=urgency), jakarta()).alert.rank for urgency in ("emergency", "high", "normal", "low")]
    assert ranks == sorted(set(ranks))


def test_the_alert_belongs_to_its_complaint():
    event = Life(id=uuid4()).submitted().triaged().events[-1]
    alert = alerts.first(event, jakarta()).alert
    assert (alert.complaint_id, alert.cause, alert.kind) == (event.complaint_id, event.event_id, Kind.TRIAGE)
