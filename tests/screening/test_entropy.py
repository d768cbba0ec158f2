import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy import stats

from tests.screening.samples import CONF, asked, named, prediction_evidence
from unlearnleak.errors import UserError
from unlearnleak.screening.entropy import Entropy, shannon


def configured(**changes):
    return instantiate(OmegaConf.load(CONF / "entropy.yaml"), **changes)


def test_entropy_agrees_with_scipy_and_takes_zeros():
    p = np.random.default_rng(0).dirichlet(np.ones(7), size=5)
    p[0] = [1, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(shannon(torch.tensor(p)), stats.entropy(p, axis=1), atol=1e-12)


@pytest.mark.parametrize("forgotten", [{3}, {0, 5, 8}, set(range(7))])
def test_the_uncertain_group_is_forgotten_and_the_score_is_its_entropy(forgotten):
    p = asked([0.3 if c in forgotten else 0.97 for c in range(10)])
    verdict = configured()(prediction_evidence(p))
    assert named(verdict) == forgotten
    np.testing.assert_allclose(verdict.score_K, stats.entropy(p.numpy(), axis=1), rtol=1e-5)


def test_the_order_of_the_classes_in_a_vector_does_not_count():
    sharp, blunt = [0.9, 0.06, 0.04, 0.0], [0.4, 0.3, 0.2, 0.1]
    rows = [np.random.default_rng(c).permutation(blunt if c == 2 else sharp) for c in range(4)]
    assert named(configured()(prediction_evidence(np.array(rows)))) == {2}


def test_groups_are_made_by_vectors_and_not_by_entropy():
    """Both groups' vectors have entropies on either side of the other's: only the group means decide."""
    p = np.zeros((5, 5))
    p[:3] = [0.5, 0.5, 0, 0, 0]  # ln 2 = 0.693
    p[3] = [0.85, 0.0375, 0.0375, 0.0375, 0.0375]  # 0.631
    p[4] = [0.80, 0.05, 0.05, 0.05, 0.05]  # 0.778: more than any of the first group
    assert stats.entropy(p[4]) > stats.entropy(p[0]) > stats.entropy(p[3:], axis=1).mean() - 0.02
    expected = {3, 4} if stats.entropy(p[3:], axis=1).mean() > stats.entropy(p[0]) else {0, 1, 2}
    assert named(configured()(prediction_evidence(p))) == expected


def test_only_the_best_restart_counts():
    best, other = asked([0.9, 0.9, 0.3, 0.9]), asked([0.2, 0.9, 0.9, 0.9])
    assert named(configured()(prediction_evidence(best, other))) == {2}


def test_read_by_argmax_a_vector_names_the_class_it_points_at():
    p = asked([0.95] * 5)
    p[3] = torch.tensor([0.2, 0.4, 0.2, 0.1, 0.1])  # asked for 3, taken for 1 if anything
    evidence = prediction_evidence(p)
    assert named(configured()(evidence)) == {3}
    verdict = configured(read="argmax")(evidence)
    assert named(verdict) == {1}
    entropy = stats.entropy(p.numpy(), axis=1)
    np.testing.assert_allclose(verdict.score_K, [entropy[0], entropy[3], entropy[2], 0, entropy[4]], rtol=1e-5)


def test_as_published_reads_by_argmax():
    paper = configured().as_published()
    assert isinstance(paper, Entropy)
    assert paper.read == "argmax"
    assert paper.as_published() is None


def test_it_always_splits_but_not_equal_vectors():
    almost = asked([0.99 + 1e-4 * c for c in range(8)])  # a control: all classes are reached
    assert 0 < len(named(configured()(prediction_evidence(almost)))) < 8
    for read in ("asked", "argmax"):
        verdict = configured(read=read)(prediction_evidence(np.eye(4) * 0.6 + 0.1))
        assert named(verdict) == set()
        assert verdict.score_K.isfinite().all()


def test_certain_vectors_with_zeros_are_no_trouble():
    p = np.eye(4)
    p[2] = 0.25
    assert named(configured()(prediction_evidence(p))) == {2}


def test_an_unknown_reading_is_named():
    with pytest.raises(UserError, match=r"screening\.read=best"):
        Entropy(read="best")
