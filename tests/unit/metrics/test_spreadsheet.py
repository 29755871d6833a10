"""Files for spreadsheets: whole, and harmless."""

import csv
import io

import pytest

from services.metrics import spreadsheet


def read(body):
    assert body.startswith(b"\xef\xbb\xbf"), "Excel takes a file without the mark for another encoding"
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "  =", "＝"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(start):
    cell = f'{start}HYPERLINK("http://evil.example","x")'
    [_, [found]] = read(spreadsheet.table(["name"], [[cell]]))
    assert found == f"'{cell}"


def test_numbers_stay_numbers_and_what_is_absent_is_empty():
    assert read(spreadsheet.table(["a", "b", "c"], [[-3, 0.5, None]])) == [["a", "b", "c"], ["-3", "0.5", ""]]


def test_commas_quotes_and_lines_in_a_name_do_not_break_the_rows():
    name = 'Kelurahan "Duri, Pulo"\nBarat'
    assert read(spreadsheet.table(["name"], [[name]]))[1] == [name]
