"""Who is told of a complaint, and who next."""

from dataclasses import replace
from uuid import uuid4

from services.notifier import alerts
from services.notifier.alerts import Kind
from tanggap.contracts.events import Unit
from tests.support.officials import FIRE_SERVICE, GAMBIR, GAMBIR_DISTRICT, NOW, Life, jakarta, official, with_officials


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


def test_every_official_of_each_unit_told_beside_is_informed_whoever_must_act():
    two = (official(FIRE_SERVICE, "kepala", "a@x.example"), official(FIRE_SERVICE, "wakil", "b@x.example", "en"))
    city = with_officials(jakarta(), {FIRE_SERVICE.code: two})
    event = assigned(urgency="emergency", also=(FIRE_SERVICE, GAMBIR_DISTRICT))
    informed = alerts.copies(event, city)
    assert informed.unreachable == ()
    assert [(alert.unit, alert.role, alert.language) for alert in informed.alerts] == [
        (FIRE_SERVICE, "kepala", "id"),
        (FIRE_SERVICE, "wakil", "en"),
        (GAMBIR_DISTRICT, "camat", "id"),
    ]
    assert {(alert.kind, alert.holder, alert.rank) for alert in informed.alerts} == {(Kind.INFORMED, GAMBIR, 0)}


def test_a_unit_that_must_act_is_not_informed_of_its_own_work_and_one_named_twice_is_informed_once():
    informed = alerts.copies(assigned(also=(GAMBIR, GAMBIR_DISTRICT, GAMBIR_DISTRICT)), jakarta())
    assert [alert.unit for alert in informed.alerts] == [GAMBIR_DISTRICT]
    assert alerts.copies(assigned(), jakarta()) == alerts.Copies((), ())


def test_an_informed_unit_without_officials_is_told_of_and_nobody_stands_in_for_it():
    city = with_officials(jakarta(), {FIRE_SERVICE.code: ()})
    informed = alerts.copies(assigned(also=(FIRE_SERVICE,)), city)
    assert informed.alerts == ()
    assert [(gone.unit, gone.role) for gone in informed.unreachable] == [(FIRE_SERVICE, "none")]


def test_when_one_who_was_informed_can_not_be_reached_nobody_is_alerted_instead():
    informed = alerts.copies(assigned(also=(GAMBIR_DISTRICT,)), jakarta()).alerts[0]
    plan = alerts.after(informed, jakarta(), NOW, "email: permanent-failure")
    assert plan.alert is None
    assert [(gone.unit, gone.role, gone.notification_id) for gone in plan.unreachable] == [
        (GAMBIR_DISTRICT, "camat", informed.id)
    ]


def test_one_who_is_informed_is_alerted_all_the_same_when_the_chain_comes_to_them():
    event = assigned(also=(GAMBIR_DISTRICT,))
    informed = alerts.copies(event, jakarta()).alerts[0]
    told, _ = all_who_are_told(event, jakarta())
    assert [alert.role for alert in told][:2] == ["lurah", "camat"]
    assert told[1].address == informed.address
    assert told[1].id != informed.id
    empty = with_officials(jakarta(), {GAMBIR.code: (), GAMBIR_DISTRICT.code: ()})
    silent = [*alerts.first(event, empty).unreachable, *alerts.copies(event, empty).unreachable]
    assert len({each.event_id for each in silent}) == len({each.notification_id for each in silent}) == 3


def test_a_camat_who_must_name_the_unit_is_alerted_first_and_then_those_above():
    event = Life().submitted().triaged(GAMBIR_DISTRICT, problem="only_kecamatan").events[-1]
    told, _ = all_who_are_told(event, jakarta())
    assert [alert.role for alert in told] == ["camat", "wali_kota", "sekretaris_daerah", "petugas_triase"]
    assert {(alert.kind, alert.holder) for alert in told} == {(Kind.TRIAGE, GAMBIR_DISTRICT)}


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
