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


FINE_TUNED = [
    0.6,
    0.61,
    0.59,
    0.6,
    0.66,
    0.63,
    0.57,
    0.05,
    0.65,
    0.64,
    0.49,
    0.58,
    0.5,
    0.53,
    0.53,
    0.53,
    0.49,
    0.67,
    0.49,
    0.51,
]
"""What images reached of digits in two colours, 20 classes, after fine-tuning had removed the eighth."""


def test_a_model_of_many_classes_that_is_sure_of_none_is_not_taken_to_have_forgotten_them():
    assert named(screening(prediction_evidence(asked(FINE_TUNED)))) == {7}
    assert named(screening(prediction_evidence(asked([0.6] * 20)))) == set()
    assert named(screening(prediction_evidence(asked([0.95] * 20)))) == set()


@pytest.mark.parametrize("count", [0, 1, 10, 15, 19, 20])
@pytest.mark.parametrize("classes", [20, 100])
def test_any_number_of_many_classes_can_be_found(classes, count):
    count = count * classes // 20
    values = [0.2 / classes] * count + [0.9] * (classes - count)
    assert named(screening(prediction_evidence(asked(values)))) == set(range(count))
