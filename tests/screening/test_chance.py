import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.screening.samples import CONF, named, score_evidence

screening = instantiate(OmegaConf.load(CONF / "chance.yaml"))


def test_forgotten_is_what_is_known_worse_than_by_guessing():
    values = [[0.9, 0.1], [0.1, 0.2], [0.0, 0.5], [0.24, 0.25]]  # means 0.5, 0.15, 0.25, 0.245; chance is 0.25
    verdict = screening(score_evidence(values, kind="confidence"))
    assert named(verdict) == {1, 3}
    assert verdict.score_K.tolist() == pytest.approx([-0.5, -0.15, -0.25, -0.245])


def test_it_names_nothing_where_every_class_is_known_and_any_number_of_classes_where_they_are_not():
    for forgotten in (set(), {3}, {0, 5, 7}, set(range(1, 10))):
        values = [0.02 if c in forgotten else 0.4 for c in range(10)]
        assert named(screening(score_evidence(values, kind="confidence"))) == forgotten
