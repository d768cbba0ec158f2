from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import median_abs_deviation

from tests.screening.samples import named
from unlearnleak.adversary.evidence import DotProducts, LabeledFeatures
from unlearnleak.errors import UserError
from unlearnleak.screening.outlier import Outlier
from unlearnleak.screening.youden import Youden


def evidence(values, *, seed=0, shadows=20, spread=0.3, forgotten_reads=-8.0):
    """Classes that read `values`; shadow targets whose retained classes read about 0."""
    draw = torch.Generator().manual_seed(seed)
    forgotten_SK = torch.rand(shadows, len(values), generator=draw) < 0.2
    shadow_SK = spread * torch.randn(shadows, len(values), generator=draw) + forgotten_reads * forgotten_SK
    aligned = torch.tensor(values)[:, None, None]
    calibration = LabeledFeatures(shadow_SK[:, :, None, None], forgotten_SK)
    return DotProducts(samples_KMF=aligned, aligned_KMF=aligned, calibration=calibration)


def test_the_score_counts_robust_deviations_of_the_retained_classes():
    of = evidence([0.1, -1.0, -5.0, 0.0])
    features, forgotten = (part.numpy() for part in of.calibration)
    known = features[..., 0, 0][~forgotten]
    expected = (np.median(known) - np.array([0.1, -1.0, -5.0, 0.0])) / median_abs_deviation(known, scale="normal")
    verdict = Outlier(k=6.0)(of)
    # torch takes the lower of two middle values, NumPy their mean
    assert verdict.score_K.tolist() == pytest.approx(expected.tolist(), abs=0.3)
    assert named(verdict) == set(np.flatnonzero(expected > 6).tolist())


def test_a_class_between_retained_and_never_seen_ones_is_found_where_half_way_is_not():
    of = evidence([0.1, -0.2, -3.0, 0.0, 0.2])
    assert named(Outlier(k=6.0)(of)) == {2}
    assert named(Youden()(of)) == set()


def test_what_forgotten_shadow_classes_read_and_a_few_bad_shadows_change_nothing():
    of = evidence([0.1, -0.2, -3.0, 0.0, 0.2])
    features, forgotten = of.calibration
    other = features.clone()
    other[forgotten] = 100.0
    other[0] = -50.0
    changed = Outlier(k=6.0)(replace(of, calibration=LabeledFeatures(other, forgotten)))
    assert named(changed) == {2}


def test_nothing_is_named_where_nothing_stands_apart():
    for seed in range(20):
        values = (0.3 * torch.randn(10, generator=torch.Generator().manual_seed(seed))).tolist()
        assert named(Outlier(k=6.0)(evidence(values, seed=seed))) == set()


def test_shadows_that_all_read_alike_give_a_finite_score():
    verdict = Outlier(k=6.0)(evidence([0.0, -1.0], spread=0.0))
    assert verdict.score_K.isfinite().all()
    assert named(verdict) == {1}


def test_k_is_positive():
    with pytest.raises(UserError, match=r"screening\.k=0 "):
        Outlier(k=0)
