"""A spreadsheet computes nothing of what runs say, and nothing is lost on the way back."""

import csv
import io

import pytest

from tests.report.made import run
from unlearnleak.runs.loading import to_csv
from unlearnleak.runs.rows import read_rows
from unlearnleak.runs.spreadsheet import cell, text_of

FORMULAS = ["=1+1", '=HYPERLINK("http://a","b")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\n=1", "\uff1d1+1", "'=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text_and_comes_back(text):
    assert cell(text) == f"'{text}"
    assert text_of(cell(text)) == text


@pytest.mark.parametrize("text", ["rt", "-", "-0.5", "+1.5e-3", "'quoted'", "a=b", "", "5e771465", "[3]"])
def test_other_text_stays_as_it_is(text):
    assert cell(text) == text
    assert text_of(text) == text


@pytest.mark.parametrize("value", [-0.5, -3, None, True, [1, 2]])
def test_what_is_no_text_stays_what_it_is(value):
    assert cell(value) is value


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "a\x1b[2J", "\0=1"])
def test_characters_that_a_terminal_acts_on_are_written_out(text):
    assert cell(text).isprintable()
    assert cell(text)[0] not in "=+-@\t\r"


def test_a_table_of_runs_with_formulas_for_names_comes_back(tmp_path):
    told = {
        "dataset": FORMULAS[0],
        "attack": FORMULAS[1],
        "unlearner": FORMULAS[2],
        "verdict": [3],
        "=own()": 1,
        "own": -0.5,
    }
    out = io.StringIO()
    to_csv([run(**told)], out)
    (tmp_path / "a.csv").write_text(out.getvalue())
    written = [text for row in csv.reader(io.StringIO(out.getvalue())) for text in row]
    assert not [text for text in written if text[:1] in "=+-@" and text not in ("", "-0.5")]
    (back,) = read_rows(tmp_path / "a.csv")
    assert {key: back[key] for key in told} == told
