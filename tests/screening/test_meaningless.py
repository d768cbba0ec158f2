"""Whatever learns from a calibration stays silent where that one is constant, or noise."""

import pytest
import torch

from tests.screening.samples import named
from unlearnleak.adversary.evidence import CalibratedReadings, Differences, DotProducts, LabeledFeatures
from unlearnleak.screening.decision_tree import DecisionTree
from unlearnleak.screening.logistic import Logistic
from unlearnleak.screening.outlier import Outlier
from unlearnleak.screening.youden import Youden

CLASSES, SHADOWS = 10, 24
SCREENINGS = {
    "youden": (Youden(), DotProducts, 1),
    "outlier": (Outlier(k=6.0), DotProducts, 1),
    "decision_tree": (DecisionTree(max_depth=3, min_samples_leaf=20, random_state=0), Differences, CLASSES),
    "logistic": (Logistic(c=1.0, least=0.9), CalibratedReadings, 5),
}


def evidence(kind, width, draw, spread, apart=0.0, heads=20):
    """Noise of a spread; forgotten classes of the shadow targets, and class 3 of the target, lie so far below."""
    forgotten_SK = torch.zeros(SHADOWS, CLASSES, dtype=torch.bool)
    for s, row in enumerate(forgotten_SK):
        row[torch.randperm(CLASSES, generator=draw)[: 1 + s % 5]] = True
    shadow_SKMF = 1 + spread * torch.randn(SHADOWS, CLASSES, heads, width, generator=draw)
    shadow_SKMF -= apart * forgotten_SK[..., None, None]
    target_KMF = 1 + spread * torch.randn(CLASSES, heads, width, generator=draw)
    target_KMF[3] -= apart
    return kind(samples_KMF=target_KMF, aligned_KMF=target_KMF, calibration=LabeledFeatures(shadow_SKMF, forgotten_SK))


@pytest.mark.parametrize("name", SCREENINGS)
@pytest.mark.parametrize("spread", [0.3, 1e-6, 0.0])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_named_where_the_calibration_means_nothing(name, spread, seed):
    screening, kind, width = SCREENINGS[name]
    of = evidence(kind, width, torch.Generator().manual_seed(seed), spread)
    verdict = screening(of)
    assert named(verdict) == set()
    assert verdict.score_K.isfinite().all()


@pytest.mark.parametrize("name", SCREENINGS)
def test_a_class_is_named_where_it_means_something(name):
    screening, kind, width = SCREENINGS[name]
    assert named(screening(evidence(kind, width, torch.Generator().manual_seed(0), 0.1, apart=1.0))) == {3}


@pytest.mark.parametrize("spread", [0.0, 1e-6])
def test_a_constant_calibration_and_a_target_that_jitters(spread):
    of = evidence(DotProducts, 1, torch.Generator().manual_seed(0), spread)
    of.aligned_KMF[4] -= 1e-3
    assert named(Outlier(k=6.0)(of)) == set()
