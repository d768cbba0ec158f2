"""weight_noise: how much noise, where, and what becomes of a run that is defended."""

import copy

import pytest
import torch

from tests.jobs import pipeline_in
from unlearnleak.data import ForgetSplit
from unlearnleak.defense.weight_noise import WeightNoise
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.pipeline.evaluate import evaluate_run


@pytest.fixture
def defended(original, digits):
    def run(scale, seed=0):
        split = ForgetSplit.of(digits.train, (3,))
        return WeightNoise(scale=scale)(copy.deepcopy(original.model), split, generator(seed, "noise"))

    return run


def test_the_noise_of_a_tensor_has_its_deviation_times_the_scale(original, defended):
    for before, after in zip(original.model.parameters(), defended(0.2).parameters(), strict=True):
        if before.numel() > 500:
            expected = 0.2 * before.detach().numpy().std()
            assert (after - before).detach().numpy().std() == pytest.approx(expected, rel=0.15)


def test_without_scale_nothing_changes_and_buffers_never_do(original, defended):
    for name, value in defended(0.0).state_dict().items():
        assert torch.equal(value, original.model.state_dict()[name]), name
    assert torch.equal(defended(0.5).mean, original.model.mean)


def test_the_noise_comes_from_the_generator(defended):
    first, again, other = (defended(0.1, seed).head.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_negative_scale_is_refused():
    with pytest.raises(UserError, match=r"defense\.scale=-1"):
        WeightNoise(scale=-1)


def test_a_defended_run_attacks_the_defended_model_and_says_what_the_defense_cost(tmp_path):
    plain = pipeline_in(tmp_path, "attack=head_sum", "training.epochs=20")
    pipeline = pipeline_in(tmp_path, "attack=head_sum", "training.epochs=20", "defense=weight_noise", "defense.scale=5")
    numbers = evaluate_run(pipeline)
    assert list(pipeline.stages) == ["data", "original", "unlearned", "defended", "evidence", "verdict"]
    assert pipeline.key("unlearned") == plain.key("unlearned")
    assert pipeline.key("evidence") != plain.key("evidence")
    assert numbers["retain_acc"] < numbers["undefended_retain_acc"]  # five times the deviation ruins it
    assert numbers["scores"] != evaluate_run(plain)["scores"]
    assert numbers["key_defended"] == pipeline.key("defended")
    weights = {name: pipeline.artifact(name).tensors["model.head.weight"] for name in ("unlearned", "defended")}
    rows = pipeline.artifact("evidence").tensors["samples_KMF"][:, 0, 0]
    bias = pipeline.artifact("defended").tensors["model.head.bias"]
    torch.testing.assert_close(rows, weights["defended"].sum(1) + bias)
