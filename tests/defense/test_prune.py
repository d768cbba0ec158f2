"""prune: which weights go, how many, what stays, and what becomes of a run that is defended."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.defense.conftest import weights
from tests.jobs import pipeline_in
from unlearnleak.defense.prune import Prune
from unlearnleak.errors import UserError
from unlearnleak.pipeline.evaluate import evaluate_run


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
def test_the_smallest_weights_of_all_layers_together_are_zero_and_the_others_as_they_were(original, defend, share):
    before, after = weights(original.model), weights(defend(Prune(share=share)))
    sizes = np.sort(np.concatenate([weight.abs().flatten().numpy() for weight in before.values()]))
    gone = round(share * len(sizes))
    assert sum(int((weight == 0).sum()) for weight in after.values()) == gone
    bound = sizes[gone - 1] if gone else -1
    for name, weight in before.items():
        assert torch.equal(after[name], torch.where(weight.abs() > bound, weight, 0)), name


def test_biases_and_what_a_file_of_the_model_holds_stay(original, defend):
    before, after = original.model.state_dict(), defend(Prune(share=0.9)).state_dict()
    assert set(after) == set(before)
    for name, value in before.items():
        if name.endswith("bias") or name in ("mean", "std"):
            assert torch.equal(after[name], value), name


def test_batch_normalisation_stays(resnet, digits, defend):
    before, after = resnet.state_dict(), defend(Prune(share=0.5), model=resnet).state_dict()
    layers = set(weights(resnet))
    for name, value in before.items():
        if name.removesuffix(".weight") not in layers:
            assert torch.equal(after[name], value), name
    assert sum(int((after[f"{name}.weight"] == 0).sum()) for name in layers) > 0


def test_a_pruned_model_can_be_trained_on(defend):
    model = defend(Prune(share=0.9))
    assert all(isinstance(parameter, nn.Parameter) and parameter.is_leaf for parameter in model.parameters())
    model(torch.rand(2, *model.image_shape)).sum().backward()
    assert model.head.weight.grad is not None


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(UserError, match=r"defense\.share="):
        Prune(share=share)


def test_a_model_without_such_layers_is_told(original, defend):
    model = nn.Sequential(nn.Flatten())
    with pytest.raises(UserError, match="no convolution or linear layer"):
        defend(Prune(share=0.5), model=model)


def test_a_control_is_pruned_alike(original, defend):
    nothing, one = weights(defend(Prune(share=0.5), ())), weights(defend(Prune(share=0.5), (3,)))
    assert all(torch.equal(value, one[name]) for name, value in nothing.items())


def test_a_run_attacks_the_pruned_model_and_says_what_it_cost(tmp_path):
    words = ("attack=head_sum", "training.epochs=20", "defense=prune")
    pipeline = pipeline_in(tmp_path, *words, "defense.share=0.99")
    numbers = evaluate_run(pipeline)
    kept = torch.cat([weight.flatten() for weight in weights(pipeline.model("defended")).values()])
    assert int((kept == 0).sum()) == round(0.99 * len(kept))
    assert numbers["retain_acc"] < numbers["undefended_retain_acc"]
    mild = evaluate_run(pipeline_in(tmp_path, *words, "defense.share=0.1"))
    assert mild["retain_acc"] == mild["undefended_retain_acc"]
