"""drop: relative to the other classes, as threshold, and by an amount that noise does not reach."""

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.screening.samples import CONF, named
from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.errors import UserError
from unlearnleak.screening.drop import Drop

drop, threshold = (instantiate(OmegaConf.load(CONF / f"{name}.yaml")) for name in ("drop", "threshold"))


def evidence(change_K):
    """Two probes a class, whose changes lie around the given mean."""
    change_KM = torch.tensor(change_K, dtype=torch.float64)[:, None] + torch.tensor([-0.001, 0.001])
    ones = torch.ones_like(change_KM)
    return ProbeChanges(samples_KMF=change_KM[..., None], before_KP=ones, accepted_K=ones.sum(1).long())


def test_a_class_that_fell_alone_is_named_and_scored_by_its_fall():
    verdict = drop(evidence([0, -0.01, 0, -0.6, 0, 0.01, 0, 0, 0, 0]))
    assert named(verdict) == {3}
    assert verdict.score_K[3].item() == pytest.approx(0.6)


def test_small_changes_everywhere_name_nothing_where_threshold_names_the_lowest():
    small = evidence([0.001, 0.0, -0.04, 0.0, 0.002, 0, 0, 0, 0, 0])
    assert named(threshold(small)) == {2}
    assert named(drop(small)) == set()


def test_where_all_fell_only_those_below_the_others_are_named():
    assert named(drop(evidence([-0.3, -0.4, -0.99, -0.3, -0.35, -0.4, -0.3, -0.3, -0.3, -0.35]))) == {2}
    assert named(drop(evidence([-0.5] * 10))) == set()


@pytest.mark.parametrize("settings", [{"k": -1.0, "least": 0.1}, {"k": 1.0, "least": 0.0}, {"k": 1.0, "least": 1.0}])
def test_settings_that_cannot_be(settings):
    with pytest.raises(UserError, match=r"screening\.(k|least)="):
        Drop(**settings)
