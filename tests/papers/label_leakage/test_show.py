"""What is printed: every figure of the paper once, within 80 columns."""

import csv
import io

import pytest
from rich.console import Console

from tests.report.targets_made import attacked, published
from unlearnleak.papers.label_leakage.cells import DATASETS, TABLES, Place, paper_cells
from unlearnleak.papers.label_leakage.show import markdown, sheets, to_csv
from unlearnleak.papers.label_leakage.tables import lines
from unlearnleak.runs.frame import framed

WORDS = {"forget before": "forget_acc_before", "forget after": "forget_acc_after"}
WORDS |= {"retain before": "retain_acc_before", "retain after": "retain_acc_after"}


def grid():
    """Everything that makes lines: all methods, several settings, failed gates, other data sets and unlearners."""
    methods = {method for paper in TABLES.values() for method in paper.methods}
    runs = []
    for attack, screening in methods:
        told = {"attack": attack, "screening": screening}
        for dataset in (*DATASETS, "digits"):
            runs += published([0.8, 0.9, 1.0, 0.7, 0.95, 0.9], dataset=dataset, **told)
        runs += published([0.123], dataset="fashion_mnist", settings="0a1b2c3d", **told)
        runs += published([0.5, 0.6], unlearner="ng", gate="failed", **told)
        runs += published([0.4], unlearner="mine", **told)
        runs += [attacked([1, 2, 3], [1, 2], asr_published=0.9, **told)]
    return runs


@pytest.fixture(scope="module", params=[grid, lambda: [attacked([1, 2], [1, 2])]], ids=["many", "none"])
def found(request):
    return lines(framed(request.param()))


def cells_of(text: str) -> list[tuple[Place, str]]:
    """The paper's figures in a Markdown printout, with where they stand."""
    shown, table, head = [], "", []
    for row in text.splitlines():
        if row.startswith("Table "):
            table, head = row.split()[1].rstrip(":"), []
        elif row.startswith("|") and not head:
            head = [cell.strip() for cell in row.strip("|").split("|")]
        elif row.startswith("|") and "---" not in row:
            cells = dict(zip(head, (cell.strip() for cell in row.strip("|").split("|")), strict=False))
            if cells["paper"] not in ("", "-"):
                attack, _, screening = cells.get("attack / screening", "").partition(" / ")
                place = (table, cells["data set"].split()[0], cells["unlearner"].split()[0], attack, screening)
                shown.append((Place(*place, WORDS.get(cells.get("accuracy", ""), "asr")), cells["paper"]))
    return shown


def test_every_figure_of_the_paper_is_in_markdown_once_and_in_its_place(found):
    shown = cells_of(markdown(found))
    assert len(shown) == 244
    assert dict(shown) == paper_cells()


def test_and_in_the_csv(found):
    file = io.StringIO()
    to_csv(found, file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    fields = ("table", "dataset", "unlearner", "attack", "screening")
    shown = {
        Place(*(row[field] for field in fields), "asr" if row["attack"] else row["quantity"]): row["paper"]
        for row in rows
        if row["paper"]
    }
    assert sum(bool(row["paper"]) for row in rows) == 244
    assert shown == paper_cells()


def terminal(found) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80)
    for section in sheets(found):
        console.print(section)
    return out.getvalue()


def test_and_in_the_terminal_within_80_columns(found):
    text = terminal(found)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    words = text.split()
    for printed in ("28.30", "32.48", "86.17", "95.93", "76.65"):  # figures that the tables print once
        assert words.count(printed) == 1
    for place, printed in paper_cells().items():
        assert printed in words, place


def test_the_terminal_says_what_differs():
    text = terminal(lines(framed(grid()), ["III", "V"]))
    fashion = text.split("param_dot / youden, as published")[1].split("fashion_mnist")[1].splitlines()
    rows = [row.split() for row in [fashion[0], *fashion[1:7]]]
    variants = [row for row in rows if row[0] == "rt"]
    assert [row[1] for row in variants] == ["0a1b2c3d", "5e771465"]
    assert "12.30" in variants[0]
    assert " 0/2*" in text
    assert "all 3/4" in text


def test_the_csv_has_the_numbers_behind_it():
    file = io.StringIO()
    values = [0.8, 0.9, 1.0, 0.7, 0.95, 0.9]
    runs = [run for dataset in DATASETS for run in published(values, dataset=dataset)]
    to_csv(lines(framed(runs), ["V"]), file)
    (row,) = [
        row
        for row in csv.DictReader(io.StringIO(file.getvalue()))
        if (row["dataset"], row["unlearner"], row["screening"], row["quantity"])
        == ("all", "rt", "youden", "asr_published")
    ]
    assert float(row["percent"]) == pytest.approx(87.5)
    assert float(row["difference"]) == pytest.approx(87.5 - 90.75)
    assert (row["targets"], row["runs"], row["gate_failed"], row["parts"]) == ("24", "24", "0", "4")
    assert float(row["low"]) < 87.5 < float(row["high"])
