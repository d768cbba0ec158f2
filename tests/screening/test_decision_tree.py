import numpy as np
import pytest
import torch
from sklearn.tree import DecisionTreeClassifier

from unlearnleak.adversary.evidence import Differences, LabeledFeatures
from unlearnleak.screening.decision_tree import DecisionTree

SHADOWS, CLASSES, HEADS, WIDTH = 12, 5, 30, 4
SETTINGS = {"max_depth": 3, "min_samples_leaf": 20, "random_state": 0}


def made(gap, seed=0, forgotten=(2,)):
    """Normal features; a forgotten class's first one is larger by `gap`."""
    random = np.random.default_rng(seed)
    forgotten_SK = np.zeros((SHADOWS, CLASSES), bool)
    forgotten_SK[np.arange(3, SHADOWS), np.arange(3, SHADOWS) % CLASSES] = True
    shadow_SKMF = random.normal(size=(SHADOWS, CLASSES, HEADS, WIDTH))
    shadow_SKMF[forgotten_SK, :, 0] += gap
    aligned_KMF = random.normal(size=(CLASSES, HEADS, WIDTH))
    aligned_KMF[list(forgotten), :, 0] += gap
    calibration = LabeledFeatures(torch.tensor(shadow_SKMF).float(), torch.tensor(forgotten_SK))
    aligned = torch.tensor(aligned_KMF).float()
    return Differences(samples_KMF=torch.full_like(aligned, torch.nan), aligned_KMF=aligned, calibration=calibration)


@pytest.mark.parametrize("gap", [0.0, 1.0, 5.0])
def test_scores_are_the_mean_probabilities_of_scikit_learns_tree(gap):
    evidence = made(gap)
    rows, labels, judged = [], [], []
    for s in range(SHADOWS):
        for c in range(CLASSES):
            for m in range(HEADS):
                rows.append(evidence.calibration.features_SKMF[s, c, m].tolist())
                labels.append(bool(evidence.calibration.forgotten_SK[s, c]))
    tree = DecisionTreeClassifier(class_weight="balanced", **SETTINGS).fit(rows, labels)
    for c in range(CLASSES):
        judged.append(tree.predict_proba(evidence.aligned_KMF[c].numpy())[:, 1].mean())
    verdict = DecisionTree(**SETTINGS)(evidence)
    np.testing.assert_allclose(verdict.score_K.numpy(), judged, rtol=1e-5)
    assert verdict.forgotten_K.tolist() == [gap > 0 and score > 0.5 for score in judged]  # of noise nothing is said


@pytest.mark.parametrize("forgotten", [(), (2,), (0, 4), tuple(range(5))])
def test_what_stands_apart_is_found_whatever_its_number(forgotten):
    verdict = DecisionTree(**SETTINGS)(made(8.0, forgotten=forgotten))
    assert tuple(verdict.forgotten_K.nonzero()[:, 0].tolist()) == forgotten
    assert ((verdict.score_K >= 0) & (verdict.score_K <= 1)).all()


def test_a_class_is_judged_by_all_its_heads():
    evidence = made(8.0, forgotten=())
    for c, share in ((1, 0.6), (3, 0.4)):
        evidence.aligned_KMF[c, : int(share * HEADS), 0] += 8
    verdict = DecisionTree(**SETTINGS)(evidence)
    assert verdict.forgotten_K.tolist() == [False, True, False, False, False]
    torch.testing.assert_close(verdict.score_K[[1, 3]], torch.tensor([0.6, 0.4]), atol=0.02, rtol=0)


def test_the_rarer_group_weighs_as_much_as_the_other():
    """Features that say nothing leave every class near 1/2, not near the 15 % of shadows that forgot it."""
    verdict = DecisionTree(**SETTINGS)(made(0.0))
    assert (verdict.score_K - 0.5).abs().max() < 0.2


def test_the_same_evidence_gets_the_same_verdict():
    first, second = (DecisionTree(**SETTINGS)(made(1.0)) for _ in range(2))
    assert torch.equal(first.score_K, second.score_K)


def test_the_settings_reach_the_tree():
    stump = DecisionTree(max_depth=1, min_samples_leaf=20, random_state=0)(made(1.0))
    assert len(set(stump.score_K.mul(HEADS).tolist())) <= CLASSES
    deep = DecisionTree(max_depth=None, min_samples_leaf=1, random_state=0)(made(1.0))
    assert not torch.equal(stump.score_K, deep.score_K)
