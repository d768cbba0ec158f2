import numpy as np
import pytest

from tests.report.made import judged, run
from unlearnleak.analysis.pooled import pooled
from unlearnleak.runs.frame import framed


def target(forgotten, verdict, seed, unlearner):
    return run(**judged(forgotten, verdict, seed=seed) | {"unlearner": unlearner})


def test_models_of_one_target_are_one_cluster():
    runs = [target([c], [c], 0, unlearner) for c in range(10) for unlearner in ("rt", "ft", "rl", "au", "ng")]
    (line,) = pooled(framed(runs)).to_dict("records")
    assert (line["hits"], line["n"], line["targets"], line["originals"], line["effective"]) == (50, 50, 10, 1, 10)
    assert line["low"] == pytest.approx(0.722, abs=0.001)  # Wilson's of 10 of 10, not of 50 of 50


def test_a_control_is_a_cluster_of_its_own_and_hits_are_silent_verdicts():
    runs = [
        run(**judged([], [4] if seed == 3 else [], seed=seed) | {"unlearner": "none"}, key_unlearned=str(seed))
        for seed in range(20)
    ]
    (line,) = pooled(framed(runs)).to_dict("records")
    assert (line["count"], line["hits"], line["n"], line["targets"]) == (0, 19, 20, 20)


def test_numbers_of_classes_do_not_mix():
    runs = [target([1], [1], 0, "rt"), target([1, 2, 3], [1], 0, "rt")]
    assert pooled(framed(runs))["hits"].tolist() == [1, 0]
    assert np.isfinite(pooled(framed(runs))["low"]).all()
