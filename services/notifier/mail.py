"""Makes the mail of an alert: the city's words, one link, headers that mail programs and other machines heed."""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import Any
from uuid import UUID

import jinja2
from pydantic import BaseModel

from services.notifier.alerts import Alert, Kind
from services.notifier.links import Link, Links
from services.notifier.wording import Namer, deadlines, map_url
from tanggap.contracts import lifecycle
from tanggap.contracts.city import City
from tanggap.contracts.events import (
    Actor,
    ComplaintAssigned,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    Decision,
    Point,
    TriageProblem,
    Words,
)
from tanggap.contracts.lifecycle import Complaint
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.pages import LANGUAGES, Language, Pages

LONGEST_SUBJECT_CHARS = 140

_TEMPLATES = {"plain": "alert.txt", "html": "alert.html"}
# The old policy and the C encoder: the newer ones parse every header that they write, and took three times as long.
_POLICY = compat32.clone(linesep="\r\n")


class _Call(BaseModel):
    """What a mail says of the event that called for it: an assignment, or a request for triage."""

    type: str
    decision: Decision
    problem: TriageProblem | None = None


class TextFault(Exception):  # noqa: N818 - the fault is in a file, not in the program
    """A text of the city's mails can't be rendered: which one, and why."""


class Composer:
    """Composes alerts in a city's words, from `<city>/texts/mail`."""

    def __init__(self, texts: Path, city: City, links: Links, sender: Address, *, now: Now = utc_now) -> None:
        self._city = city
        self._links = links
        self.sender = sender
        self._now = now
        self._namer = Namer(city)
        self._words = Pages(texts, texts, tz=city.tz, now=now)

    def check(self) -> None:
        """Make a sample of every mail in every language: a text's fault shows when the service starts, not at the first alert.

        Raises `TextFault`.
        """
        for kind in Kind:
            for lang in LANGUAGES:
                try:
                    self.compose(*sample(kind, lang, self._city, self._now()))
                except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as fault:
                    place = f"{fault.name}:{fault.lineno}: " if isinstance(fault, jinja2.TemplateSyntaxError) else ""
                    raise TextFault(f"texts/mail: {place}the alert `{kind}` ({lang}) can't be made: {fault}") from fault

    def compose(self, alert: Alert, complaint: Complaint, submitted: str, called_by: str) -> bytes:
        """Make the mail of `alert`, ready for SMTP. `submitted`, `called_by`: bodies of the events that began and called."""
        report = ComplaintSubmitted.model_validate_json(submitted, extra="ignore")
        call = _Call.model_validate_json(called_by, extra="ignore")
        lang: Language = "en" if alert.language == "en" else "id"
        now = self._now()
        link = Link(alert.id, alert.complaint_id, alert.unit.code, alert.role)
        values: dict[str, object] = {
            "kind": alert.kind.value,
            "number": complaint.number,
            "category": self._namer.category(complaint.category, lang),
            "urgency": complaint.urgency,
            "may_be": self._may_be(call.decision, complaint, lang),
            "ward": None if complaint.ward is None else self._namer.unit(complaint.ward),
            "holder": self._namer.unit(alert.holder),
            "above": alert.kind is not Kind.INFORMED and alert.unit.code != alert.holder.code,
            "undecided": call.type == "complaint.triage_requested",
            "problem": call.problem,
            "office": self._namer.office(Actor(role=alert.role, unit=alert.unit)),
            "text": report.description,
            "address": report.address,
            "map": None if report.location is None else map_url(report.location),
            "photos": report.media,
            "received_at": complaint.received_at,
            "deadlines": deadlines(complaint, now),
            "reason": getattr(call.decision.reason, lang),
            "conflicts": [getattr(conflict, lang) for conflict in call.decision.conflicts],
            "link": self._links.url(link),
            "link_until": now + self._links.lifetime,
            "city": self._city.name,
        }
        return self._message(alert, lang, complaint, now, values)

    def _may_be(self, decision: Decision, complaint: Complaint, lang: Language) -> str | None:
        """Name the emergency that a report may be about besides the category it is counted under; null where there is none.

        Whoever is informed for its sake would see in the subject only what another unit must do.
        """
        known = self._city.categories
        others = (slug for slug in decision.other_categories if slug in known and slug != complaint.category)
        return self._namer.category(next((slug for slug in others if known[slug].urgency == "emergency"), None), lang)

    def _message(self, alert: Alert, lang: Language, complaint: Complaint, now: datetime, values: Mapping[str, object]) -> bytes:
        domain = self.sender.domain
        subject = _one_line(self._words.render("alert.subject.txt", lang, **values))
        headers = {
            "From": formataddr((self.sender.display_name, self.sender.addr_spec)),
            "To": formataddr((_one_line(alert.name), alert.address)),
            "Subject": subject if len(subject) <= LONGEST_SUBJECT_CHARS else subject[: LONGEST_SUBJECT_CHARS - 1] + "…",
            "Date": format_datetime(now.astimezone(self._city.tz)),
            # The same alert sent twice has the same Message-ID: a receiver's system can drop the second copy.
            "Message-ID": f"<{alert.id}@{domain}>",
            # All mails about a complaint make one thread.
            "References": f"<complaint.{alert.complaint_id}@{domain}>",
            # RFC 3834: no holiday note, please. The second is what Exchange heeds.
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "List-Id": f"Tanggap {self._city.name} <alerts.{domain}>",
            "Content-Language": lang,
        }
        if complaint.urgency == "emergency":
            headers["Importance"] = "high"
        # Its boundary is the alert's id: found in no text, and the mail is the same each time it is made.
        message = MIMEMultipart("alternative", boundary=alert.id.hex, policy=_POLICY)
        for name, value in headers.items():
            message[name] = value if value.isascii() else Header(value, "utf-8", header_name=name).encode()
        for kind in ("plain", "html"):
            message.attach(_part(kind, self._words.render(_TEMPLATES[kind], lang, **values)))
        return message.as_bytes()


