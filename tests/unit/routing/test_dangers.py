"""Whoever answers the emergency number hears of a danger to life, whatever category and unit a complaint goes to, in either language."""

import pytest

from services.routing.router import Router
from tests.support.routing import DECIDED, JAKARTA, MONAS, submitted

EMERGENCY_SERVICE = "bpbd"
FIRE_SERVICE = "sudin-gulkarmat.31.71"


@pytest.fixture(scope="module")
def router():
    return Router.load(JAKARTA, now=lambda: DECIDED)


def told(router, text, category=None):
    """The codes of all units that a complaint at Monas reaches."""
    event = router.decide(submitted(category, MONAS, words=text, address=None))
    return {unit.code for unit in (event.unit, *event.also)}


@pytest.mark.parametrize(
    "text",
    [
        "Gedung runtuh, ada korban",
        "jembatan roboh",
        "ibu saya serangan jantung tolong ambulan",
        "Ada bom di mall",
        "ada orang pingsan di jalan",
        "tabrak lari, korban tergeletak",
        "anak tetangga kejang dari tadi",
        "ada anak tenggelam di kali",
        "someone is drowning",
        "I heard gunshots",
        "a wall collapsed, people are trapped",
        "my neighbor's house is burning",
    ],
)
@pytest.mark.parametrize("category", [None, "sampah", "lainnya"])
def test_a_danger_to_life_is_told_whatever_the_category(router, text, category):
    assert EMERGENCY_SERVICE in told(router, text, category)


@pytest.mark.parametrize(
    "text",
    [
        "my neighbor's house is burning",
        "a building burning near me, please hurry",
        "the market is on fire",
        "rumah tetangga kebakar",
        "kebakaran di gang",
        "ada kobaran api dari atap ruko",
    ],
)
@pytest.mark.parametrize("category", [None, "sampah"])
def test_a_fire_reaches_the_fire_service(router, text, category):
    assert FIRE_SERVICE in told(router, text, category)


@pytest.mark.parametrize(
    "text",
    [
        "Sampah menumpuk di depan pasar",
        "Lampu jalan mati sudah seminggu, tolong diperbaiki",
        "people burn trash here every evening",
        "The road is full of potholes",
        "Trotoar rusak, banyak pedagang kaki lima",
        "Tutup got hilang, tolong segera ditutup sebelum ada korban",
        "jangan sampai ada korban, jalan rusak parah",
        "anak-anak sering hampir tertabrak motor, minta polisi tidur",
        "rumah kosong di sebelah mau ambruk",
        "got ini bom waktu, sampahnya numpuk",
        "the website collapsed again",
    ],
)
def test_what_endangers_nobody_is_not_told_as_a_danger(router, text):
    assert not {EMERGENCY_SERVICE, FIRE_SERVICE} & told(router, text)
