import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.screening.samples import CONF, named, score_evidence

screening = instantiate(OmegaConf.load(CONF / "halfway.yaml"))
chance = instantiate(OmegaConf.load(CONF / "chance.yaml"))


def evidence(p_K):
    return score_evidence([[p, p] for p in p_K], kind="confidence")


def test_the_line_is_the_geometric_mean_of_guessing_and_the_typical_class():
    p_K = [0.9, 0.8, 0.7, 0.99, 0.95, 0.85, 0.5, 0.5, 0.31, 0.29]  # upper half: 0.99 0.95 0.9 0.85 0.8
    line = np.sqrt(0.1 * 0.9)
    assert 0.29 < line < 0.31
    verdict = screening(evidence(p_K))
    assert named(verdict) == {9}
    assert verdict.score_K.tolist() == pytest.approx([-p for p in p_K])


def test_a_class_of_which_a_tenth_is_left_is_named_where_chance_misses_it():
    p_K = [0.94, 0.96, 0.83, 0.85, 0.86, 0.12, 0.0, 1.0, 0.96, 0.03]
    assert named(screening(evidence(p_K))) == {5, 6, 9}
    assert named(chance(evidence(p_K))) == {6, 9}


def test_hard_classes_of_a_weak_model_are_not_forgotten_ones():
    assert named(screening(evidence([0.67, 0.79, 0.51, 0.38, 0.65, 0.58, 0.65, 0.7, 0.76, 0.81]))) == set()


def test_it_names_nothing_where_every_class_is_known_and_up_to_seven_of_ten_where_they_are_not():
    for forgotten in (set(), {3}, {0, 5, 7}, set(range(1, 8))):
        assert named(screening(evidence([0.02 if c in forgotten else 0.6 for c in range(10)]))) == forgotten


def test_two_classes():
    assert named(screening(evidence([0.9, 0.1]))) == {1}
    assert named(screening(evidence([0.9, 0.8]))) == set()


def test_of_margins_the_line_is_half_of_the_typical_class():
    margin_K = [9.0, 8.0, 7.0, 6.0, 10.0, 5.0, 4.1, 3.9, 0.0, -6.0]  # upper half: 10 9 8 7 6
    verdict = screening(score_evidence(margin_K, kind="margin"))
    assert named(verdict) == {7, 8, 9}
    assert verdict.score_K.tolist() == pytest.approx([-margin for margin in margin_K])


def test_margins_of_a_model_that_knows_nothing_name_nothing():
    assert named(screening(score_evidence([-1.0, 0.0, -0.5, -2.0], kind="margin"))) == set()
