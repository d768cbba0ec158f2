"""head_repair: the sizes that it promises, what it leaves alone, and that a forgotten row no longer stands out."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tests.defense.conftest import distance
from tests.jobs import pipeline_in
from unlearnleak.data import ForgetSplit
from unlearnleak.defense.head_repair import HeadRepair
from unlearnleak.errors import UserError
from unlearnleak.pipeline.evaluate import evaluate_run


def spoilt(model, classes=(3,)):
    """A copy in which the rows of these classes are small, shifted and pushed down, as after unlearning."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for c in classes:
            model.head.weight[c] = 0.3 * model.head.weight[c] - 0.2
            model.head.bias[c] = -4
    return model


@pytest.mark.parametrize("classes", [(3,), (0, 3, 9), tuple(range(9))])
def test_repaired_rows_have_norm_mean_and_bias_of_the_others(original, defend, classes):
    before = spoilt(original.model, classes)
    head = defend(HeadRepair(), classes, model=before).head
    W, b = before.head.weight.detach().numpy(), before.head.bias.detach().numpy()
    others = [c for c in range(10) if c not in classes]
    for c in classes:
        row = head.weight[c].detach().numpy()
        assert np.linalg.norm(row) == pytest.approx(np.linalg.norm(W[others], axis=1).mean(), rel=1e-5)
        assert row.mean() == pytest.approx(W[others].mean(), rel=1e-4, abs=1e-7)
        assert head.bias[c].item() == pytest.approx(b[others].mean(), rel=1e-5)
        assert np.corrcoef(row, W[c])[0, 1] == pytest.approx(1)  # the direction of its deviations stays


def test_all_but_the_forgotten_rows_stays_as_it_was(original, defend):
    before, after = original.model.state_dict(), defend(HeadRepair()).state_dict()
    others = [c for c in range(10) if c != 3]
    for name, value in before.items():
        if name.startswith("head"):
            assert torch.equal(after[name][others], value[others])
            assert not torch.equal(after[name][3], value[3])
        else:
            assert torch.equal(after[name], value), name


def test_a_control_stays_as_it_is(original, defend):
    after = defend(HeadRepair(), ()).state_dict()
    assert all(torch.equal(after[name], value) for name, value in original.model.state_dict().items())


def test_of_a_part_of_a_class_the_row_is_repaired_as_well(original, defend):
    whole, part = defend(HeadRepair(), (3,)), defend(HeadRepair(), (3,), share=0.5)
    assert torch.equal(part.head.weight, whole.head.weight)


def test_a_row_of_zeros_gets_a_random_direction_that_the_seed_draws(original, defend):
    before = copy.deepcopy(original.model)
    with torch.no_grad():
        before.head.weight[3] = 0
    first, again, other = (defend(HeadRepair(), model=before, seed=seed).head.weight[3] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    norms = before.head.weight[[c for c in range(10) if c != 3]].norm(dim=1)
    assert first.norm().item() == pytest.approx(norms.mean().item(), rel=1e-5)


def test_a_head_of_zeros_stays_one(original, defend):
    before = copy.deepcopy(original.model)
    nn.init.zeros_(before.head.weight)
    assert defend(HeadRepair(), model=before).head.weight.count_nonzero() == 0


def test_a_head_without_bias_and_batch_normalisation_will_do(resnet):
    model = copy.deepcopy(resnet)
    model.head = nn.Linear(512, 4, bias=False)
    before = copy.deepcopy(model.state_dict())
    after = HeadRepair()(model, ForgetSplit(None, None, (1,), "class"), torch.Generator()).state_dict()
    assert [name for name, value in before.items() if not torch.equal(after[name], value)] == ["head.weight"]
    norms = before["head.weight"][[0, 2, 3]].norm(dim=1)
    assert after["head.weight"][1].norm().item() == pytest.approx(norms.mean().item(), rel=1e-5)


def test_a_model_without_a_head_is_told_before_and_after_training(original, tmp_path, monkeypatch):
    model = copy.deepcopy(original.model)
    model.head = None
    with pytest.raises(
        UserError, match=r"defense=head_repair works on the model's last linear layer, and none of a LeNet"
    ):
        HeadRepair()(model, ForgetSplit(None, None, (3,), "class"), torch.Generator())
    monkeypatch.setattr("unlearnleak.pipeline.models.example", lambda *_: model)
    with pytest.raises(UserError, match="defense=head_repair works on"):
        pipeline_in(tmp_path, "attack=head_sum", "defense=head_repair").check()


def test_in_a_run_the_forgotten_row_stands_out_before_and_not_after(digits_job):
    pipeline = digits_job("attack=head_sum", "defense=head_repair")
    numbers = evaluate_run(pipeline)
    before, after = (pipeline.model(stage).head for stage in ("unlearned", "defended"))
    for read in (lambda head: head.weight.norm(dim=1), lambda head: head.weight.sum(1)):
        with torch.no_grad():
            assert distance(read(before)) < -1.5
            assert abs(distance(read(after))) < 0.01
    assert numbers["scores"][3] < max(numbers["scores"])
    assert numbers["retain_acc"] == numbers["undefended_retain_acc"]
    assert numbers["forget_acc"] == 0
