"""Where forgotten images go, beside where retraining sends them."""

import numpy as np
import pytest

from tests.report.made import judged, write_run
from unlearnleak.analysis.evaluated import measured
from unlearnleak.figure.destinations import destination_chart
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.words import named

YARDSTICK = [0.1, 0.3, 0.2, 0.0, 0.4]


def told(unlearner, seed, shares):
    distance = {"name": "distance", "shares_forget_test": shares, "retrained_shares_forget_test": YARDSTICK}
    distance |= {"original_shares_forget_test": [0.0, 0.0, 0.0, 1.0, 0.0], "js_forget_test": 0.2}
    words = {"unlearner": unlearner, "evaluation": distance, "key_evaluation": f"{unlearner}{seed}"}
    return judged([3], [3], seed=seed) | words


def test_the_chart_has_a_bar_for_each_unlearner_between_retraining_and_the_original(tmp_path):
    for seed in range(2):
        write_run(tmp_path / f"ng{seed}", **told("ng", seed, [0.0, 0.5, 0.5 - seed / 4, seed / 4, 0.0]))
        write_run(tmp_path / f"ft{seed}", **told("ft", seed, YARDSTICK))
    chart = destination_chart(measured(framed([named(run) for run in load_runs([tmp_path])])))
    shares = chart.data.pivot(index="model", columns="part", values="share")
    assert np.allclose(shares.sum(axis=1), 1)
    assert shares.loc["retrained", "retraining's first"] == pytest.approx(0.4)
    assert shares.loc["original", "the forgotten classes"] == 1
    assert shares.loc["ng", "the forgotten classes"] == pytest.approx(0.125)
    assert shares.loc["ng", "its second"] == pytest.approx(0.5)
    assert set(chart.data["n"]) == {2}
    assert "ng (n 2): 12 % the forgotten classes, 0 % retraining's first, 50 % its second" in chart.panels[0].text


def test_without_shares_there_is_no_chart(tmp_path):
    write_run(tmp_path / "one", **judged([3], [3]))
    assert destination_chart(measured(framed([named(run) for run in load_runs([tmp_path])]))) is None
