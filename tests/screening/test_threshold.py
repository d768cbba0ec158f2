import statistics
from dataclasses import replace

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.screening.samples import CONF, asked, named, prediction_evidence, score_evidence
from unlearnleak.errors import UserError
from unlearnleak.screening.threshold import Threshold


def configured(**changes):
    return instantiate(OmegaConf.load(CONF / "threshold.yaml"), **changes)


@pytest.mark.parametrize("k", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_statistics_module(k, seed):
    values = np.random.default_rng(seed).normal(size=10).astype(np.float32)
    limit = statistics.fmean(values.tolist()) - k * statistics.pstdev(values.tolist())
    verdict = configured(k=k)(score_evidence(values))
    assert named(verdict) == {c for c, value in enumerate(values) if value < limit}
    assert verdict.score_K.tolist() == pytest.approx((-values).tolist())


@pytest.mark.parametrize("k", [0.5, 0.9, 1.2, 1.5, 1.9, 2.9, 3.1])
@pytest.mark.parametrize("count", range(1, 6))
def test_of_ten_classes_so_many_can_stand_apart_as_the_closed_form_says(k, count):
    p = [0.1] * count + [0.9] * (10 - count)
    found = named(configured(k=k)(prediction_evidence(asked(p))))
    assert found == (set(range(count)) if k < ((10 - count) / count) ** 0.5 else set())


def test_predictions_are_read_as_probabilities_of_the_best_restart():
    best, other = asked([0.9, 0.8, 0.1, 0.95]), asked([0.1, 0.9, 0.9, 0.9])
    verdict = configured()(prediction_evidence(best, other))
    assert named(verdict) == {2}
    assert verdict.score_K.exp().tolist() == pytest.approx([1 / 0.9, 1 / 0.8, 1 / 0.1, 1 / 0.95], rel=1e-4)


def test_scores_are_read_as_class_means():
    samples = np.array([[9.0, -9.0], [5.0, 6.0], [6.0, 5.0], [5.0, 5.0]])
    assert named(configured()(score_evidence(samples))) == {0}


def test_asked_and_max_differ_where_an_image_is_taken_for_another_class():
    p = asked([0.9] * 6)
    p[2] = torch.tensor([0.0, 0.98, 0.004, 0.008, 0.004, 0.004])  # class 2 cannot be reached: class 1, surely
    p[5] = torch.tensor([0.1, 0.1, 0.1, 0.1, 0.1, 0.5])  # class 5 is reached half-way
    evidence = prediction_evidence(p)
    assert named(configured(statistic="asked")(evidence)) == {2}
    assert named(configured(statistic="max")(evidence)) == {5}
    assert configured(statistic="max")(evidence).score_K.argmax() == 5


def test_as_published_is_the_maximum_with_the_same_k():
    paper = configured(k=1.7).as_published()
    assert isinstance(paper, Threshold)
    assert (paper.k, paper.statistic) == (1.7, "max")
    assert paper.as_published() is None


def test_probabilities_that_round_to_one_or_to_zero_still_rank():
    log_p_KK = torch.full((4, 4), -50.0)
    log_p_KK.fill_diagonal_(-1e-9)
    log_p_KK[1, 1], log_p_KK[2, 2] = -120.0, -110.0
    log_p_KK[0, 0] = -1e-10
    evidence = replace(prediction_evidence(asked([0.5] * 4)), samples_KMF=log_p_KK[:, None])
    assert configured()(evidence).score_K.argsort(descending=True).tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize("k", [0.0, 1.0])
@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.9999])
def test_where_all_are_equal_nothing_is_forgotten(k, value):
    assert named(configured(k=k)(score_evidence(np.full(7, value)))) == set()
    assert named(configured(k=k)(prediction_evidence(asked([value] * 7)))) == set()


def test_ties_are_judged_alike():
    assert named(configured()(score_evidence([1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0]))) == {1, 3}


def test_an_unknown_statistic_is_named():
    with pytest.raises(UserError, match=r"screening\.statistic=mean"):
        Threshold(k=1.0, statistic="mean")
