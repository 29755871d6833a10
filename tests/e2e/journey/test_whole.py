"""The whole of Tanggap on one machine, started once for all of these: what the README tells a newcomer to type, a journey that breaks
off, one trace through all services, and every part killed.
"""

import asyncio
import io
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import BrowserContext
from rich.console import Console

from stack import journey
from stack.local import PORTS, SERVICES, LocalStack
from tanggap.platform import telemetry
from tanggap.platform.topics import COMPLAINTS
from tests.support.collector import Collector, open_collector
from tests.support.plumbing import eventually, headers_of, read_all
from tests.support.servers import open_folder

pytestmark = pytest.mark.timeout(240)
ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with open_collector() as opened:
        yield opened


@pytest.fixture(scope="module")
async def stack(collector: Collector) -> AsyncIterator[LocalStack]:
    """All that `make run` starts, every service with traces on; whoever ends a part starts it again."""
    # Spans go out every fifth of a second instead of every five.
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    async with open_folder("whole") as folder, LocalStack(folder, environment={"*": traced}) as made:
        yield made


def here(text: str, stack: LocalStack) -> str:
    """The README's addresses as they are on this stack, whose ports are any that were free."""
    for name, port in PORTS.items():
        if hasattr(stack.addresses, name):
            text = text.replace(f"http://127.0.0.1:{port}", stack.addresses.url(name))
    return text


def curl(command: str, key: str) -> httpx.Response:
    """Do what a curl command line asks; curl itself need not be on the machine."""
    words = shlex.split(command.replace("$KEY", key))
    assert words[:2] == ["curl", "-s"]
    url, *rest = words[2:]
    headers, body = {}, None
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        if option == "-H":
            name, _, text = value.partition(": ")
            headers[name] = text
        else:
            assert option == "-d"
            body = value
    return httpx.request("POST" if body else "GET", url, headers=headers, content=body, timeout=10, trust_env=False)


