"""u_lira: against a slow loop, planted answers, and nets that have learnt noise by heart."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import load_digits

from tests.evaluation.answering import planted
from tests.jobs import composed, overrides_in, write_npz
from unlearnleak.errors import UserError
from unlearnleak.evaluation.u_lira import ULiRA
from unlearnleak.pipeline.job import run_job


def confidences(P=300, S=12, gone=1.5, seed=0):
    """Samples have levels of their own; those that were learnt and forgotten answer `gone` higher."""
    random = np.random.default_rng(seed)
    level_P, forgotten_P = random.normal(0, 4, P), np.arange(P) < P // 2
    learnt_SP = np.arange(S)[:, None] % 2 == random.integers(0, 2, P)
    after_SP = level_P + gone * learnt_SP + random.normal(size=(S, P))
    return level_P + gone * forgotten_P + random.normal(size=P), forgotten_P, after_SP, learnt_SP


@pytest.mark.parametrize("variance", ["pooled", "sample"])
def test_a_score_is_the_likelihood_ratio_of_a_slow_loop(variance):
    target_P, _, after_SP, learnt_SP = made = confidences(P=20)
    found = ULiRA(shadows=12, variance=variance)(planted(*made)).tensors["score_P"]
    groups = {
        kind: [[x for x, in_s in zip(after_SP[:, p], learnt_SP[:, p], strict=True) if in_s == kind] for p in range(20)]
        for kind in (True, False)
    }
    pooled = {
        kind: math.sqrt(sum(np.var(of) * len(of) for of in lists) / sum(len(of) - 1 for of in lists))
        for kind, lists in groups.items()
    }
    for p in range(20):
        deviation = {kind: pooled[kind] if variance == "pooled" else np.std(groups[kind][p], ddof=1) for kind in groups}
        own, others = (norm.logpdf(target_P[p], np.mean(groups[kind][p]), deviation[kind]) for kind in (True, False))
        assert float(found[p]) == pytest.approx(own - others, rel=1e-6)


def test_planted_answers_give_nearly_the_area_of_the_closed_form_and_no_difference_one_half():
    found = ULiRA(shadows=100, variance="pooled")(planted(*confidences(P=4000, S=100))).numbers
    assert found["auc"] == pytest.approx(norm.cdf(1.5 / math.sqrt(2)), abs=0.02)
    assert (found["n_forgotten"], found["n_held_out"]) == (2000, 2000)
    none = ULiRA(shadows=100, variance="pooled")(planted(*confidences(P=4000, S=100, gone=0.0))).numbers
    assert none["auc"] == pytest.approx(0.5, abs=0.03)
    assert 0.02 < none["auc_high"] - none["auc_low"] < 0.05


@pytest.mark.parametrize(
    ("shadows", "variance"), [(1, "pooled"), (7, "pooled"), (0, "pooled"), (2, "sample"), (2, "pooled"), (8, "each")]
)
def test_settings_that_cannot_be_are_named(shadows, variance):
    with pytest.raises(UserError, match=r"evaluation\.(shadows|variance)="):
        ULiRA(shadows=shadows, variance=variance)


def noise(path):
    """Digits whose labels are drawn at random: a net can only learn them by heart. 30 of 4 classes, 40 to test."""
    images, random = load_digits().images, np.random.default_rng(0)
    pixels = np.kron(images * 15, np.ones((2, 2))).astype(np.uint8)
    chosen = random.permutation(len(pixels))[:280]
    arrays = {}
    for part, rows, each in (("train", chosen[:120], 30), ("test", chosen[120:], 40)):
        arrays |= {f"{part}_images": pixels[rows], f"{part}_labels": random.permutation(np.repeat(np.arange(4), each))}
    return write_npz(path, **arrays)


@pytest.mark.slow
def test_a_net_that_knows_its_samples_by_heart_gives_them_away_and_retraining_does_not(tmp_path):
    noise(tmp_path / "images.npz")
    words = ["attack=head_sum", "screening=none", "forget_classes=[0,1,2]", "forget_share=0.5", "training.epochs=60"]
    words += [
        "training.lr=0.05",
        "training.batch_size=16",
        "dataset.auxiliary_per_class=1",
        "dataset.test_per_class=40",
    ]

    def auc(unlearner, evaluation, *more):
        config = composed(*overrides_in(tmp_path, *words, f"unlearner={unlearner}", f"evaluation={evaluation}", *more))
        return run_job(config, tmp_path / f"{unlearner}-{evaluation}", sweep=False)["evaluation"]

    known, gone = (auc(unlearner, "u_lira", "evaluation.shadows=4") for unlearner in ("none", "rt"))
    assert known["auc_low"] > 0.85
    assert gone["auc_low"] < 0.5 < gone["auc_high"]
    assert auc("none", "loss_threshold")["auc"] > 0.85
    normal = ("evaluation.shadows=4", "evaluation.density=normal")
    efficacy = {name: auc(name, "ruli", *normal) for name in ("none", "rt")}
    assert efficacy["none"]["efficacy_auc"] == known["auc"]  # nothing was unlearned
    # Not 0.5: half of three classes is gone, so that a retrained model answers with them less often than before.
    assert efficacy["rt"]["efficacy_auc"] < min(0.75, known["auc_low"])
    for name, same in (("none", known), ("rt", gone)):
        assert efficacy[name]["auc"] == same["auc"]