def _part(kind: str, text: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", kind, policy=_POLICY, charset="utf-8")
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(b2a_qp(text.replace("\r\n", "\n").encode(), istext=True).decode("ascii"))
    return part


def _one_line(text: str) -> str:
    return " ".join(text.split())


def sample(kind: Kind, lang: str, city: City, now: datetime) -> tuple[Alert, Complaint, str, str]:
    """Make up an alert with everything in it, as `compose` takes it."""
    unit, above = city.triage_unit, city.unit(city.root)
    category = next(iter(city.categories))
    submitted = ComplaintSubmitted.create(
        complaint_id=UUID(int=0),
        cause="sample",
        occurred_at=now,
        number=f"{city.number_prefix}0000000000",
        app="sample",
        client_request_id="sample",
        category=category,
        description="-",
        location=Point(lat=0.0, lon=0.0),
        address="-",
        media=("https://example.org/1.jpg",),
        received_at=now,
    )
    decision = Decision(
        method="none", confidence=0, rule=None, reason=Words(id="-", en="-"), policy_version="sample", wards_version="sample"
    )
    more: dict[str, Any] = {"unit": unit, "category": category, "urgency": "emergency", "decision": decision, "occurred_at": now}
    clocks = city.sla.triage_terms(now)
    call: ComplaintAssigned | ComplaintTriageRequested
    if kind is not Kind.TRIAGE:
        call = ComplaintAssigned.create(complaint_id=UUID(int=0), cause="sample", ward=unit, agency=None, clocks=clocks, **more)
    else:
        call = ComplaintTriageRequested.create(complaint_id=UUID(int=0), cause="sample", problem="no_rule", clocks=clocks, **more)
    complaint = lifecycle.fold([submitted, call], city.calendar)
    assert complaint is not None  # noqa: S101 - it begins with complaint.submitted
    alert = Alert(UUID(int=0), UUID(int=0), call.event_id, kind, 0, unit, above, "sample", "-", "sample@example.org", lang)
    return alert, complaint, submitted.model_dump_json(), call.model_dump_json()