def until(ask: Any, holds: Any) -> Any:
    deadline = time.monotonic() + 30
    while not holds(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer


def gambir(figures: str, key: str) -> dict[str, int]:
    """What the README's figures say of the ward Gambir."""
    rows = {row["code"]: row for row in curl(figures, key).json()["groups"]}
    return {name: rows.get("31.71.01.1001", {}).get(name, 0) for name in ("received", "answered", "resolved")}


async def test_what_the_readme_tells_to_type_posts_a_complaint_that_is_alerted_answered_on_a_phone_and_seen_in_the_figures(
    stack: LocalStack, tmp_path: Path, phone: BrowserContext
) -> None:
    (tmp_path / ".stack").mkdir()
    (tmp_path / ".stack" / "stack.json").write_bytes(stack.folder.stack_json.read_bytes())
    [posting] = [block for block in BLOCKS if "/v1/complaints" in block]
    first, _, command = posting.partition("\n")
    inner = re.fullmatch(r'KEY=\$\(python3 (-c ".*")\)', first)
    assert inner is not None
    key = subprocess.run(
        [sys.executable, *shlex.split(inner[1])], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout.strip()
    assert key == stack.app_key

    [figures] = [here(block.strip(), stack) for block in BLOCKS if "/v1/figures" in block]
    before = gambir(figures, key)

    answer = curl(here(command, stack), key)

    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert said["number"].startswith("JK")
    mine = {"Authorization": f"Bearer {key}"}
    with httpx.Client(timeout=10, trust_env=False) as client:
        view = until(
            lambda: client.get(f"{stack.addresses.intake}/v1/complaints/{said['id']}", headers=mine).json(),
            lambda found: found["unit"],
        )
        assert view["unit"]["name"] == "Gambir"
        reason = client.get(f"{stack.addresses.routing}/v1/decisions/{said['id']}").json()["reason"]
        assert "Gambir" in reason["id"]
        assert "Gambir" in reason["en"]
        mails = f"{stack.addresses.mail}/messages.json"
        [mail] = until(lambda: client.get(mails, params={"q": said["number"]}).json(), bool)
        assert mail["to"] == ["lurah.gambir@jakarta.example"]
        assert said["number"] in mail["subject"]
        assert "+62 811 0000 000" not in json.dumps(mail)

    open_now = {**before, "received": before["received"] + 1}
    until(lambda: gambir(figures, key), lambda row: row == open_now)

    page = await phone.new_page()
    await page.goto(next(link for link in mail["links"] if "/c/" in link))
    await page.locator("summary", has_text="Selesaikan laporan").click()
    await page.fill("#note-resolve", "Sudah diangkut, terima kasih.")
    await page.locator("form:has(#note-resolve) button").click()
    await page.get_by_text("Laporan sudah Anda selesaikan").wait_for()

    closed = {**open_now, "answered": before["answered"] + 1, "resolved": before["resolved"] + 1}
    until(lambda: gambir(figures, key), lambda row: row == closed)


# --- one trace --------------------------------------------------------------------------------------------------------------------


async def post(stack: LocalStack, name: str, **headers: str) -> dict[str, Any]:
    """A complaint of a broken street lamp at Monas, as an app posts it; returns what intake said."""
    body = {
        "client_request_id": name,
        "description": "Lampu jalan mati sejak tiga malam.",
        "category": "pju",
        "location": {"lat": -6.1754, "lon": 106.8272},
        "reporter": {"name": "Siti Nurbaya", "phone": "+6281299887766", "email": "siti.nurbaya@warga.example"},
    }
    async with httpx.AsyncClient(base_url=stack.addresses.intake, trust_env=False, timeout=5) as client:
        answer = await client.post("/v1/complaints", json=body, headers={"Authorization": f"Bearer {stack.app_key}", **headers})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def routed(stack: LocalStack, complaint_id: str) -> None:
    """Wait until the complaint has its unit, as the app sees it."""
    async with httpx.AsyncClient(base_url=stack.addresses.intake, trust_env=False) as client:

        async def unit() -> Any:
            answer = await client.get(f"/v1/complaints/{complaint_id}", headers={"Authorization": f"Bearer {stack.app_key}"})
            return answer.json()["unit"]

        await eventually(unit)


async def test_one_post_is_one_trace_through_all_services_to_the_last_handler(stack: LocalStack, collector: Collector) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    said = await post(stack, "traced", traceparent=f"00-{trace}-00f067aa0ba902b7-01")

    last = ("tanggap-metrics", "process official.notified")
    way = [
        ("tanggap-intake", "POST /v1/complaints"),
        ("tanggap-routing", "process complaint.submitted"),
        ("tanggap-notifier", "process complaint.assigned"),
        ("tanggap-notifier", "send alert"),
        last,
    ]
    found = await eventually(lambda: [span for span in collector.of(trace) if (span.service, span.name) == last])
    await eventually(lambda: collector.path(found[0]) == way, 5)
    readers = {"tanggap-intake", "tanggap-notifier", "tanggap-metrics"}
    assigned = "process complaint.assigned"
    await eventually(lambda: {span.service for span in collector.of(trace) if span.name == assigned} == readers)
    spans = {(span.service, span.name): span for span in collector.of(trace)}
    assert spans[way[0]].parent == "00f067aa0ba902b7", "the app's own span is above all"
    told = [
        headers_of(record) for record in await read_all(stack.addresses.kafka, COMPLAINTS) if record.key == said["id"].encode()
    ]
    published = {headers["ce_type"]: headers["traceparent"] for headers in told}
    assert {telemetry.trace_id(each) for each in published.values()} == {trace}
    assert published["complaint.submitted"][36:52] == spans[way[0]].id
    assert published["complaint.assigned"][36:52] == spans[way[1]].id


async def test_traces_hold_no_reporter_no_words_no_key_and_no_link_and_nothing_of_the_probes(
    stack: LocalStack, collector: Collector
) -> None:
    said = await post(stack, "private")
    async with httpx.AsyncClient(trust_env=False) as client:

        async def mailed() -> Any:
            return (await client.get(f"{stack.addresses.mail}/messages.json", params={"q": said["number"]})).json()

        [mail] = await eventually(mailed)
        link = next(link for link in mail["links"] if "/c/" in link)
        assert (await client.get(link)).status_code == 200
        await stack.ready("notifier")
    page = "GET /c/{token}"
    await eventually(lambda: page in {span.name for span in collector.spans})
    sent = b"".join(collector.bodies)
    for secret in ("Siti", "6281299887766", "siti.nurbaya", "Lampu jalan mati", stack.app_key, link.rpartition("/c/")[2]):
        assert secret.encode() not in sent
    made = {span.name.partition(" ")[0] for span in collector.spans}
    assert made <= {"GET", "POST", "process", "send"}, "the services' own spans, and none that a library makes beside them"
    assert not [span.name for span in collector.spans if span.name.endswith(("/livez", "/readyz", "/metrics"))]


async def test_an_app_that_has_no_trace_begins_one(stack: LocalStack, collector: Collector) -> None:
    before = {span.trace_id for span in collector.spans}
    await post(stack, "untraced")
    (root,) = await eventually(
        lambda: [span for span in collector.spans if span.name == "POST /v1/complaints" and span.trace_id not in before]
    )
    assert root.parent == ""
    await eventually(lambda: {"tanggap-routing", "tanggap-metrics"} <= {span.service for span in collector.of(root.trace_id)})


async def test_spans_that_wait_go_out_when_a_service_is_told_to_stop(
    stack: LocalStack, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    request = ("tanggap-intake", "POST /v1/complaints")
    program = stack._parts["intake"].program
    with monkeypatch.context() as held:
        held.setattr(program, "environment", {**program.environment, "OTEL_BSP_SCHEDULE_DELAY": "600000"})
        await stack.restart("intake")
    try:
        await post(stack, "held", traceparent=f"00-{trace}-b7ad6b7169203331-01")
        # The others' spans are there, so that intake's would be if it sent any by itself.
        await eventually(lambda: "tanggap-metrics" in {span.service for span in collector.of(trace)})
        assert request not in {(span.service, span.name) for span in collector.of(trace)}
        assert await stack.terminate("intake")
        assert request in {(span.service, span.name) for span in collector.of(trace)}
    finally:
        await stack.launch("intake")


@pytest.mark.parametrize("trouble", ["away", "silent"])
async def test_a_collector_in_trouble_delays_no_request_and_no_end(stack: LocalStack, collector: Collector, trouble: str) -> None:
    if trouble == "away":
        collector.stop()
    else:
        collector.silent = True
    try:
        began = time.monotonic()
        said = await post(stack, f"while the collector is {trouble}")
        assert time.monotonic() - began < 2
        await routed(stack, said["id"])
        if trouble == "silent":
            await eventually(lambda: "tanggap-intake" in collector.waiting)
            # More spans that wait behind the ones that are stuck.
            await post(stack, "behind them")
        began = time.monotonic()
        assert await stack.terminate("intake"), "it ended by itself"
        assert time.monotonic() - began < 15
    finally:
        collector.stop()
        collector.silent = False
        collector.start()
        await stack.launch("intake")


# --- trouble ----------------------------------------------------------------------------------------------------------------------


async def test_a_journey_that_breaks_off_says_where_and_does_not_claim_success(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = journey.Journey.alert

    async def impatient(self: journey.Journey) -> None:
        monkeypatch.setattr(journey, "_STEP_SECONDS", 1)
        await alert(self)

    monkeypatch.setattr(journey.Journey, "alert", impatient)
    told = io.StringIO()
    await stack.terminate("notifier")
    try:
        travelled = await journey.travel(stack, Console(file=told, width=400))
    finally:
        await stack.launch("notifier")
    assert travelled is None
    assert "Failed at alerting the official: waited 1 s for a mail that names this complaint" in told.getvalue()
    assert f"The log of notifier is {stack.folder.logs / 'notifier.log'}" in told.getvalue()
    assert "Routed" in told.getvalue()
    assert "Figures" not in told.getvalue()


async def test_every_part_comes_back_from_a_kill_and_one_may_be_kept_down(stack: LocalStack) -> None:
    victims = ("mail", "intake", "postgres", "kafka")
    before = stack.pids
    await asyncio.gather(*(stack.kill(name, stay_down=True) for name in victims))
    assert set(stack.pids) == set(before) - set(victims)
    await asyncio.gather(*(stack.launch(name) for name in ("kafka", "postgres", "mail")))
    assert "intake" not in stack.pids, "what is to stay down is not started by the supervisor"
    await stack.launch("intake")
    await asyncio.gather(*(stack.ready(name) for name in SERVICES))
    after = stack.pids
    assert {name for name in before if after[name] != before[name]} == set(victims), "the others outlive it"
    await stack.kill("intake")
    await stack.ready("intake")
    assert stack.pids["intake"] != after["intake"]
    await routed(stack, (await post(stack, "after all that"))["id"])
