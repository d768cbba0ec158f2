"""Files for papers: they hold the numbers, and LaTeX takes them."""

import csv
import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from tests.report.made import judged, run, write_run
from tests.report.sweep import write_sweep
from unlearnleak.analysis.compare import Change
from unlearnleak.analysis.names import UNLEARNERS
from unlearnleak.figure.accuracy import accuracy_chart
from unlearnleak.figure.chart import BLUE, Chart, Mark, Panel
from unlearnleak.figure.export import chart_files, paper_figure
from unlearnleak.report.gathered import gather
from unlearnleak.report.own_folder import write_all
from unlearnleak.report.tables.every import all_tables
from unlearnleak.report.tables.export import table_files
from unlearnleak.report.tables.table import Table
from unlearnleak.runs.frame import framed
from unlearnleak.runs.stored import Stores

WORD = r"50 % of a_b & {c} #1 $x$ ~ ^ \back|bar <script>alert(1)</script>"
TABLE = Table("name", "A caption with 95 %", pd.DataFrame({"what": [WORD], "n": [3]}), pd.DataFrame({"x": [1 / 3]}))


def test_the_csv_keeps_every_digit(tmp_path):
    write_all(tmp_path, table_files(TABLE))
    with (tmp_path / "name.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["x"]) == 1 / 3


def test_markdown_has_as_many_cells_as_columns(tmp_path):
    write_all(tmp_path, table_files(TABLE))
    caption, _, header, rule, row, *_ = (tmp_path / "name.md").read_text().splitlines()
    assert caption == "A caption with 95 %"
    assert len(re.split(r"(?<!\\)\|", header)) == len(re.split(r"(?<!\\)\|", row)) == 4
    assert set(rule) <= set("|- ")


def test_latex_has_booktabs_rules_and_no_bare_special_character(tmp_path):
    write_all(tmp_path, table_files(TABLE))
    text = (tmp_path / "name.tex").read_text()
    rules = [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")]
    assert rules == [2, 4, 1]  # the first page's head, the next ones', and what stands below a page
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1
    row = next(line for line in text.splitlines() if "back" in line)
    plain = re.sub(r"\\text[a-z]+\{\}", "", row)
    cells = re.split(r"(?<!\\)&", plain.removesuffix(r"\\"))
    assert len(cells) == 2
    assert not re.search(r"(?<!\\)[%$#_{}~^<>|]", plain.removesuffix(r"\\"))


HARD = [WORD, "[1] first", "*", "", "a\n\nb", "日本 ß é þ\x1b", "--", "?`", "'\"", *"&%$#_{}~^\\<>|"]
"""Names that a row may begin with."""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed (texlive-latex-recommended)")
def test_latex_compiles_every_table_of_a_report_of_bad_names(tmp_path):
    runs = write_sweep(tmp_path)
    write_run(runs / "hard", **judged([1], [1], dataset=WORD, unlearner=HARD[1], attack=HARD[2], screening=HARD[5]))
    report = gather([runs], [], Stores())
    change = Change((WORD, *HARD[1:4]), "ASR", 0.5, 1.0, 5, 5, 5, 0.5, (0.1, 0.9), "sign permutation", 0.01, 0.02)
    tables = all_tables(replace(report, changes=[change]))
    tables += [Table("hard", WORD, pd.DataFrame({WORD: HARD, "n": HARD}), pd.DataFrame())]
    for table in tables:
        write_all(tmp_path, table_files(table))
        inputs = rf"\input{{{table.stem}.tex}}"
        paper = rf"\documentclass{{article}}\usepackage{{booktabs,longtable}}\begin{{document}}{inputs}\end{{document}}"
        (tmp_path / "paper.tex").write_text(paper)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, f"{table.stem}: {done.stdout[-2000:]}"
        assert "Missing character" not in (tmp_path / "paper.log").read_text(errors="replace"), table.stem
    assert len(tables) == 8  # attacks, groups, three matrices, changes, runs, and the one above


def chart(panels: int) -> Chart:
    panel = Panel("a title", "words", lambda axis: axis.plot([0, 1], [0, 1]))
    return Chart("fig", "t", "c", panels=[panel] * panels, key=(Mark("m", BLUE),), data=pd.DataFrame({"x": [1.5]}))


def test_a_figure_is_a_pdf_and_a_png_with_its_data(tmp_path):
    write_all(tmp_path, chart_files(chart(4)))
    assert (tmp_path / "fig.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "fig.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "fig.csv").read_text() == "x\n1.5\n"


def test_models_of_which_none_failed_the_gate_draw_without_a_warning(recwarn):
    # An unclipped series of nothing counts as a mark at (0, 0), far below this figure's axes.
    runs = [run(**judged([3], [3], seed=seed), unlearner=word) for seed, word in enumerate(UNLEARNERS)]
    about = accuracy_chart(framed(runs))
    chart_files(about)
    assert len(about.key) == 7
    assert [str(one.message) for one in recwarn] == []


KEY = tuple(
    Mark(label, BLUE) for label in ("ASR, blind (mean over runs, 95 % interval from 5 runs on)", *"abc", "d " * 60)
)


@pytest.mark.parametrize("panels", [1, 2, 5])
def test_the_key_lies_within_the_figure_and_below_every_panel(panels):
    about = chart(panels)
    figure = paper_figure(Chart("fig", "t", "c", panels=about.panels, key=KEY))
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert [text.get_text().replace("\n", " ").strip() for text in legend.get_texts()] == [m.label.strip() for m in KEY]
    assert all(axis.get_tightbbox().y0 >= box.y1 for axis in figure.axes)


def test_the_same_figure_is_the_same_bytes():
    assert chart_files(chart(1)) == chart_files(chart(1))


def test_a_figure_that_could_not_be_drawn_leaves_no_file():
    assert chart_files(Chart("fig", "t", "c", missing="no runs")) == {}
