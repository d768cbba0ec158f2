"""linear_filtration: the filter by hand, the means by a loop, and the class that is taken out of a trained model."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tests.jobs import pipeline_in
from tests.trained import forget_and_retain_accuracy
from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.defense.linear_filtration import LinearFiltration, filtration, mean_logits, wanted_logits
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.pipeline.evaluate import evaluate_run

A = torch.tensor([[6.0, -2.0, 1.0], [-1.0, 5.0, 2.0], [-3.0, -4.0, 7.0]], dtype=torch.float64)
"""Mean logits of three classes: column j of images of class j."""


def method(**changed):
    return LinearFiltration(**{"mode": "normalization", "rtol": 0.0} | changed)


def test_what_is_wanted_of_three_classes_by_hand():
    wanted = wanted_logits(A, (2,), "normalization", generator(0))
    shift = (6 - 2 - 1 + 5) / 4 - (1 + 2) / 2  # to the mean of the retained classes' logits for retained images
    by_hand = [[6, -2, 1 + shift], [-1, 5, 2 + shift], [-1, -2, (-1 - 2) / 2]]  # below: the only wrong retained class
    torch.testing.assert_close(wanted, torch.tensor(by_hand, dtype=torch.float64))
    zeros = wanted_logits(A, (2,), "zeroing", generator(0))
    assert zeros[:, 2].tolist() == [0, 0, -1.5]
    drawn = wanted_logits(A, (2,), "randomization", generator(0))[:2, 2]
    torch.testing.assert_close(drawn, torch.randn(2, generator=generator(0), dtype=torch.float64))


def test_of_several_forgotten_classes_each_gets_its_own():
    wanted = wanted_logits(A, (0, 2), "normalization", generator(0))
    assert wanted[1].tolist() == [5, 5, 5]  # one class is left, whose logit is the mean of itself
    assert torch.equal(wanted[[0, 2]], A[[0, 2]])  # and there is no wrong one


@pytest.mark.parametrize("mode", ["normalization", "randomization", "zeroing"])
def test_the_filter_is_b_times_the_inverse_of_a_and_makes_the_means_what_is_wanted(mode):
    wanted = wanted_logits(A, (2,), mode, generator(0))
    found = filtration(A, wanted, 0.0)
    np.testing.assert_allclose(found, wanted.numpy() @ np.linalg.inv(A.numpy()), atol=1e-12)
    torch.testing.assert_close(found @ A, wanted)
    assert (wanted.argmax(0)[:2] == torch.arange(2)).all()
    assert wanted.argmax(0)[2] != 2


def test_directions_in_which_the_means_hardly_differ_are_left_as_they_are():
    nearly = A.clone()
    nearly[:, 2] = 0.5 * A[:, 0] + 0.5 * A[:, 1] + 1e-4
    wanted = wanted_logits(nearly, (2,), "zeroing", generator(0))
    exact, without = filtration(nearly, wanted, 0.0), filtration(nearly, wanted, 0.01)
    assert exact.abs().max() > 1e3
    assert without.abs().max() < 10
    u = torch.linalg.svd(nearly).U[:, 2]
    torch.testing.assert_close(without @ u, u)


def test_means_are_those_of_a_loop_over_images(original, digits):
    split = ForgetSplit.of(digits.train, (3, 7))
    with torch.no_grad():
        found = mean_logits(original.model, [split.forget, split.retain])
        for c in range(10):
            images = digits.train.of([c]).images
            logits = torch.stack([original.model(original.model.normalize(image[None]))[0] for image in images])
            torch.testing.assert_close(found[:, c], logits.double().mean(0), rtol=1e-4, atol=1e-4)


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
