"""The state as text."""

import json

import pytest

from tanggap.contracts import lifecycle
from tanggap.contracts.events import (
    ComplaintAssigned,
    ComplaintMerged,
    ComplaintSubmitted,
    ComplaintSupported,
    ComplaintTransferRequested,
    ComplaintWaitingReporter,
    SlaWarned,
)
from tests.support.lives import CIDENG, Life, follow


@pytest.fixture
def complaint():
    life = Life()
    return follow(
        life.event(ComplaintSubmitted, 0),
        life.event(ComplaintAssigned, 1),
        life.event(ComplaintSupported),
        life.event(SlaWarned),
        life.event(ComplaintTransferRequested),
        life.event(ComplaintAssigned, unit=CIDENG),
        life.event(ComplaintWaitingReporter, actor={"role": "lurah", "unit": CIDENG}),
        life.event(ComplaintMerged),
    )


def test_the_text_is_compact_json_by_field_names_without_what_is_empty(complaint):
    state = json.loads(lifecycle.encode(complaint))
    assert (state["status"], state["number"]) == ("merged", "JK2611240001")
    assert state["unit"] == {"code": "31.71.01.1002", "name": "Cideng"}
    assert state["interrupted"] == ["acknowledged", "waiting_reporter"]
    assert {"stars", "resolved_at", "with_unit", "refused_ids"}.isdisjoint(state)
    assert " " not in lifecycle.encode(complaint).replace("Di depan rumah nomor berapa?", "")


def test_the_same_state_is_the_same_text(complaint):
    assert lifecycle.encode(lifecycle.decode(lifecycle.encode(complaint))) == lifecycle.encode(complaint)


def test_a_state_that_an_older_release_wrote_takes_defaults_for_what_it_lacks(complaint):
    state = json.loads(lifecycle.encode(complaint))
    for name in ("former_units", "interrupted", "supported", "clocks"):
        del state[name]
    old = lifecycle.decode(json.dumps(state))
    assert (old.former_units, old.interrupted, old.supported, old.clocks) == ((), (), 0, ())
    assert old.number == complaint.number


def test_what_a_newer_release_added_is_kept_for_it(complaint):
    state = json.loads(lifecycle.encode(complaint)) | {"mood": {"of": ["the", "day"]}}
    read = lifecycle.decode(json.dumps(state))
    assert read == complaint
    assert json.loads(lifecycle.encode(read))["mood"] == {"of": ["the", "day"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '"x"',
        '{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","number":"JK1","status":"submitted"}',
        '{"id":"no","number":"JK1","status":"submitted","received_at":"2026-11-24T02:00:00Z"}',
        '{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","number":"JK1","status":"lost","received_at":"2026-11-24T02:00:00Z"}',
        '{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","number":"JK1","status":"submitted","received_at":"yesterday"}',
        (
            '{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","number":"JK1","status":"submitted","received_at":"2026-11-24T02:00:00Z",'
            '"clocks":[{"name":"resolution"}]}'
        ),
    ],
)
def test_a_text_that_is_no_state_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        lifecycle.decode(text)
