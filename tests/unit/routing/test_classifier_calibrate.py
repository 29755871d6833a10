"""How sure a classifier is: a temperature for texts of few words, and one for all others."""

from random import Random

import pytest

from services.routing.classifier.calibrate import DOUBTS, FEW_TEMPERATURES, TEMPERATURES, Scored, calibrate
from services.routing.classifier.classifier import softmax

AGENCIES = ("a", "b", "c", "d")


def texts(sharper, count, *, few, seed=36):
    """Texts whose scores are as sure as `sharper` times too little: right as often as their scores times that tell."""
    random = Random(seed)
    for _ in range(count):
        scores = [random.uniform(0, 4) for _ in AGENCIES]
        right = random.choices(range(4), softmax([score * sharper for score in scores], 1.0))[0]
        yield Scored(scores, right, few)


def test_texts_of_few_words_are_as_sure_as_they_are_right():
    chosen = calibrate([*texts(1.4, 900, few=True), *texts(0.6, 900, few=False)], AGENCIES).chosen
    assert chosen.few_temperature == pytest.approx(1 / 1.4, abs=0.12)
    assert chosen.temperature == pytest.approx(1 / 0.6, abs=0.25)


def test_texts_of_few_words_change_nothing_for_the_others():
    others = list(texts(0.6, 300, few=False))
    alone, beside = calibrate(others, AGENCIES).chosen, calibrate([*others, *texts(1.4, 300, few=True)], AGENCIES).chosen
    assert (alone.temperature, alone.doubt) == (beside.temperature, beside.doubt)
    assert alone.few_temperature == alone.temperature


def test_no_text_is_made_surer_than_the_bounds_allow():
    chosen = calibrate([*texts(9.0, 200, few=True), *texts(9.0, 200, few=False)], AGENCIES).chosen
    assert (chosen.few_temperature, chosen.temperature) == (min(FEW_TEMPERATURES), min(TEMPERATURES))
    assert chosen.doubt in DOUBTS
    # Only texts of few words may be told surer than their scores are.
    assert min(FEW_TEMPERATURES) < min(TEMPERATURES) == 1
