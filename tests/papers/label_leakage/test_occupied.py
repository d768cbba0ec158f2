"""Tables that no run belongs to are named, not printed."""

import csv
import io

import pytest

from tests.cli.called import call
from tests.report.made import judged, write_run
from tests.report.targets_made import attacked
from unlearnleak.papers.label_leakage.occupied import occupied, section
from unlearnleak.papers.label_leakage.tables import lines
from unlearnleak.runs.frame import framed


def test_what_has_a_run_stays_whole():
    kept, left = occupied(lines(framed([attacked([3])]), ["III", "V", "VIII"]))
    assert {section(line) for line in kept} == {("III", "mnist"), ("V", "param_dot / youden")}
    assert {line.unlearner for line in kept} > {"ft", "rl", "rt"}
    assert left == (
        "No run belongs to these of the paper's tables, which are left out: "
        "III (fashion_mnist, svhn, cifar10), V (param_dot / kmeans, param_diff / decision_tree), VIII."
    )


def test_nothing_is_left_out_where_nothing_was_asked():
    assert occupied([]) == ([], "")


@pytest.mark.parametrize("form", [[], ["--markdown"]])
def test_the_printout_has_no_other_table(tmp_path, capsys, form):
    write_run(tmp_path / "a", **judged([3], [3]) | {"dataset": "x[/y]", "asr_published": 0.9})
    assert call("paper", tmp_path, *form) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "x[/y]" in text
    printed = text.partition("Odd in the paper's own figures")[0]
    for words in ("Table IV", "Table VI", "kmeans", "| mnist |", ": mnist"):
        assert words not in printed
    assert "left out: III (mnist, fashion_mnist, svhn, cifar10), IV, V (param_dot / kmeans" in text
    assert "1 finished run is unproven" in text


def test_a_csv_has_none_of_them_either_and_standard_error_names_them(tmp_path, capsys):
    write_run(tmp_path / "a", **judged([3], [3]) | {"dataset": "mnist"})
    assert call("paper", tmp_path, "--csv", "--table", "III", "--table", "IV") == 0
    out, err = capsys.readouterr()
    assert {(row["table"], row["dataset"]) for row in csv.DictReader(io.StringIO(out))} == {("III", "mnist")}
    assert "left out: III (fashion_mnist, svhn, cifar10), IV." in err


@pytest.mark.parametrize("words", [("paper",), ("variance", "--metric", "auroc"), ("variance", "--markdown")])
def test_without_a_finished_run_there_is_no_table(tmp_path, capsys, words):
    write_run(tmp_path / "a", "failed", "ValueError: no")
    command, *more = words
    assert call(command, tmp_path, *more) == 0
    text = capsys.readouterr().out
    assert "left out" in text
    assert "1 runs in" in text
    assert "In percent" not in text
    assert len(text.split("\n\n")) <= 3
