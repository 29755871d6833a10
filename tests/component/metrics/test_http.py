"""The figures, the files and the board over HTTP."""

import csv
import io
import json
import re

import httpx
import pytest

from services.metrics.app import make_app
from tanggap.platform.database import Database
from tests.support.metrics import GAMBIR, GAMBIR_DISTRICT, PINANGSIA


@pytest.fixture
async def get(database, city, board):
    """Ask the service; the clock is the test's."""
    app = make_app(database, city, now=lambda: board.now)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://metrics"
    ) as client:

        async def ask(path, method="GET", **parameters):
            return await client.request(method, path, params=parameters, headers={"Accept-Language": "id"})

        yield ask


@pytest.fixture
async def small_city(board, life):
    lives = [
        life(number="JK2611240001").submitted().assigned(GAMBIR).acknowledged(1).resolved(3),
        life(number="JK2611240002").submitted().assigned(GAMBIR).acknowledged(3),
        life(number="JK2611240003").submitted().assigned(PINANGSIA, category="jalan_rusak", coordinate=8),
        life(number="JK2611240004").submitted().triaged(),
    ]
    await board.fold(*lives)
    await board.tick(lives[0].at(10))
    return lives


def text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def table(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_figures_by_unit_are_named_and_summed(get, small_city):
    answer = await get("/v1/figures", group_by="unit")
    assert answer.status_code == 200
    found = answer.json()
    assert found["as_of"] == "2026-11-24T15:00:00Z"
    assert found["group_by"] == "unit"
    assert found["total"] == {
        "received": 4, "answered": 2, "response_rate": 0.5, "first_response_p50": 7200.0, "first_response_p90": 10080.0, "open": 3,
        "overdue": 3, "triage": 1, "resolved": 1, "rejected": 0, "merged": 0, "breaches": 0,
    }  # fmt: skip
    assert [(group["code"], group["name"], group["received"]) for group in found["groups"]] == [
        (GAMBIR.code, "Gambir", 2),
        (PINANGSIA.code, "Pinangsia", 1),
        ("triase", "Meja Triase CRM Jakarta", 1),
    ]


async def test_without_a_grouping_there_is_the_total_only_and_kotas_and_categories_have_names(get, small_city):
    assert (await get("/v1/figures")).json()["groups"] == []
    kotas = (await get("/v1/figures", group_by="kota")).json()["groups"]
    assert [(one["code"], one["name"]) for one in kotas] == [
        ("31.71", "Kota Administrasi Jakarta Pusat"),
        ("31.73", "Kota Administrasi Jakarta Barat"),
        (None, None),
    ]
    categories = (await get("/v1/figures", group_by="category")).json()["groups"]
    assert [one["code"] for one in categories] == ["jalan_rusak", "pju", None]
    assert [one["name"] for one in categories] == ["Jalan rusak", "Lampu jalan (PJU) mati", None]


async def test_a_bad_question_is_answered_422_with_every_fault_named(get):
    answer = await get("/v1/figures", **{"group_by": "ward", "from": "today", "unit": "31.99", "colour": "red"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {
        "query:group_by",
        "query:from",
        "query:unit",
        "query:colour",
    }
    assert (await get("/v1/figures.csv", group_by="ward")).status_code == 422


@pytest.mark.parametrize("path", ["/v1/figures", "/v1/figures.csv", "/v1/overdue.csv", "/"])
async def test_a_monitor_may_ask_for_the_head_alone(get, small_city, path):
    head = await get(path, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == (await get(path)).headers["content-type"]


@pytest.mark.parametrize("path", ["/v1/figures", "/v1/figures.csv", "/v1/overdue.csv", "/"])
async def test_a_database_that_is_away_is_said_with_a_time_to_come_back(city, path):
    nowhere = Database("postgresql://metrics:pw@127.0.0.1:1/tanggap", "metrics")
    await nowhere.start()
    transport = httpx.ASGITransport(make_app(nowhere, city), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://metrics") as client:
        answer = await client.get(path)
    await nowhere.stop()
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"]


async def test_the_ranking_as_a_file_says_what_the_api_says(get, small_city):
    answer = await get("/v1/figures.csv", group_by="unit")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="figures-unit.csv"'
    gambir = table(answer)[0]
    assert (gambir["code"], gambir["name"], gambir["received"], gambir["response_rate"]) == (GAMBIR.code, "Gambir", "2", "1.0")
    assert gambir["as_of"] == "2026-11-24T22:00:00+07:00"
    [whole] = table(await get("/v1/figures.csv"))
    assert (whole["code"], whole["received"], whole["overdue"]) == ("all", "4", "3")


async def test_what_is_overdue_as_a_file_latest_first_in_the_citys_time(get, small_city):
    found = table(await get("/v1/overdue.csv"))
    assert [(row["number"], row["clock"], row["minutes_late"]) for row in found] == [
        ("JK2611240004", "coordinate", "480"),
        ("JK2611240002", "coordinate", "240"),
        ("JK2611240003", "coordinate", "120"),
    ]
    assert found[0]["due_at"] == "2026-11-24T14:00:00+07:00"


async def test_a_unit_named_like_a_formula_is_disarmed_in_the_file(get, board, life):
    evil = GAMBIR.model_copy(update={"code": "31.99", "name": "=cmd|' /C calc'!A0"})
    late = life().submitted().assigned(evil, coordinate=1)
    await board.fold(late)
    await board.tick(late.at(10))
    assert [row["unit"] for row in table(await get("/v1/overdue.csv"))] == ["'=cmd|' /C calc'!A0"]
    assert [row["name"] for row in table(await get("/v1/figures.csv", group_by="unit"))] == ["'=cmd|' /C calc'!A0"]
    assert "<td>=cmd" not in (await get("/")).text


async def test_the_boards_first_words_answer_whether_we_answer_and_who_is_late(get, small_city):
    answer = await get("/")
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    words = text(answer)
    assert "50% dari 4 laporan sudah dijawab" in words
    assert "3 laporan terlambat saat ini, yang paling lama terlambat 8 jam." in words
    assert "Data sampai Sel, 24 Nov 2026 22.00 WIB" in words
    assert re.search(r"Masuk 4 Terjawab 2 Tingkat respons 50% Terlambat saat ini 3 Respons pertama, median 2 jam", words)
    assert re.search(r"JK2611240004 belum ditentukan Meja Triase CRM Jakarta terlambat 8 jam .* koordinasi Menunggu", words)


async def test_the_board_speaks_english_when_asked_and_keeps_it_in_its_links(get, small_city):
    answer = await get("/", lang="en", period="30d")
    assert "50% of 4 complaints have been answered" in text(answer)
    assert 'lang="en"' in answer.text
    assert 'href="/?period=30d&amp;sort=rate&amp;lang=en#ranking"' in answer.text


async def test_the_board_says_how_many_complaints_a_rate_stands_on(get, small_city):
    assert re.search(r"Gambir Kelurahan 2 2 100% hanya 2 laporan", text(await get("/")))


async def test_what_is_late_is_shown_whenever_it_was_received(get, board, life):
    old = life(number="JK2608010001").submitted().assigned(GAMBIR)
    await board.fold(old)
    await board.tick(old.at(24 * 100))
    words = text(await get("/", period="today"))
    assert "Belum ada laporan yang masuk pada periode ini" in words
    assert "1 laporan terlambat saat ini" in words
    assert "JK2608010001" in words
    assert re.search(r"Gambir Kelurahan 0 0 – – 1", words)


async def test_what_a_camat_is_late_with_is_told_apart_from_what_the_ward_of_that_name_is(get, board, life):
    complaint = life(number="JK2611240009").submitted().triaged(unit=GAMBIR_DISTRICT)
    await board.fold(complaint)
    await board.tick(complaint.at(10))
    (line,) = [line for line in re.findall(r"<tr>.*?</tr>", (await get("/")).text, re.DOTALL) if "JK2611240009" in line]
    assert "Gambir Kecamatan" in " ".join(re.sub(r"<[^>]+>", " ", line).split())


async def test_an_empty_city_has_a_page_of_its_own(get, board, life):
    await board.tick(life().at(0))
    words = text(await get("/", period="all"))
    assert "Belum ada laporan yang masuk" in words
    assert "Tidak ada. Setiap laporan yang terbuka masih dalam batas waktunya." in words
    assert "Belum ada unit yang menerima laporan" in words


async def test_the_board_owns_up_when_it_lags_or_has_not_read_the_log(get, board, life, small_city):
    board.now = small_city[0].at(11)
    assert "Angka ini tertinggal 1 jam" in text(await get("/"))
    async with board.database.connection() as connection:
        await connection.execute("UPDATE partitions SET watermark = NULL")
    assert "Log belum terbaca seluruhnya" in text(await get("/"))


async def test_a_unit_is_found_by_its_name_and_a_name_that_nobody_has_is_said(get, small_city):
    assert "Pinangsia" in text(await get("/", find="PINANG")).partition("Peringkat unit")[2]
    found = text(await get("/", find="<script>")).partition("Peringkat unit")[2]
    assert "Tidak ada unit yang namanya memuat" in found
    assert "<script>" not in (await get("/", find="<script>")).text.partition("<main")[2]


@pytest.mark.parametrize(
    "parameters", [{"period": "x", "sort": "x", "lang": "x", "all": "x"}, {"find": "\0" * 100}, {"sort": "rate"}]
)
async def test_no_address_makes_the_board_fail(get, small_city, parameters):
    assert (await get("/", **parameters)).status_code == 200


async def test_the_board_names_no_citizen_and_tells_no_complaint(get, board, life):
    secret = life().submitted(description="RAHASIA-WARGA", address="Jl. RAHASIA 1").assigned(coordinate=0.1)
    await board.fold(secret)
    await board.tick(secret.at(9))
    pages = [await get(path) for path in ("/", "/v1/figures", "/v1/overdue.csv", "/v1/figures.csv")]
    assert all("RAHASIA" not in page.text for page in pages)


async def test_the_figures_are_described_in_openapi_as_people_read_them(database, city):
    described = json.dumps(make_app(database, city).openapi())
    assert "the first official act that the citizen can read" in described
    assert '"name": "group_by"' in described
