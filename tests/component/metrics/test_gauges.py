"""What Prometheus scrapes."""

import pytest
from prometheus_client import REGISTRY

from services.metrics.gauges import EVENTS, Gauges
from tests.support.metrics import GAMBIR, PINANGSIA

PUSAT = "Kota Administrasi Jakarta Pusat"


@pytest.fixture
def gauges(database, city, board):
    return Gauges(database, city, now=lambda: board.now)


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels)


async def test_the_headline_figures_are_shown_per_kota_and_stage(gauges, board, life):
    lives = [
        life(number="JK1").submitted().assigned(GAMBIR).acknowledged(2).resolved(3),
        life(number="JK2").submitted().assigned(GAMBIR).acknowledged(4),
        life(number="JK3").submitted().assigned(PINANGSIA, coordinate=100),
        life(number="JK4").submitted().triaged(),
    ]
    await board.fold(*lives)
    await board.tick(lives[0].at(10))
    await gauges.refresh()
    assert value("tanggap_complaints_received", kota=PUSAT) == 2
    assert value("tanggap_complaints_answered", kota=PUSAT) == 2
    assert value("tanggap_complaints_open", kota=PUSAT, stage="menunggu") == 1
    assert value("tanggap_complaints_overdue", kota=PUSAT) == 1
    assert value("tanggap_complaints_overdue", kota="none") == 1
    assert value("tanggap_complaints_overdue", kota="Kota Administrasi Jakarta Barat") == 0
    assert value("tanggap_first_response_seconds", kota=PUSAT, quantile="0.5") == 3 * 3600
    assert value("tanggap_figures_as_of_seconds") == lives[0].at(10).timestamp()


async def test_what_is_no_longer_so_is_no_longer_shown_and_nothing_overdue_is_nought_not_absent(gauges, board, life):
    complaint = life().submitted().assigned(GAMBIR)
    await board.fold(complaint)
    await board.tick(complaint.at(8))
    await gauges.refresh()
    await board.fold(complaint.resolved(9))
    await gauges.refresh()
    assert value("tanggap_complaints_open", kota=PUSAT, stage="menunggu") is None
    assert value("tanggap_complaints_overdue", kota=PUSAT) == 0


async def test_no_label_names_a_ward_or_a_complaint(gauges, board, life, city):
    await board.fold(*(life(number=f"JK{n}").submitted().assigned(ward.unit) for n, ward in enumerate(city.wards()[::5])))
    await board.tick(life().at(8))
    await gauges.refresh()
    samples = [
        sample
        for metric in REGISTRY.collect()
        if metric.name.startswith(("tanggap_complaints", "tanggap_first"))
        for sample in metric.samples
    ]
    assert len({sample.labels["kota"] for sample in samples}) <= 7
    assert {label for sample in samples for label in sample.labels} <= {"kota", "stage", "quantile"}


async def test_events_are_counted_by_what_became_of_them(board, life):
    before = EVENTS.labels("illegal")._value.get()
    await board.fold(life().submitted().assigned().resolved(1).acknowledged(2))
    assert EVENTS.labels("illegal")._value.get() == before + 1
