"""What the table says, wherever it puts it."""

import io
import math

import numpy as np
import pytest
from rich.console import Console

from tests.report.made import run
from unlearnleak.report.tables import leaks as table
from unlearnleak.report.tables.leaks import counts, markdown
from unlearnleak.runs.frame import framed

SIX = [
    run(asr=a, exact_match=float(a == 1), forget_acc=f, retain_acc=r, asr_published=p, gate=g, forgotten_ranked_first=k)
    for a, f, r, p, g, k in [
        (1.0, 0.00, 0.95, 0.99, "passed", 1.0),
        (0.9, 0.02, 0.96, None, "passed", 0.0),
        (1.0, 0.10, 0.90, 0.75, "failed", 1.0),
        (0.8, 0.00, 0.93, 0.80, "passed", 0.0),
        (1.0, None, 0.97, 0.90, "passed", 1.0),
        (0.6, 0.01, 0.99, 0.85, "passed", None),
    ]
]


def lines(runs) -> list[dict[str, str]]:
    """The table's lines, by column name."""
    header, _, *body = [
        [cell.strip() for cell in line.strip("| \n").split("|")] for line in markdown(framed(runs)).splitlines()
    ]
    return [dict(zip(header, line, strict=True)) for line in body]


def cell(line: dict[str, str], column: str) -> str:
    (name,) = [name for name in line if name == column or name.startswith(f"{column} ")]
    return line[name]


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("ASR", "asr"),
        ("const", "asr_constant"),
        ("publ.", "asr_published"),
        ("rank", "forgotten_ranked_first"),
        ("forget", "forget_acc"),
        ("retain", "retain_acc"),
    ],
)
def test_a_rate_is_the_mean_over_the_runs_where_it_is_defined(column, key):
    (line,) = lines(SIX)
    values = [one[key] for one in SIX if one[key] is not None]
    assert float(cell(line, column)) == pytest.approx(100 * np.mean(values), abs=0.051)


def test_a_rate_that_is_defined_nowhere_is_a_dash():
    (line,) = lines([run(asr_published=None)])
    assert cell(line, "publ.") == "-"


def wilson(hits: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    p = hits / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def test_exact_verdicts_are_counted_with_wilsons_interval():
    (line,) = lines(SIX)
    low, high = wilson(3, 6)
    share, *bounds = "".join(c if c in "0123456789/" else " " for c in cell(line, "exact")).split()
    assert share == "3/6"
    assert [int(bound) for bound in bounds] == [round(100 * low), round(100 * high)] == [19, 81]


def test_gates_are_counted_and_the_control_is_said():
    assert cell(lines(SIX)[0], "gate") == "5/6"
    control = run(unlearner="none", gate="control", forgotten=[], forgotten_ranked_first=None)
    assert cell(lines([control])[0], "gate") == "control"


def test_only_finished_runs_count():
    unfinished = [{"status": status, "why": "x", "directory": "d"} for status in ("failed", "skipped", "running")]
    assert lines([*SIX, *unfinished]) == lines(SIX)
    assert counts([*SIX, *unfinished, unfinished[0]]) == "6 done, 2 failed, 1 running, 1 skipped"


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": "svhn"},
        {"unlearner": "ng"},
        {"attack": "param_diff"},
        {"screening": "kmeans"},
        {"forgotten": [1, 2, 3]},
    ],
    ids=str,
)
def test_what_differs_is_a_line_of_its_own(other):
    found = lines([run(asr=0.5), run(asr=1.0, **other), run(asr=0.7)])
    assert sorted(float(cell(line, "ASR")) for line in found) == [60.0, 100.0]


def test_forgetting_one_class_is_one_line_whichever_it_is():
    assert len(lines([run(forgotten=[1]), run(forgotten=[2])])) == 1


def test_unlearners_come_in_the_papers_order_the_control_last():
    runs = [run(unlearner=name) for name in ("none", "ng", "mine", "au", "rl", "ft", "rt")]
    runs[0] |= {"gate": "control", "forgotten": []}
    order = [line["unlearner"] for line in lines(runs)]
    assert [name for name in order if name != "mine"] == ["rt", "ft", "rl", "au", "ng", "none"]


def test_the_terminals_table_fits_80_columns_and_has_every_number():
    runs = [
        *SIX,
        *(run(unlearner=name, attack="inversion_gradient", screening="threshold", asr=0.123) for name in ("rt", "ng")),
        run(dataset="fashion_mnist", attack="inversion_genetic", forgotten=[1, 2, 3], asr=0.456),
    ]
    out = io.StringIO()
    console = Console(file=out, width=80)
    for section in table.sheets(framed(runs)):
        console.print(section)
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for line in lines(runs):
        for name in ("ASR", "const", "publ.", "exact", "rank", "forget", "retain", "gate"):
            assert cell(line, name) in text
    for word in ("inversion_gradient", "fashion_mnist", "threshold"):
        assert word in text
