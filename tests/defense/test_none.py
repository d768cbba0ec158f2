"""none: no stage of its own, and the keys of a time before there were defences."""

import torch

from tests.jobs import pipeline_in
from unlearnleak.data import ForgetSplit
from unlearnleak.defense.none import NoDefense


def test_the_model_is_handed_on(original, digits):
    split = ForgetSplit.of(digits.train, (3,))
    assert NoDefense()(original.model, split, torch.Generator()) is original.model


def test_no_stage_is_made(tmp_path):
    pipeline = pipeline_in(tmp_path)
    assert pipeline.plan.names["defense"] == "none"
    assert list(pipeline.stages) == ["data", "original", "unlearned", "evidence", "verdict"]
    assert "defense" not in pipeline.plan.spec
