"""How good the gazetteer is on the committed cases, and that the measure counts right."""

import pytest

from quality.gazetteer import Case, Tally, ask, measure, table
from services.routing.gazetteer.gazetteer import Gazetteer, Named
from tanggap.contracts.events import Unit
from tests.support.routing import JAKARTA

ADDRESSES = JAKARTA.parents[1] / "quality" / "addresses.csv"
A, B = Unit(code="1.1.1.1", name="A"), Unit(code="1.1.1.2", name="B")
K, L = Unit(code="1.1.1", name="K"), Unit(code="1.1.2", name="L")


def case(truth, ward, kecamatan, confidence=0.9, kind="x"):
    return Case(*truth, kind, Named(ward, kecamatan, None, confidence, "name", "x"))


def test_right_wrong_and_missed_are_told_apart():
    figures = measure(
        [
            case((A.code, K.code), A, K, kind="a"),
            case((A.code, K.code), B, K, kind="a"),
            case((A.code, K.code), None, K, kind="a"),
            case((None, K.code), None, K, kind="b"),
            case((None, K.code), A, K, kind="b"),
            case((None, K.code), None, L, kind="b"),
            case((None, None), None, None, 0.0, kind="c"),
            case((None, None), A, K, 0.3, kind="c"),
        ]
    )
    assert figures.cases == 8
    assert figures.ward == Tally(8, right=4, wrong=3, missed=1)
    assert figures.kecamatan == Tally(8, right=6, wrong=2, missed=0)
    assert figures.sure == Tally(6, right=2, wrong=3, missed=1)
    assert figures.by_kind == {"a": Tally(3, 1, 1, 1), "b": Tally(3, 1, 2, 0), "c": Tally(2, 1, 1, 0)}
    assert figures.sure.share == pytest.approx(1 / 3)
    assert "wards                         8      4      3      1   50.0%" in table(figures)


def test_no_cases_are_no_failure():
    assert measure([]).ward.share == 1.0


def test_a_file_of_another_form_is_refused_with_its_line(tmp_path, jakarta):
    gazetteer = Gazetteer.load(JAKARTA, jakarta)
    path = tmp_path / "cases.csv"
    path.write_text("address,text\n")
    with pytest.raises(ValueError, match=r"cases.csv:1: the header must be address,text,ward,kecamatan,kind"):
        list(ask(path, gazetteer))
    path.write_text("address,text,ward,kecamatan,kind\nx,y,1\n")
    with pytest.raises(ValueError, match=r"cases.csv:2: needs 5 fields"):
        list(ask(path, gazetteer))


def test_on_the_committed_cases_wards_and_kecamatan_are_right_nearly_always(jakarta):
    figures = measure(ask(ADDRESSES, Gazetteer.load(JAKARTA, jakarta)))
    assert figures.cases > 250
    assert figures.ward.share >= 0.97
    assert figures.kecamatan.share >= 0.97
    assert figures.sure.share >= 0.97
    for kind in ("none", "outside", "street"):
        assert figures.by_kind[kind].wrong == 0
