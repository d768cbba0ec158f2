"""linear_filtration: the class that is taken out of a trained model. Its arithmetic: tests/unlearner/base."""

import copy

import pytest
import torch
from torch import nn

from tests.jobs import pipeline_in
from tests.trained import forget_and_retain_accuracy
from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.defense.linear_filtration import LinearFiltration
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.unlearner.base.filtration import filtration, mean_logits, wanted_logits


def method(**changed):
    return LinearFiltration(**{"mode": "normalization", "rtol": 0.0} | changed)


@pytest.mark.parametrize("mode", ["normalization", "randomization", "zeroing"])
@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_it_takes_the_classes_out_of_a_model_that_knows_them(original, digits, defend, mode, classes):
    before = forget_and_retain_accuracy(original.model, digits.test, classes)
    after = forget_and_retain_accuracy(defend(method(mode=mode, rtol=0.03), classes), digits.test, classes)
    assert before[0] > 0.9
    assert after[0] < 0.2  # of a model that was trained on longer nothing is left: see the run below
    assert after[1] >= before[1] - 0.02


def test_only_the_head_changes_and_logits_are_the_filtered_ones(original, digits, defend):
    before, after = original.model, defend(method())
    for name, value in before.state_dict().items():
        assert name.startswith("head") or torch.equal(after.state_dict()[name], value), name
    with torch.no_grad():
        x = before.normalize(digits.test.images[:20])
        A = mean_logits(before, [digits.train])
        F = filtration(A, wanted_logits(A, (3,), "normalization", generator(0)), 0.0)
        torch.testing.assert_close(after(x).double(), before(x).double() @ F.T, rtol=1e-3, atol=1e-3)


def test_a_control_stays_as_it_is(original, defend):
    after = defend(method(), ()).state_dict()
    assert all(torch.equal(after[name], value) for name, value in original.model.state_dict().items())


def test_what_is_random_comes_from_the_generator(defend):
    first, again, other = (defend(method(mode="randomization"), seed=seed).head.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_batch_normalisation_and_a_head_without_bias_will_do(resnet):
    model = copy.deepcopy(resnet)
    model.head = nn.Linear(512, 4, bias=False)
    images = torch.randint(0, 256, (16, 1, 32, 32), dtype=torch.uint8, generator=generator(0))
    split = ForgetSplit.of(LabeledImages(images, torch.arange(16) % 4, 4), (1,))
    before = copy.deepcopy(model.state_dict())
    after = method(rtol=0.01)(model, split, generator(0)).state_dict()
    assert [name for name, value in before.items() if not torch.equal(after[name], value)] == ["head.weight"]


@pytest.mark.parametrize("rtol", [-0.1, 1.0])
def test_a_tolerance_out_of_range_is_refused(rtol):
    with pytest.raises(UserError, match=r"defense\.rtol="):
        method(rtol=rtol)


def test_an_unknown_mode_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match=r"defense\.mode='naive' is not possible .*'normalization'.*'zeroing'"):
        pipeline_in(tmp_path, "defense=linear_filtration", "defense.mode=naive")


def test_parts_of_classes_are_refused_before_any_training(tmp_path):
    pipeline = pipeline_in(tmp_path, "attack=head_sum", "defense=linear_filtration", "forget_share=0.5")
    with pytest.raises(
        Incompatible, match=r"defense=linear_filtration is for models that have forgotten whole classes"
    ):
        evaluate_run(pipeline)
    assert not list(tmp_path.glob("store/original/[0-9a-f]*"))
    pipeline_in(tmp_path, "attack=head_sum", "defense=linear_filtration", "forget_share=0.5", "unlearner=none").check()


def test_a_class_without_images_to_forget_is_told_before_any_training(tmp_path):
    words = ("attack=head_sum", "defense=linear_filtration", "forget_classes=[0]")
    pipeline_in(tmp_path, *words, "finetuning.samples=8").check()
    with pytest.raises(UserError, match=r"defense=linear_filtration needs images of every class .* none of class 2"):
        pipeline_in(tmp_path, *words, "finetuning.samples=2").artifact("original")
    assert not list(tmp_path.glob("store/original/[0-9a-f]*"))


def test_a_run_without_an_unlearner_forgets_by_the_filtration_alone(digits_job):
    words = ("attack=head_sum", "defense=linear_filtration", "unlearner=ft", "unlearner.epochs=0")
    numbers = evaluate_run(digits_job(*words))
    assert numbers["undefended_forget_acc"] > 0.8
    assert numbers["forget_acc"] == 0
    assert numbers["retain_acc"] >= numbers["undefended_retain_acc"] - 0.02
