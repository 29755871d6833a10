"""The published language: every event of a complaint's life, as it stands on the log.

Wire form: CloudEvents 1.0, binary content mode. The `ce_*` headers are made by the relay; the body is the model's JSON and
repeats `event_id`, `type`, `complaint_id` and `occurred_at`, so that a record is whole without its headers.

Producers forbid unknown fields (`extra="forbid"`); consumers ignore them (`decode` passes `extra="ignore"`), so that a field can
be added while old readers run. Event ids are deterministic (UUIDv5 of complaint, type and cause): a replayed cause makes the
same event. No model here can carry a reporter's identity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha1
from math import floor
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

NAMESPACE = UUID("5f1a0a0e-6b1d-5c0e-9f4b-7461b6767061")
"""Namespace of all event ids (UUIDv5)."""

ClockName = Literal["coordinate", "first_response", "resolution", "verification"]
Basis = Literal["calendar", "working"]
Channel = Literal["email", "whatsapp", "telegram", "sms", "webhook"]
Urgency = Literal["emergency", "high", "normal", "low"]
DeliveryState = Literal["sent", "delivered", "temporary-failure", "permanent-failure", "technical-failure"]
TriageProblem = Literal[
    "no_point", "outside_city", "unknown_category", "no_category", "no_rule", "unsure_category", "only_kecamatan"
]
"""What kept routing from naming a unit. `unsure_category`: the text speaks of a category, but not surely enough;
`only_kecamatan`: the words name a kecamatan and no ward in it."""
CategoryMethod = Literal["app", "text", "policy", "none"]
"""What named the category: the app, the complaint's own words, a rule of the policy, or nothing."""
ATTRIBUTES_AT_MOST: Final = 32
ATTRIBUTE_KEY: Final = r"^[a-z0-9_.-]{1,64}$"
ATTRIBUTE_CHARACTERS: Final = 500
"""At most so many characters in the value of one attribute."""
Attributes = Annotated[
    dict[Annotated[str, Field(pattern=ATTRIBUTE_KEY)], Annotated[str, Field(max_length=ATTRIBUTE_CHARACTERS)]],
    Field(max_length=ATTRIBUTES_AT_MOST),
    # Said as `propertyNames`: pydantic's own `patternProperties` would let any other key pass a reader's validator.
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": ATTRIBUTE_KEY},
            "additionalProperties": {"type": "string", "maxLength": ATTRIBUTE_CHARACTERS},
            "maxProperties": ATTRIBUTES_AT_MOST,
        }
    ),
]
"""What an app says about a complaint in words of its own, for rules of the policy to ask for. Never who reported."""


class Value(BaseModel):
    """A frozen part of an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(Value):
    """A place, WGS 84 degrees."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class Unit(Value):
    """A unit that can act. `code`: Kemendagri code of a ward, district or city, or an agency branch's code."""

    code: str
    name: str


class Words(Value):
    """One sentence for people, in Indonesian (`id`) and English (`en`)."""

    id: str
    en: str


class ClockTerm(Value):
    """One SLA clock as stamped when the complaint got its unit.

    `budget_seconds` counts calendar or working seconds (`basis`) from `started_at`. `due_at` and `warn_at` are the moments at
    which the budget, and the warning share of it, run out if the clock is never paused. All three moments are null for a clock
    that starts later (verification starts when the complaint is resolved).
    """

    clock: ClockName
    basis: Basis
    budget_seconds: Annotated[int, Field(gt=0)]
    started_at: AwareDatetime | None
    warn_at: AwareDatetime | None
    due_at: AwareDatetime | None


class Decision(Value):
    """How a unit was found: enough to explain it to a citizen and to repeat it.

    `method`: what named the place (`point`, `nearest`, `text`) or `none`. `confidence` is 0 to 1, of the place.

    `category_method` is null in decisions made before it was told. `category_confidence` (0 to 1) and `category_words` stand where
    the complaint's own words named the category: terms of the classifier's vocabulary, never the citizen's text, as
    `other_categories` (slugs, the likelier first) are of the city's. The versions are those of the classifier and the gazetteer
    that were asked, null where none was. `conflicts`: what in the complaint contradicts the decision, one sentence each.
    """

    method: Literal["point", "nearest", "text", "manual", "none"]
    confidence: Annotated[float, Field(ge=0, le=1)]
    rule: str | None
    alternatives: tuple[Unit, ...] = ()
    reason: Words
    policy_version: str
    wards_version: str
    category_method: CategoryMethod | None = None
    category_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    category_words: tuple[str, ...] = ()
    other_categories: tuple[str, ...] = ()
    classifier_version: str | None = None
    gazetteer_version: str | None = None
    conflicts: tuple[Words, ...] = ()


