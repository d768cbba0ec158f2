"""drop: what stands apart from the other classes, by an amount that noise does not reach."""

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.screening.samples import CONF, made, named
from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.errors import UserError
from unlearnleak.screening.drop import Drop

drop, threshold = (instantiate(OmegaConf.load(CONF / f"{name}.yaml")) for name in ("drop", "threshold"))


def evidence(change_K):
    """Two probes a class, whose changes lie around the given mean."""
    change_KM = torch.tensor(change_K, dtype=torch.float64)[:, None] + torch.tensor([-0.001, 0.001])
    return made(ProbeChanges, change_KM[..., None])


def test_a_class_that_fell_alone_is_named_and_scored_by_its_fall():
    verdict = drop(evidence([0, -0.01, 0, -0.6, 0, 0.01, 0, 0, 0, 0]))
    assert named(verdict) == {3}
    assert verdict.score_K[3].item() == pytest.approx(0.6)


def test_small_changes_everywhere_name_nothing_where_threshold_names_the_lowest():
    small = evidence([0.001, 0.0, -0.04, 0.0, 0.002, 0, 0, 0, 0, 0])
    assert named(threshold(small)) == {2}
    assert named(drop(small)) == set()


def test_where_all_fell_those_are_named_that_stand_apart():
    scattered = evidence([-0.3, -0.4, -0.99, -0.3, -0.35, -0.4, -0.55, -0.5, -0.3, -0.35])
    assert named(drop(scattered)) == {2}
    assert named(drop(evidence([-0.5] * 10))) == set()


@pytest.mark.parametrize("forgotten", [{0}, {1, 4}, {0, 2, 5, 7}, set(range(1, 8))])
def test_as_many_as_stand_apart_are_named(forgotten):
    assert named(drop(evidence([-0.9 if c in forgotten else -0.1 for c in range(10)]))) == forgotten


@pytest.mark.parametrize("least", [0.0, 1.0, -0.5])
def test_a_gap_that_cannot_be_is_refused(least):
    with pytest.raises(UserError, match=r"screening\.least="):
        Drop(least=least)
