"""Detection against scikit-learn, and scores that must not presume how many classes were forgotten."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from unlearnleak.metric.detection import detection_auroc, detection_score


@pytest.mark.parametrize("count", [1, 3, 5, 9, 10])
def test_forgetting_more_classes_never_lowers_the_score(count):
    scores = np.linspace(-1, 0, 10)
    after = np.where(np.arange(10) < count, scores + 5, scores)
    assert detection_score(after) > detection_score(scores)
    assert detection_score(after) == max(after)


def test_the_area_is_scikit_learns():
    draw = np.random.default_rng(0)
    unlearned, control = draw.normal(1, 1, 30).round(1), draw.normal(0, 1, 20).round(1)  # ties among them
    truth = [1] * 30 + [0] * 20
    assert detection_auroc(unlearned, control) == pytest.approx(roc_auc_score(truth, [*unlearned, *control]))


def test_without_models_of_both_kinds_there_is_no_area():
    assert detection_auroc([], [1.0]) is None
    assert detection_auroc([1.0], []) is None
    assert detection_auroc([], []) is None