def whole_percent(confidence: float) -> int:
    """A confidence (0 to 1) as people read it: whole percent, rounded down, so that nothing short of certain is called certain."""
    return floor(confidence * 100 + 1e-9)


class Actor(Value):
    """An official as the public may know them: office, not person."""

    role: str
    unit: Unit


def event_id_of(name: str) -> UUID:
    """The UUIDv5 (RFC 9562, 5.5) of a name in `NAMESPACE`, as `uuid.uuid5` makes it, but quicker."""
    return UUID(bytes=sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).digest()[:16], version=5)


_NAMESPACE_BYTES: Final = NAMESPACE.bytes


class Event(BaseModel):
    """A fact about one complaint. `occurred_at`: when it became true, by its producer's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: ClassVar[int] = 1
    """Version of the body's schema; a change that old readers can't take makes a new one."""

    event_id: UUID
    type: str
    complaint_id: UUID
    occurred_at: AwareDatetime

    @classmethod
    def create(cls, *, complaint_id: UUID, cause: object, occurred_at: AwareDatetime, **fields: Any) -> Self:
        """The event that `cause` makes; the same cause makes the same `event_id`.

        `cause` is any value whose `str()` names what brought the event about (an event id, a form's nonce, a clock's name).
        Raises `pydantic.ValidationError` naming every fault.
        """
        event_type = cls.model_fields["type"].default
        return cls(
            event_id=event_id_of(f"{complaint_id}/{event_type}/{cause}"),
            complaint_id=complaint_id,
            occurred_at=occurred_at,
            **fields,
        )

    @property
    def subject(self) -> UUID:
        """CloudEvents' subject, and the record's key: the complaint."""
        return self.complaint_id

    @property
    def dataschema(self) -> str:
        """CloudEvents' dataschema: path of this body's JSON Schema below `tanggap/contracts/schemas/`."""
        return f"{self.type}.v{self.version}.json"


class ComplaintSubmitted(Event):
    """intake accepted a complaint. `attributes`: what else the app says of it, in keys of its own; never who reported."""

    type: Literal["complaint.submitted"] = "complaint.submitted"
    number: str
    app: str
    client_request_id: str
    source: str | None = None
    category: str | None = None
    description: str
    location: Point | None = None
    address: str | None = None
    media: tuple[str, ...] = ()
    reported_at: AwareDatetime | None = None
    received_at: AwareDatetime
    attributes: Attributes = Field(default_factory=dict, json_schema_extra={"default": {}})


class ComplaintSupported(Event):
    """Another citizen has the same problem (me-too)."""

    type: Literal["complaint.supported"] = "complaint.supported"
    app: str
    client_request_id: str


class ComplaintAssigned(Event):
    """routing named the unit that must act. `ward`: the kelurahan of the place, whoever acts.

    `also`: units that are told at the same time, such as an emergency service; nothing is asked of them.
    """

    type: Literal["complaint.assigned"] = "complaint.assigned"
    unit: Unit
    ward: Unit | None
    agency: str | None
    category: str
    urgency: Urgency
    clocks: tuple[ClockTerm, ...]
    decision: Decision
    also: tuple[Unit, ...] = ()


class ComplaintTriageRequested(Event):
    """No unit could be named: a person at the desk of `unit` decides, on a clock of its own.

    `unit` is the city's triage desk, or the ward or kecamatan whose head decides. `ward`: the kelurahan of the place, where it is
    known. `also`: units that are told at the same time, as of an assignment. Version 2 added values of `problem`.
    """

    version: ClassVar[int] = 2

    type: Literal["complaint.triage_requested"] = "complaint.triage_requested"
    unit: Unit
    problem: TriageProblem
    category: str | None
    urgency: Urgency
    clocks: tuple[ClockTerm, ...]
    decision: Decision
    ward: Unit | None = None
    also: tuple[Unit, ...] = ()


class ComplaintMerged(Event):
    """The complaint duplicates `into`."""

    type: Literal["complaint.merged"] = "complaint.merged"
    into: UUID


class ComplaintUnmerged(Event):
    """The complaint turned out not to be a duplicate."""

    type: Literal["complaint.unmerged"] = "complaint.unmerged"
    was_into: UUID


class ComplaintTransferRequested(Event):
    """The unit says that another must act (bukan wewenang)."""

    type: Literal["complaint.transfer_requested"] = "complaint.transfer_requested"
    actor: Actor
    note: str
    suggested_unit: Unit | None = None


class _Notification(Event):
    """What became of one alert. Never an address."""

    notification_id: UUID
    unit: Unit
    role: str
    channel: Channel


class OfficialNotified(_Notification):
    """A provider took, or refused, an alert."""

    type: Literal["official.notified"] = "official.notified"
    state: DeliveryState


class OfficialSeen(_Notification):
    """The official opened the complaint from the alert."""

    type: Literal["official.seen"] = "official.seen"


class OfficialUnreachable(_Notification):
    """Every channel of the official failed, or the unit has nobody on its roster."""

    type: Literal["official.unreachable"] = "official.unreachable"
    reason: str


class _Act(Event):
    """An official's act. `note` is written for the public; `evidence` holds URLs."""

    actor: Actor
    note: str | None = None
    evidence: tuple[str, ...] = ()


