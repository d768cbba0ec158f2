"""Runs that recover images, in tables, figures and the page; no class is judged anywhere in them."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from tests.cli.called import call
from tests.report.made import judged, write_run
from unlearnleak.analysis.recovered import recoveries
from unlearnleak.config.objective import RECOVERED
from unlearnleak.figure.recovered import IMAGES, recovered_chart
from unlearnleak.metric.verdict import verdict_metrics
from unlearnleak.report.build import build
from unlearnleak.report.tables.recovered import sheets
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.sheet import SHEET, write_sheet
from unlearnleak.runs.words import named

VERDICT = (*verdict_metrics([True], [1.0], [True]), "asr_published", "verdict", "scores", "detection_score")
ERRORS = {"rt": [0.01, 0.05], "ng": [0.02, 0.03]}
"""Mean squared errors of two runs of each unlearner; a retained image has 0.04, the class mean 0.03."""


def recovered(unlearner, seed, error):
    """What a run says that recovered two images."""
    numbers = dict.fromkeys(RECOVERED, 0.5) | {"reconstruction_mse": error, "reconstruction_psnr": 10.0}
    numbers |= {"reconstruction_mse_placebo": 0.04, "reconstruction_mse_class_mean": 0.03}
    told = judged([3], [3], seed=seed) | dict.fromkeys(VERDICT) | numbers
    words = {"unlearner": unlearner, "attack": "gradient_matching", "screening": "none", "image_shape": [1, 4, 4]}
    return told | words | {"forget_samples": 2, "original_retain_acc": 0.9, "settings": "5e771465"}


@pytest.fixture
def runs(tmp_path):
    """Four runs, the first of each unlearner with a contact sheet of two images."""
    for unlearner, errors in ERRORS.items():
        for seed, error in enumerate(errors):
            folder = write_run(tmp_path / "runs" / f"{unlearner}{seed}", **recovered(unlearner, seed, error))
            if seed == 0:
                write_sheet(folder, np.full((2, 1, 4, 12), 100, dtype=np.uint8))
    return tmp_path / "runs"


def frame_of(folder):
    return framed([named(run) for run in load_runs([folder])])


def test_a_line_has_the_means_and_how_many_runs_come_closer_than_both_placebos(runs):
    found = recoveries(frame_of(runs))
    assert [(one.unlearner, one.n, one.closer, one.images) for one in found] == [("rt", 2, 1, "2"), ("ng", 2, 1, "2")]
    for one in found:
        assert one.numbers["mse"] == pytest.approx(np.mean(ERRORS[one.unlearner]))
        assert one.numbers["mse_placebo"] == pytest.approx(0.04)
        assert one.original == pytest.approx(0.9)


def test_undefined_numbers_are_dashes_and_count_for_nothing(tmp_path):
    told = recovered("rt", 0, 0.01) | dict.fromkeys([name for name in RECOVERED if name != "reconstruction_mse"])
    write_run(tmp_path / "runs" / "one", **told)
    (one,) = recoveries(frame_of(tmp_path / "runs"))
    assert (one.closer, one.numbers["ssim"], one.numbers["mse"]) == (0, None, 0.01)
    (sheet,) = sheets(frame_of(tmp_path / "runs"))
    assert sheet.rows[0].count("-") == 9


def test_runs_without_such_numbers_have_no_line(tmp_path):
    write_run(tmp_path / "runs" / "one", **judged([3], [3]))
    assert recoveries(frame_of(tmp_path / "runs")) == []
    page = build([tmp_path / "runs"]).read_text()
    assert "What was recovered" not in page
    assert not (tmp_path / "runs" / "report" / "tables" / "recovered.csv").exists()


def test_the_terminals_table_shows_them_without_an_empty_one_of_verdicts(runs, capsys):
    assert call("table", runs) == 0
    shown = capsys.readouterr().out
    assert "digits: gradient_matching" in shown
    assert re.search(r"rt +1 +2 +2 +1/2 +0\.0300 +0\.0400 +0\.0300 +10\.0", shown)
    assert "ASR" not in shown


def test_the_page_and_the_files_show_them(runs):
    page = build([runs]).read_text()
    assert "What was recovered" in page
    assert "<strong>2/4</strong> runs" in page
    assert "No finished run has attacked" not in page
    assert page.count('class="recovered"') == 2
    assert page.count("No recovered images: the run keeps no contact sheet.") == 2
    table = pd.read_csv(runs / "report" / "tables" / "recovered.csv")
    assert table["reconstruction_mse"].tolist() == pytest.approx([0.03, 0.025])
    assert (runs / "report" / "figures" / "recovered_images.pdf").is_file()


def test_a_csv_of_them_comes_back_without_pictures(runs, tmp_path, capsys):
    assert call("table", runs, "--csv") == 0
    (tmp_path / "all.csv").write_text(capsys.readouterr().out)
    assert recoveries(frame_of(tmp_path / "all.csv")) == recoveries(frame_of(runs))
    page = build([tmp_path / "all.csv"], page_only=True).read_text()
    assert "<strong>2/4</strong> runs" in page
    assert 'class="recovered"' not in page


def test_a_sheet_that_is_none_costs_its_picture_alone(runs):
    (runs / "rt0" / SHEET).write_bytes(b"no picture")
    page = build([runs], page_only=True).read_text()
    assert page.count('class="recovered"') == 1
    assert f"{SHEET} cannot be read" in page


def test_the_figure_has_a_panel_for_each_unlearner_and_says_why_it_has_none(runs):
    chart = recovered_chart(frame_of(runs))
    assert [panel.text.partition(".")[0] for panel in chart.panels] == ["rt, 1", "ng, 1"]
    assert "recovered 0.0100, a retained image 0.0400, the class mean 0.0300" in chart.panels[0].text
    assert chart.data["images"].tolist() == [2, 2]
    for unlearner in ERRORS:
        (runs / f"{unlearner}0" / SHEET).unlink()
    assert "there is no contact sheet in" in recovered_chart(frame_of(runs)).missing


def test_of_many_images_the_page_shows_some_and_says_so(runs):
    write_sheet(runs / "rt0", np.zeros((IMAGES + 3, 1, 4, 12), dtype=np.uint8))
    assert f"{IMAGES} of {IMAGES + 3}" in build([runs], page_only=True).read_text()


def test_a_number_that_is_none_is_refused(runs):
    path = runs / "rt0" / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"reconstruction_mse": "small"}))
    (run,) = [run for run in load_runs([runs]) if run["directory"].name == "rt0"]
    assert run["status"] == "failed"
    assert "reconstruction_mse='small'" in run["why"]
