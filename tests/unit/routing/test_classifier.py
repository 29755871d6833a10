import pytest

from services.routing.classifier import Classifier
from tests.support.routing import JAKARTA


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load(JAKARTA)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Lampu jalan di gang kami sudah padam tiga malam", "pju"),
        ("sampah numpuk bgt ga diangkut2", "sampah"),
        ("fogging", "dbd"),
        ("There is rubbish everywhere, nobody collects it", "sampah"),
    ],
)
def test_a_text_is_about_its_category(classifier, text, category):
    guess = classifier.classify(text)
    assert guess.likely[0][0] == category
    assert guess.words


def test_a_text_of_no_known_word_has_no_category(classifier):
    guess = classifier.classify("zxqw vbnm")
    assert guess.category is None
    assert guess.words == ()
    assert guess.confidence < classifier.threshold