class ComplaintAcknowledged(_Act):
    """The unit has taken the complaint to hand."""

    type: Literal["complaint.acknowledged"] = "complaint.acknowledged"


class ComplaintCoordinated(_Act):
    """The unit handed the work to, or arranged it with, another (koordinasi, disposisi)."""

    type: Literal["complaint.coordinated"] = "complaint.coordinated"
    with_unit: Unit
    disposed: bool = False
    """True where an agency handed it to its own branch (disposisi)."""


class ComplaintProgressed(_Act):
    """Work has begun or gone on."""

    type: Literal["complaint.progressed"] = "complaint.progressed"


class ComplaintAnswered(_Act):
    """A public answer that changes no stage."""

    type: Literal["complaint.answered"] = "complaint.answered"
    note: str


class ComplaintWaitingReporter(_Act):
    """The unit asked the reporter something; clocks pause."""

    type: Literal["complaint.waiting_reporter"] = "complaint.waiting_reporter"
    note: str


class ComplaintResumed(_Act):
    """The reporter answered or the wait was given up; clocks run on."""

    type: Literal["complaint.resumed"] = "complaint.resumed"


class ComplaintResolved(_Act):
    """The unit says that the problem is mended, and how."""

    type: Literal["complaint.resolved"] = "complaint.resolved"
    note: str


class ComplaintRejected(_Act):
    """The unit will not act, and says why."""

    type: Literal["complaint.rejected"] = "complaint.rejected"
    note: str


class ComplaintVerified(Event):
    """The reporter or an independent verifier confirms the resolution."""

    type: Literal["complaint.verified"] = "complaint.verified"
    by: Literal["reporter", "verifier"]


class ComplaintReopened(Event):
    """The resolution did not hold; the clocks run on from where they stood."""

    type: Literal["complaint.reopened"] = "complaint.reopened"
    by: Literal["reporter", "verifier"]
    reason: str


class ComplaintRated(Event):
    """The reporter's rating, one to five stars."""

    type: Literal["complaint.rated"] = "complaint.rated"
    stars: Annotated[int, Field(ge=1, le=5)]


class ComplaintEscalated(Event):
    """A breach went up the chain."""

    type: Literal["complaint.escalated"] = "complaint.escalated"
    level: Annotated[int, Field(ge=1)]
    from_unit: Unit
    to_unit: Unit
    clock: ClockName


class _Deadline(Event):
    clock: ClockName
    due_at: AwareDatetime
    unit: Unit


class SlaWarned(_Deadline):
    """The warning share of a clock's budget is used."""

    type: Literal["sla.warned"] = "sla.warned"


class SlaBreached(_Deadline):
    """A clock's budget ran out. `minutes_late` is counted when it fires, calendar minutes."""

    type: Literal["sla.breached"] = "sla.breached"
    minutes_late: Annotated[int, Field(ge=0)]


ALL: tuple[type[Event], ...] = (
    ComplaintSubmitted,
    ComplaintSupported,
    ComplaintAssigned,
    ComplaintTriageRequested,
    ComplaintMerged,
    ComplaintUnmerged,
    ComplaintTransferRequested,
    OfficialNotified,
    OfficialSeen,
    OfficialUnreachable,
    ComplaintAcknowledged,
    ComplaintCoordinated,
    ComplaintProgressed,
    ComplaintAnswered,
    ComplaintWaitingReporter,
    ComplaintResumed,
    ComplaintResolved,
    ComplaintRejected,
    ComplaintVerified,
    ComplaintReopened,
    ComplaintRated,
    ComplaintEscalated,
    SlaWarned,
    SlaBreached,
)
"""Every event, in the order of a complaint's life."""

BY_TYPE: Mapping[str, type[Event]] = {model.model_fields["type"].default: model for model in ALL}


def _decoder(model: type[Event]) -> Callable[[bytes], Event]:
    def decode(body: bytes) -> Event:
        return model.model_validate_json(body, extra="ignore")

    return decode


def decoders(*models: type[Event]) -> Mapping[str, Callable[[bytes], Event]]:
    """A reader for each of `models` (all events if none is named), by `ce_type`; unknown fields are ignored.

    A reader raises `pydantic.ValidationError` for a body that is not the event.
    """
    return {model.model_fields["type"].default: _decoder(model) for model in models or ALL}
