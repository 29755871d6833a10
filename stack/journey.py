"""The main job done once, with nothing but what an upstream app, a lurah and an ops person have: HTTP, a mail, a page."""

import asyncio
import textwrap
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console
from rich.markup import escape

from stack import forms
from stack.local import LocalStack
from tanggap.contracts.events import whole_percent

_STEP_SECONDS = 30
_PROBE_SECONDS = 0.1
_TZ = ZoneInfo("Asia/Jakarta")

# By the car park of IRTI Monas, a place where rubbish is in truth reported often; well inside kelurahan Gambir.
COMPLAINT: Mapping[str, Any] = {
    "description": (
        "Sampah menumpuk di pintu masuk parkir IRTI Monas sejak kemarin sore. Plastik dan sisa makanan berserakan sampai ke "
        "trotoar, baunya menyengat dan banyak lalat. Mohon segera diangkut."
    ),
    "category": "sampah",
    "location": {"lat": -6.1790, "lon": 106.8265},
    "address": "Pintu masuk parkir IRTI Monas, Jalan Medan Merdeka Selatan",
    "source": "demo",
    "reporter": {"name": "Ani Wulandari", "phone": "+6281200000000", "email": "ani@warga.example"},
}
NOTE = "Sampah sudah diangkut petugas PPSU pagi ini, trotoar sudah disapu dan disiram. Terima kasih atas laporannya."

T = TypeVar("T")


class StepFailed(Exception):  # noqa: N818 - what failed is the step, in a person's words
    """A step did not come about; the text says what was seen instead."""


