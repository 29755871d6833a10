"""`make quality` prints every figure from the committed sets, and fails where one is below its bound."""

import subprocess
import sys

import pytest

from quality.__main__ import AGENCY_RIGHT, CATEGORY_RIGHT, CROSSED, HELD_BACK, Figure, fault_of_model, of_subjects
from services.routing.classifier.classifier import MODEL
from services.routing.classifier.figures import Text, measure
from tests.support.routing import JAKARTA


class Knows:
    """Right about whatever it is told is right."""

    threshold = 0.5

    def __init__(self, right):
        self.right = right

    def classify(self, text):
        from services.routing.classifier.classifier import Guess  # noqa: PLC0415 - the test's own stand-in

        best = "a" if text in self.right else "b"
        return Guess(best, 0.9, ((best, 0.9),), ("x",), None)


def figures(right, held_back):
    texts = [Text(str(number), "a", None) for number in range(20)]
    asked = Knows({str(number) for number in range(right)})
    return {one.what: one for one in of_subjects(measure(asked, texts, {"a": "x", "b": "y"}), held_back)}


def test_texts_that_no_builder_has_seen_must_reach_the_bounds():
    found = figures(16, HELD_BACK)
    assert found["right category, held back"] == Figure("classifier", "right category, held back", 20, 0.8, CATEGORY_RIGHT)
    assert not found["right category, held back"].low
    assert found["right agency, held back"].least == AGENCY_RIGHT
    assert found["right agency, held back"].low


def test_texts_that_the_builder_knows_have_no_bound():
    assert not any(one.low for one in figures(0, CROSSED).values())


def test_a_model_that_is_not_what_its_builder_makes_is_told_with_what_to_do(tmp_path):
    (tmp_path / MODEL).write_text("{}\n", encoding="utf-8")
    assert fault_of_model("{}\n", tmp_path) is None
    assert fault_of_model("{ }\n", tmp_path).endswith("mend it with: tanggap classifier build")


@pytest.mark.timeout(300)  # the cross-validation alone takes a minute and more on a busy machine
def test_the_command_prints_all_parts_no_figure_misses_its_bound_and_the_model_is_what_its_builder_makes():
    run = subprocess.run(
        [sys.executable, "-m", "quality"], cwd=JAKARTA.parents[1], capture_output=True, text=True, timeout=280, check=False
    )
    # A fall below a bound is named on stderr, and a model that is not what the builder makes of its sources.
    assert (run.returncode, run.stderr) == (0, "")
    for said in (
        "random points of the land",
        "landmarks in the kelurahan",
        "ward by words, held back",
        "right agency, held back",
        "right agency, left out of what was learned",
        "without words that only it",
    ):
        assert said in run.stdout
    assert "coverage against accuracy" in run.stdout
    assert "most often taken for another" in run.stdout
