import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.screening.samples import CONF, asked, named, prediction_evidence
from unlearnleak.errors import UserError
from unlearnleak.screening.level import Level

screening = instantiate(OmegaConf.load(CONF / "level.yaml"))


def test_forgotten_is_what_the_best_restart_does_not_reach():
    best, other = asked([0.9, 0.2, 0.51, 0.49]), asked([0.1, 0.99, 0.1, 0.99])
    verdict = screening(prediction_evidence(best, other))
    assert named(verdict) == {1, 3}
    assert verdict.score_K.argsort().tolist() == [0, 2, 3, 1]
    assert named(Level(at=0.505)(prediction_evidence(best))) == {1, 3}
    assert named(Level(at=0.1)(prediction_evidence(best))) == set()


@pytest.mark.parametrize("low", [0.7, 0.97])
def test_a_hard_class_alone_is_no_alarm_where_every_relative_rule_would_raise_one(low):
    values = [low, *[0.999] * 9]
    assert named(screening(prediction_evidence(asked(values)))) == set()


@pytest.mark.parametrize("count", range(10))
def test_any_number_of_classes_can_be_found(count):
    values = [0.1] * count + [0.95] * (10 - count)
    assert named(screening(prediction_evidence(asked(values)))) == set(range(count))


@pytest.mark.parametrize("at", [0, 1, -0.5])
def test_a_level_is_a_probability(at):
    with pytest.raises(UserError, match=rf"screening\.at={at}"):
        Level(at=at)
