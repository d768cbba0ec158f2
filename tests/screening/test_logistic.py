"""logistic: against scikit-learn by hand, and silent where nothing reads as forgotten classes do."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from unlearnleak.adversary.evidence import CalibratedReadings, LabeledFeatures
from unlearnleak.errors import UserError
from unlearnleak.screening.logistic import Logistic


def readings(target_K, seed=0):
    """Two readings of five classes in six shadow models; where a class was forgotten one falls and the other rises."""
    draw = torch.Generator().manual_seed(seed)
    forgotten_SK = torch.rand(6, 5, generator=draw) < 0.4
    forgotten_SK[0] = False
    signs = torch.tensor([-1.0, 100.0])  # of very different sizes
    features = forgotten_SK[..., None, None] * signs + torch.randn(6, 5, 1, 2, generator=draw) * signs.abs() / 10
    aligned = torch.tensor(target_K)[:, None, None] * signs
    return CalibratedReadings(
        samples_KMF=aligned, aligned_KMF=aligned, calibration=LabeledFeatures(features, forgotten_SK)
    )


def test_forgotten_classes_are_found_whichever_way_a_reading_goes():
    verdict = Logistic(c=1.0, least=0.5)(readings([0.0, 1.0, 0.0, 1.0, 0.0]))
    assert verdict.forgotten_K.tolist() == [False, True, False, True, False]
    assert not Logistic(c=1.0, least=0.5)(readings([0.0] * 5)).forgotten_K.any()


def test_the_score_is_the_probability_of_a_regression_on_standardised_readings():
    evidence = readings([0.0, 0.3, 0.5, 0.7, 1.0])
    x, y = (
        evidence.calibration.features_SKMF.reshape(-1, 2).numpy(),
        evidence.calibration.forgotten_SK.flatten().numpy(),
    )
    mean, std = x.mean(0), x.std(0)
    by_hand = LogisticRegression(C=0.3).fit((x - mean) / std, y)
    expected = by_hand.predict_proba((evidence.aligned_KMF[:, 0].numpy() - mean) / std)[:, 1]
    np.testing.assert_allclose(Logistic(c=0.3, least=0.5)(evidence).score_K, expected, atol=1e-4)


def test_least_is_what_a_probability_must_exceed():
    evidence = readings([0.0, 0.3, 0.5, 0.7, 1.0])
    score_K = Logistic(c=1.0, least=0.5)(evidence).score_K
    for least in (0.1, 0.9):
        assert torch.equal(Logistic(c=1.0, least=least)(evidence).forgotten_K, score_K > least)


@pytest.mark.parametrize("settings", [{"c": 0, "least": 0.5}, {"c": 1, "least": 0}, {"c": 1, "least": 1}])
def test_values_that_cannot_be_meant_are_refused(settings):
    with pytest.raises(UserError, match=r"screening\."):
        Logistic(**settings)
