"""Was anything forgotten at all? Against scikit-learn on the same scores."""

import pytest
from sklearn.metrics import roc_auc_score

from tests.report.made import judged, run
from unlearnleak.analysis.detection import detections
from unlearnleak.runs.frame import framed


def scored(score: float, seed: int, classes: list[int], **changed) -> dict:
    """A run whose highest score is this."""
    found = run(**judged(classes, classes, seed=seed))
    return found | {"scores": [score - 1] * 9 + [score]} | {"unlearner": "ft" if classes else "none"} | changed


UNLEARNED = [scored(0.1 * i, i // 2, [i % 2]) for i in range(12)]
CONTROLS = [scored(0.07 * i, i, []) for i in range(6)]


def test_the_area_is_that_of_the_highest_scores():
    (line,) = detections(framed([*UNLEARNED, *CONTROLS])).to_dict("records")
    scores = [0.1 * i for i in range(12)] + [0.07 * i for i in range(6)]
    assert line["auroc"] == pytest.approx(roc_auc_score([1] * 12 + [0] * 6, scores))
    assert (line["n"], line["n_control"], line["originals"], line["originals_control"]) == (12, 6, 6, 6)
    assert line["low"] < line["auroc"] < line["high"]


def test_a_score_that_the_result_names_is_taken():
    told = [one | {"detection_score": -one["scores"][-1]} for one in (*UNLEARNED, *CONTROLS)]
    (line,) = detections(framed(told)).to_dict("records")
    (other,) = detections(framed([*UNLEARNED, *CONTROLS])).to_dict("records")
    assert line["auroc"] == pytest.approx(1 - other["auroc"])


def test_a_control_model_counts_once_whatever_classes_were_named():
    again = [one | {"forget_classes": [7], "job": f"again {i}"} for i, one in enumerate(CONTROLS)]
    (line,) = detections(framed([*UNLEARNED, *CONTROLS, *again])).to_dict("records")
    assert line["n_control"] == 6


def test_several_targets_of_one_original_say_no_more_than_one():
    one = [scored(0.1 * i, 0, [i % 10]) for i in range(12)]
    (line,) = detections(framed([*one, *CONTROLS])).to_dict("records")
    (many,) = detections(framed([*UNLEARNED, *CONTROLS])).to_dict("records")
    assert (line["n"], line["originals"]) == (12, 1)
    assert line["high"] - line["low"] > many["high"] - many["low"]


def test_defended_models_are_held_against_controls_behind_the_same_defence():
    noisy = {"defense": "weight_noise", "strength": "scale 1"}
    assert detections(framed([*(one | noisy for one in UNLEARNED), *CONTROLS])).empty
    guarded = [*(one | noisy for one in (*UNLEARNED, *CONTROLS)), *CONTROLS]
    (line,) = detections(framed(guarded)).to_dict("records")
    assert (line["label"], line["n_control"]) == ("ft + weight_noise (scale 1)", 6)


def test_without_controls_or_with_ones_of_several_settings_nothing_is_said():
    assert detections(framed(UNLEARNED)).empty
    other = [one | {"settings": "0ther000", "seeds": {"original": 50 + i}} for i, one in enumerate(CONTROLS)]
    assert detections(framed([*UNLEARNED, *CONTROLS, *other])).empty


def test_controls_of_another_fine_tuning_stage_are_none():
    tuned = {"finetuning_samples": 512}
    assert detections(framed([*UNLEARNED, *(one | tuned for one in CONTROLS)])).empty
    (line,) = detections(framed([one | tuned for one in (*UNLEARNED, *CONTROLS)])).to_dict("records")
    assert (line["label"], line["n_control"]) == ("ft (tuned on 512)", 6)
