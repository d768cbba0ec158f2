import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.screening.samples import CONF, score_evidence

screening = instantiate(OmegaConf.load(CONF / "kmeans.yaml"))


def best_split(values):
    """The lower part of the split of a sorted line that has the least sum of squares: by trying all of them."""
    order = np.argsort(values)
    cost = [sum(len(part) * values[part].var() for part in (order[:cut], order[cut:])) for cut in range(1, len(values))]
    return set(order[: int(np.argmin(cost)) + 1].tolist())


@pytest.mark.parametrize("seed", range(20))
def test_on_a_line_it_finds_the_best_of_all_splits_and_calls_the_lower_part_forgotten(seed):
    values = np.random.default_rng(seed).normal(size=10)
    verdict = screening(score_evidence(values))
    assert set(verdict.forgotten_K.nonzero()[:, 0].tolist()) == best_split(values)
    assert verdict.score_K.tolist() == pytest.approx((-values).tolist())


@pytest.mark.parametrize("kind", ["score", "dot_product"])
def test_it_splits_the_class_means_and_not_single_samples(kind):
    values = np.array([[5.0, 5.0, -9.0], [0.0, 0.0, 0.0], [5.0, 6.0, -10.0], [4.0, 4.0, 4.0]])
    verdict = screening(score_evidence(values, kind=kind))  # means 1/3, 0, 1/3, 4
    assert verdict.forgotten_K.tolist() == [True, True, True, False]


def test_it_always_splits_but_not_what_is_equal():
    assert 0 < screening(score_evidence(1.0 + 1e-3 * np.arange(10))).forgotten_K.sum() < 10
    verdict = screening(score_evidence(np.full(10, 0.3)))
    assert not verdict.forgotten_K.any()
    assert verdict.score_K.isfinite().all()


def test_ties_are_judged_alike_and_the_same_evidence_gets_the_same_verdict():
    values = np.array([0.0, 5.0, 0.0, 5.0, 0.0, 5.0])
    verdicts = [screening(score_evidence(values)) for _ in range(3)]
    assert all(v.forgotten_K.tolist() == [True, False] * 3 for v in verdicts)
    assert torch.equal(verdicts[0].score_K, verdicts[1].score_K)
