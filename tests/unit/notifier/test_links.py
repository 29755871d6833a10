"""The link in an alert."""

import time
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from services.notifier.links import Link, LinkError, Links

LINK = Link(uuid4(), uuid4(), "31.71.01.1001", "lurah")


def links(secret: str = "s" * 32, days: float = 45) -> Links:
    return Links(secret, timedelta(days=days), "https://n.example")


def test_a_link_is_read_as_it_was_made():
    made = links()
    assert made.read(made.token(LINK)) == LINK
    assert made.url(LINK).startswith("https://n.example/c/")


@given(st.integers(0, 400), st.sampled_from("abXY01-_."))
def test_a_token_with_any_character_changed_is_refused(place, character):
    token = links().token(LINK)
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    if changed == token:
        return
    # The last character of a base64 text holds unused bits: changed there, it is another spelling of the very same token.
    with suppress(LinkError):
        assert links().read(changed) == LINK


@given(st.text(max_size=300))
def test_nothing_else_is_taken_for_a_link(token):
    with pytest.raises(LinkError):
        links().read(token)


def test_a_link_of_another_secret_is_refused():
    with pytest.raises(LinkError):
        links("t" * 32).read(links().token(LINK))


def test_what_was_signed_with_the_same_secret_for_another_purpose_is_no_link():
    other = URLSafeTimedSerializer("s" * 32, salt="something else").dumps(
        [LINK.notification_id.hex, LINK.complaint_id.hex, "u", "r"]
    )
    with pytest.raises(LinkError):
        links().read(other)


@pytest.mark.parametrize("value", [None, [], ["x", "y", "u", "r"], {"n": 1}, [UUID(int=1).hex] * 3, 7])
def test_a_signed_value_of_another_form_is_refused_and_not_an_error(value):
    signed = links()._serializer.dumps(value)
    with pytest.raises(LinkError):
        links().read(signed)


def test_a_link_expires_and_says_so(monkeypatch: pytest.MonkeyPatch):
    made = links(days=1)
    token = made.token(LINK)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_390)
    assert made.read(token) == LINK
    monkeypatch.setattr(time, "time", lambda: real() + 86_410)
    with pytest.raises(LinkError) as caught:
        made.read(token)
    assert caught.value.expired
