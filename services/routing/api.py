"""Why a complaint came to a unit, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from babel import negotiate_locale
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field

from services.routing.queries import QUERIES
from tanggap.contracts.events import (
    CategoryMethod,
    ClockTerm,
    ComplaintAssigned,
    ComplaintTriageRequested,
    TriageProblem,
    Unit,
    Urgency,
    Words,
    decoders,
)
from tanggap.platform.database import Database
from tanggap.platform.http import ProblemDetails, of_status

PATH = "/v1/decisions/{complaint_id}"
_READERS = decoders(ComplaintAssigned, ComplaintTriageRequested)
_PROBLEM: Mapping[str, Any] = {"model": ProblemDetails, "content": {"application/problem+json": {}}}


class DecisionView(BaseModel):
    """One decision: who must act, and why."""

    decided_at: datetime
    outcome: Literal["assigned", "triage"]
    unit: Unit = Field(description="The unit that must act; the triage desk where no unit could be named.")
    ward: Unit | None = Field(description="The kelurahan of the place, whoever acts; null where none could be named.")
    problem: TriageProblem | None = Field(description="What kept routing from naming a unit; null when assigned.")
    category: str | None
    agency: str | None
    urgency: Urgency
    method: Literal["point", "nearest", "text", "manual", "none"] = Field(description="What named the place.")
    confidence: float = Field(ge=0, le=1, description="How sure the place is.")
    rule: str | None = Field(description="The rule of the policy that decided.")
    alternatives: list[Unit] = Field(description="What else it might have been.")
    category_method: CategoryMethod | None = Field(
        description="What named the category: the app, the complaint's own words (`text`), a rule of the policy, or nothing. "
        "Null in decisions from before this was told."
    )
    category_confidence: float | None = Field(
        ge=0, le=1, description="How sure the likeliest category is, by the complaint's words; null where they were not asked."
    )
    category_words: list[str] = Field(
        description="The classifier's own terms that decided. From its vocabulary: never what the citizen wrote."
    )
    other_categories: list[str] = Field(description="Slugs of other categories that it may be, the likelier first.")
    conflicts: list[Words] = Field(
        description="What in the complaint contradicts the decision, such as a text that names another place than the point."
    )
    also: list[Unit] = Field(description="Units that were told at the same time; nothing is asked of them.")
    reason: Words = Field(description="The reason in Indonesian and English.")
    clocks: list[ClockTerm] = Field(description="The clocks as stamped.")
    policy_version: str
    wards_version: str
    classifier_version: str | None = Field(description="Of the classifier that was asked; null where none was.")
    gazetteer_version: str | None = Field(description="Of the gazetteer that was asked; null where none was.")


class DecisionsView(DecisionView):
    """The decision that stands on one complaint, and those before it."""

    complaint_id: UUID
    reason_text: str = Field(description="The reason of the decision that stands, in the language that was asked for.")
    history: list[DecisionView] = Field(description="Earlier decisions, the later first.")


def router(database: Database) -> APIRouter:
    """Make the routes. Decisions hold no reporter's identity and not the complaint's text, so reading them takes no key."""
    routes = APIRouter(tags=["decisions"])

    @routes.get(PATH, summary="Why a complaint came to its unit", responses={404: dict(_PROBLEM)})
    async def read_decisions(
        request: Request,
        response: Response,
        complaint_id: str,
        accept_language: Annotated[str | None, Header(description="`id` (the default) or `en`, for `reason_text`.")] = None,
    ) -> DecisionsView:
        del accept_language  # documented here, read from the request
        found = await _decisions(database, complaint_id)
        if not found:
            raise of_status(404, "No decision on a complaint of this id. A new complaint is decided within a second or two.")
        response.headers["Vary"] = "Accept-Language"
        first, *history = found
        reason = first.reason.en if _language(request) == "en" else first.reason.id
        return DecisionsView(**dict(first), complaint_id=UUID(complaint_id), reason_text=reason, history=history)

    return routes


async def _decisions(database: Database, complaint_id: str) -> list[DecisionView]:
    try:
        known = UUID(complaint_id)
    except ValueError:
        return []
    async with database.connection() as connection:
        rows = await connection.fetch(QUERIES.decisions_of.sql, known)
    return [_view(row["type"], row["body"]) for row in rows]


def _view(event_type: str, body: str) -> DecisionView:
    event = _READERS[event_type](body.encode())
    assert isinstance(event, ComplaintAssigned | ComplaintTriageRequested)  # noqa: S101 - nothing else is stored
    assigned = event if isinstance(event, ComplaintAssigned) else None
    decision = event.decision
    return DecisionView(
        decided_at=event.occurred_at,
        outcome="assigned" if assigned else "triage",
        unit=event.unit,
        ward=event.ward,
        problem=event.problem if isinstance(event, ComplaintTriageRequested) else None,
        category=event.category,
        agency=assigned.agency if assigned else None,
        urgency=event.urgency,
        method=decision.method,
        confidence=decision.confidence,
        rule=decision.rule,
        alternatives=list(decision.alternatives),
        reason=decision.reason,
        clocks=list(event.clocks),
        policy_version=decision.policy_version,
        wards_version=decision.wards_version,
        category_method=decision.category_method,
        category_confidence=decision.category_confidence,
        category_words=list(decision.category_words),
        other_categories=list(decision.other_categories),
        conflicts=list(decision.conflicts),
        also=list(event.also),
        classifier_version=decision.classifier_version,
        gazetteer_version=decision.gazetteer_version,
    )


def _language(request: Request) -> str:
    """`id` or `en`, whichever the reader likes better; Indonesian where nothing is said."""
    wanted = []
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), tag.strip().replace("-", "_")))
        except ValueError:
            continue
    preferred = [tag for quality, tag in sorted(wanted, key=lambda one: one[0]) if tag and quality]
    return negotiate_locale(preferred, ["id", "en"]) or "id"