@dataclass(slots=True)
class Journey:
    """What is known of one complaint on its way."""

    stack: LocalStack
    console: Console
    client: httpx.AsyncClient
    id: str = ""
    number: str = ""
    unit_code: str = ""
    unit_name: str = ""
    link: str = ""
    began: float = 0.0
    figures_before: dict[str, dict[str, Any]] = field(default_factory=dict)  # by unit code

    def tell(self, what: str, text: str, *details: str) -> None:
        """Print one line of the journey, and what stands behind it."""
        passed = time.monotonic() - self.began
        self.console.print(f"[dim]{passed:6.2f} s[/dim]  [bold]{what:<13}[/bold] {escape(text)}", soft_wrap=True)
        # An address is kept whole, so that it can be opened from the terminal.
        lines = (line for detail in details for line in textwrap.wrap(detail, 96, break_long_words=False, break_on_hyphens=False))
        for line in lines:
            self.console.print(f"[dim]{'':24}{escape(line)}[/dim]", soft_wrap=True)

    # ---- the steps, in order ----

    async def submit(self) -> None:
        """An upstream app hands the complaint in."""
        body = {
            **COMPLAINT,
            "client_request_id": str(uuid.uuid4()),
            "occurred_at": datetime.now(_TZ).isoformat(timespec="seconds"),
        }
        answer = await self.client.post(f"{self.stack.addresses.intake}/v1/complaints", json=body, headers=self._key())
        accepted = _expect(answer, 201)
        self.id, self.number = accepted["id"], accepted["number"]
        self.tell("Accepted", f"{self.number}, {accepted['stage']}", str(COMPLAINT["description"]))
        again = await self.client.post(f"{self.stack.addresses.intake}/v1/complaints", json=body, headers=self._key())
        if _expect(again, 200)["id"] != self.id:
            raise StepFailed("the same complaint sent again was taken for a second one")
        self.tell("Sent again", f"the same answer, still {self.number}: a retry makes no second complaint")

    async def route(self) -> None:
        """The routing service names the unit and says why."""
        url = f"{self.stack.addresses.routing}/v1/decisions/{self.id}"
        decision = await self._until("a decision", lambda: self._get(url), lambda found: found is not None)
        assert decision is not None  # noqa: S101 - the condition says so
        unit = _unit_of(decision)
        self.unit_code, self.unit_name = unit["code"], unit["name"]
        reason = decision["reason"]
        self.tell(
            "Routed",
            f"to {self.unit_name} ({self.unit_code}, {decision['method']}, confidence {whole_percent(decision['confidence'])}%)",
            reason["id"],
            reason["en"],
        )

    async def alert(self) -> None:
        """The unit's official gets a mail with a link."""
        url = f"{self.stack.addresses.mail}/messages.json"
        mail = await self._until("a mail that names this complaint", lambda: self._mail(url), lambda found: found is not None)
        assert mail is not None  # noqa: S101 - the condition says so
        base = self.stack.addresses.notifier
        links = [link for link in mail["links"] if link.startswith(f"{base}/c/")]
        if not links:
            raise StepFailed(f"the mail has no link to {base}/c/…, only {mail['links']}")
        self.link = links[0]
        self.tell("Alerted", f"{', '.join(mail['to'])}: {mail['subject']}", f"{self.stack.addresses.mail}/messages/{mail['id']}")

    async def open_page(self) -> None:
        """The official opens the link."""
        title, offered = await self._page()
        if not offered:
            raise StepFailed(f"the page “{title}” offers no form")
        self.tell("Page opened", title, self.link)

    async def acknowledge(self) -> None:
        """The official takes the complaint on."""
        await self._act("acknowledge", {})
        view = await self._complaint_until("an acknowledgment", lambda found: "complaint.acknowledged" in _types(found))
        self.tell("Acknowledged", f"the reporter sees {view['stage']}", *_clocks(view))

    async def resolve(self) -> None:
        """The official answers with what was done."""
        await self._act("resolve", {"note": NOTE})
        view = await self._complaint_until("stage selesai", lambda found: found["stage"] == "selesai")
        notes = [line["note"] for line in view["history"] if line["type"] == "complaint.resolved"]
        if NOTE not in notes:
            raise StepFailed(f"the answer's note did not come back to the app: {notes}")
        if not view["unit"] or view["unit"]["code"] != self.unit_code:
            raise StepFailed(f"intake says that the unit is {view['unit']}, routing said {self.unit_code}")
        self.tell("Answered", f"{self.number} is {view['stage']}", NOTE)
        self.tell("Clocks", "all promises kept" if _all_met(view) else "not every promise was kept", *_clocks(view))

    async def measure(self) -> None:
        """The SLA figures show it."""
        before = self.figures_before.get(self.unit_code, {})

        def shown(groups: Mapping[str, Mapping[str, Any]]) -> bool:
            row = groups.get(self.unit_code)
            return row is not None and all(row[name] >= before.get(name, 0) + 1 for name in _COUNTED)

        row = (await self._until(f"{self.unit_name} with one more answered in the figures", self._figures, shown))[self.unit_code]
        half, most = row["first_response_p50"], row["first_response_p90"]
        self.tell(
            "Figures",
            f"{self.unit_name}: {row['received']} received, {row['answered']} answered ({whole_percent(row['response_rate'])}%), "
            f"{row['resolved']} resolved, {row['overdue']} overdue",
            f"first response within {half:.1f} s (half of them), {most:.1f} s (nine in ten)",
            f"{self.stack.addresses.metrics}/",
        )

    # ---- how the steps are taken ----

    async def _act(self, act: str, filled: Mapping[str, str]) -> None:
        """Fill in and send the page's own form for this act, as a browser does."""
        title, offered = await self._page()
        for form in offered:
            if form.fields.get("act") == act:
                answer = await self.client.post(urljoin(self.link, form.action), data={**form.fields, **filled})
                break
        else:
            raise StepFailed(f"the page “{title}” has no form for {act}; it has {[form.fields.get('act') for form in offered]}")
        if answer.is_redirect:
            answer = await self.client.get(urljoin(self.link, answer.headers["location"]))
        if not answer.is_success:
            raise StepFailed(f"the page answered {answer.status_code} to {act}: {forms.read(answer.text)[0]}")

    async def _page(self) -> tuple[str, list[forms.Form]]:
        answer = await self.client.get(self.link)
        title, offered = forms.read(answer.text)
        if not answer.is_success:
            raise StepFailed(f"the link answered {answer.status_code}: {title}")
        return title, [form for form in offered if form.method == "post"]

    async def _complaint_until(self, wanted: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        url = f"{self.stack.addresses.intake}/v1/complaints/{self.id}"
        found = await self._until(wanted, lambda: self._get(url), lambda view: view is not None and holds(view))
        assert found is not None  # noqa: S101 - the condition says so
        return found

    async def _figures(self) -> dict[str, dict[str, Any]]:
        answer = await self.client.get(f"{self.stack.addresses.metrics}/v1/figures", params={"group_by": "unit"})
        return {group["code"]: group for group in _expect(answer, 200)["groups"]}

    async def _mail(self, url: str) -> dict[str, Any] | None:
        mails: list[dict[str, Any]] = _expect(await self.client.get(url, params={"q": self.number}), 200)
        return mails[0] if mails else None

    async def _get(self, url: str) -> dict[str, Any] | None:
        answer = await self.client.get(url, headers=self._key())
        return None if answer.status_code == httpx.codes.NOT_FOUND else _expect(answer, 200)

    async def _until(self, wanted: str, look: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
        """Look again and again until it holds, at most `_STEP_SECONDS`."""
        deadline = time.monotonic() + _STEP_SECONDS
        while True:
            found = await look()
            if holds(found):
                return found
            if time.monotonic() > deadline:
                raise StepFailed(f"waited {_STEP_SECONDS} s for {wanted}; last seen: {textwrap.shorten(str(found), 400)}")
            await asyncio.sleep(_PROBE_SECONDS)

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stack.app_key}"}


_COUNTED = ("received", "answered", "resolved")


async def travel(stack: LocalStack, console: Console) -> Journey | None:
    """Send one complaint on its way and print each step as it comes about; none if one did not, with where to look."""
    console.print()
    console.print("[bold]One complaint, end to end[/bold]")
    async with httpx.AsyncClient(timeout=15, trust_env=False, follow_redirects=False) as client:
        journey = Journey(stack, console, client, began=time.monotonic())
        steps: list[tuple[str, str, Callable[[], Awaitable[None]]]] = [
            ("handing the complaint in", "intake", journey.submit),
            ("routing it", "routing", journey.route),
            ("alerting the official", "notifier", journey.alert),
            ("opening the link", "notifier", journey.open_page),
            ("acknowledging", "notifier", journey.acknowledge),
            ("answering", "notifier", journey.resolve),
            ("showing it in the figures", "metrics", journey.measure),
        ]
        for name, service, step in steps:
            try:
                await step()
            except (StepFailed, httpx.HTTPError, KeyError, TypeError, ValueError) as error:
                why = str(error) if isinstance(error, StepFailed) else f"{type(error).__name__}: {error}"
                console.print(f"[red]Failed at {name}: {escape(why)}[/red]", soft_wrap=True)
                console.print(f"[red]The log of {service} is {stack.folder.logs / f'{service}.log'}[/red]", soft_wrap=True)
                return None
    console.print()
    return journey


def _expect(answer: httpx.Response, status: int) -> Any:
    if answer.status_code != status:
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise StepFailed(f"{asked} answered {answer.status_code} instead of {status}: {answer.text[:400]}")
    return answer.json()


def _unit_of(decision: Mapping[str, Any]) -> Mapping[str, Any]:
    unit = decision.get("unit")
    if not isinstance(unit, Mapping):
        raise StepFailed(f"no unit was named: {textwrap.shorten(str(decision), 400)}")
    return unit


def _types(view: Mapping[str, Any]) -> set[str]:
    return {line["type"] for line in view["history"]}


def _clocks(view: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell each promise and how it stands, in words, one a line."""
    told = []
    for clock in view["due"]["clocks"]:
        due = datetime.fromisoformat(clock["due_at"]).astimezone(_TZ).strftime("%a %d %b %H:%M") if clock["due_at"] else ""
        told.append(f"{clock['clock'].replace('_', ' '):<15} {clock['standing']}" + (f", due {due} WIB" if due else ""))
    return tuple(told)


def _all_met(view: Mapping[str, Any]) -> bool:
    return all(clock["standing"] == "met" for clock in view["due"]["clocks"])
