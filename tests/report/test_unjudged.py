"""Runs that judge no class (screening=none) are shown, and counted in no rate of verdicts."""

import json

import pytest

from tests.cli.called import call
from tests.report.made import judged, write_run
from unlearnleak.metric.verdict import verdict_metrics
from unlearnleak.report.build import build
from unlearnleak.runs.loading import load_runs

VERDICT = (*verdict_metrics([True], [1.0], [True]), "asr_published", "verdict", "scores", "detection_score")


@pytest.fixture(params=["null", "absent"])
def runs(tmp_path, request):
    """A run that judges and two that do not, which say so with None or not at all."""
    write_run(tmp_path / "runs" / "judged", **judged([3], [3]))
    for seed in range(2):
        folder = write_run(tmp_path / "runs" / f"none{seed}", **judged([3], [3], seed=seed))
        path = folder / "result.json"
        told = json.loads(path.read_text()) | {"screening": "none"} | dict.fromkeys(VERDICT)
        kept = {key: value for key, value in told.items() if request.param == "null" or key not in VERDICT}
        path.write_text(json.dumps(kept))
    return tmp_path / "runs"


def test_they_are_finished_runs(runs):
    assert [run["status"] for run in load_runs([runs])] == ["done"] * 3


@pytest.mark.parametrize("words", [[], ["--markdown"], ["--csv"], ["--pivot", "exact"], ["--shuffle-truth", "1"]])
def test_tables_hold_those_that_judge(runs, capsys, words):
    assert call("table", runs, *words) == 0
    assert ("1/1" in capsys.readouterr().out) == (words != ["--csv"])


def test_the_page_and_other_commands_cope(runs, capsys):
    page = build([runs]).read_text()
    assert page.count("no class judged") == 2
    assert "No class was judged. In truth forgotten: <b>3</b>" in page
    for words in (["variance"], ["paper"], ["variance", "--metric", "retain_acc"]):
        assert call(words[0], runs, *words[1:]) == 0
    assert build([runs], against=[runs], page_only=True).is_file()


def test_they_come_back_from_a_csv(runs, tmp_path, capsys):
    assert call("table", runs, "--csv") == 0
    (tmp_path / "all.csv").write_text(capsys.readouterr().out)
    found = load_runs([tmp_path / "all.csv"])
    assert [run.get("verdict") for run in found] == [[3], None, None]
    build([tmp_path / "all.csv"], page_only=True)
    lines = (tmp_path / "all.csv").read_text().splitlines()
    (tmp_path / "some.csv").write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    assert [run["screening"] for run in load_runs([tmp_path / "some.csv"])] == ["none"] * 2
