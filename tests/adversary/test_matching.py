"""Gradient matching against one restart after another, and on models where the answer is known."""

import copy

import pytest
import torch
from sklearn.datasets import load_digits
from torch.nn import functional as F

from tests.adversary.test_rows import stepped
from tests.attack.victims import SIDE, Linear
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.matching import Matching, change, distance, forgotten_gradient, roughness
from unlearnleak.errors import UserError
from unlearnleak.model.lenet import LeNet
from unlearnleak.model.resnet18 import ResNet18


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def lenet(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LeNet(image_shape=(1, SIDE, SIDE), num_classes=10, mean=(0.3,), std=(0.35,)).eval()


def resnet18():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ResNet18(image_shape=(3, 32, 32), num_classes=10, mean=(0.5,) * 3, std=(0.25,) * 3).train()


@pytest.mark.parametrize("make", [lenet, resnet18])
def test_gradients_and_their_slopes_are_those_of_one_batch_after_another(make):
    model = make()
    box = WhiteBox(model)
    model.eval()
    x_RNCHW = torch.randn(2, 2, *model.image_shape, generator=generator()).requires_grad_()
    labels_RN = torch.tensor([[3, 1], [3, 3]])
    found = box.loss_gradients(x_RNCHW, labels_RN)
    slow = []
    for x_NCHW, labels_N in zip(x_RNCHW, labels_RN, strict=True):
        loss = F.cross_entropy(model(x_NCHW), labels_N)
        slow.append(torch.autograd.grad(loss, list(model.parameters()), create_graph=True))
    assert list(found) == [name for name, _ in model.named_parameters()]
    for of_one, value in zip(zip(*slow, strict=True), found.values(), strict=True):
        torch.testing.assert_close(value, torch.stack(of_one), rtol=1e-3, atol=1e-4)
    (slope,) = torch.autograd.grad(sum(value.square().sum() for value in found.values()), x_RNCHW)
    (expected,) = torch.autograd.grad(sum(value.square().sum() for of_one in slow for value in of_one), x_RNCHW)
    torch.testing.assert_close(slope, expected, rtol=1e-2, atol=1e-3 * expected.abs().max().item())


def test_what_a_white_box_gives_of_parameters_changes_none():
    model = lenet()
    before = copy.deepcopy(model.state_dict())
    box = WhiteBox(model)
    box.parameters()["head.bias"].fill_(9)
    for value in box.loss_gradients(torch.zeros(1, 1, 1, SIDE, SIDE), torch.zeros(1, 1, dtype=torch.int64)).values():
        value.fill_(9)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(box.parameters()["head.bias"], before["head.bias"])
    assert all(parameter.grad is None for parameter in box._model.parameters())


def test_the_distance_is_one_less_the_cosine_of_all_parameters_together():
    draw = generator()
    target = {"a": torch.randn(2, 3, generator=draw), "b": torch.randn(4, generator=draw)}
    found = {name: torch.randn(5, *value.shape, generator=draw) for name, value in target.items()}
    flat_RP = torch.cat([value.flatten(1) for value in found.values()], 1)
    flat_P = torch.cat([value.flatten() for value in target.values()])
    torch.testing.assert_close(distance(found, target), 1 - F.cosine_similarity(flat_RP, flat_P[None], dim=1))
    still = {name: torch.zeros_like(value) for name, value in target.items()}
    assert torch.equal(distance(found, still), torch.ones(5))


def test_the_roughness_is_the_mean_difference_of_neighbours():
    x = torch.zeros(2, 1, 1, 2, 2)
    x[1, 0, 0, 0, 0] = 1.0
    assert roughness(x).tolist() == [0.0, 1.0]  # half of the vertical pairs differ by 1, and half of the horizontal


MATCHING = {"restarts": 2, "steps": 300, "lr": 0.1, "tv": 0.0}


def digits(count):
    images = torch.tensor(load_digits().images[:count], dtype=torch.float32)[:, None] / 16
    return F.interpolate(images, size=(SIDE, SIDE), mode="bilinear"), torch.tensor(load_digits().target[:count])


def error_of(model, rows, towards):
    """How far what is recovered from a step up the loss of the images `rows` is from the images `towards`."""
    images_NCHW, labels_N = digits(40)
    before = WhiteBox(model)
    target = change(WhiteBox(stepped(model, images_NCHW[rows], labels_N[rows])), before)
    found = Matching(**MATCHING).recover(before, target, labels_N[rows], generator())
    return (found.images_NCHW - images_NCHW[towards]).square().mean().item()


@pytest.mark.parametrize("rows", [[0], [0, 1]])
def test_images_that_the_model_stepped_away_from_are_recovered_and_others_are_not(rows):
    images_NCHW, labels_N = digits(40)
    model = Linear(image_shape=(1, SIDE, SIDE), num_classes=10, scale=0.05)
    same = images_NCHW[2:][labels_N[2:] == labels_N[0]]
    nearest = (same - images_NCHW[:1]).square().flatten(1).mean(1).min().item()
    assert error_of(model, rows, rows) < 0.2 * nearest  # than any other image of its class
    control = [row + 10 for row in rows]  # other images of the same classes
    assert error_of(model, control, rows) > 0.8 * nearest


def test_images_are_valid_and_the_best_restart_is_kept_by_the_same_objective():
    model = lenet()
    box = WhiteBox(model)
    images_NCHW, labels_N = digits(3)
    target = change(WhiteBox(stepped(model, images_NCHW, labels_N)), box)
    settings = MATCHING | {"steps": 8, "tv": 0.01}
    alone = [Matching(**settings | {"restarts": count}).recover(box, target, labels_N, generator()) for count in (1, 4)]
    assert alone[1].objective <= alone[0].objective + 1e-6  # the first start is among the four
    best = alone[1]
    assert best.images_NCHW.shape == images_NCHW.shape
    assert best.images_NCHW.min() >= 0
    assert best.images_NCHW.max() <= 1
    x_NCHW = box.normalize(best.images_NCHW)
    gradients = box.loss_gradients(x_NCHW[None], labels_N[None])
    again = distance(gradients, target) + 0.01 * roughness(x_NCHW[None])
    assert best.objective == pytest.approx(again.item(), rel=1e-4)


def test_of_no_change_nothing_is_recovered_and_nothing_breaks():
    box = WhiteBox(Linear(image_shape=(1, 6, 6)))
    found = Matching(**MATCHING | {"steps": 5}).recover(box, change(box, box), torch.tensor([2]), generator())
    assert found.objective == pytest.approx(1)
    assert found.images_NCHW.isfinite().all()


@pytest.mark.parametrize(("name", "value"), [("restarts", 0), ("steps", 0), ("lr", 0.0), ("tv", -1.0)])
def test_a_setting_that_cannot_be_is_named(name, value):
    with pytest.raises(UserError, match=f"attack.{name}={value} is not possible"):
        Matching(**MATCHING | {name: value})


def test_of_two_trainings_of_one_step_the_gradient_of_what_one_left_out_is_left():
    model, (images_NCHW, labels_N) = lenet(), digits(10)
    start, rate = WhiteBox(model), 0.1
    whole, rest = (
        change(WhiteBox(stepped(model, images_NCHW[part], labels_N[part], lr=-rate)), start)
        for part in (slice(0, 10), slice(3, 10))
    )
    found = forgotten_gradient(whole, rest, learnt=10, kept=7)
    x_NCHW = start.normalize(images_NCHW[:3])
    expected = start.loss_gradients(x_NCHW[None], labels_N[None, :3])
    for name, value in found.items():
        torch.testing.assert_close(value, 3 * rate * expected[name][0], rtol=1e-3, atol=1e-5)
    wrong = forgotten_gradient(whole, rest, learnt=10, kept=10)
    assert distance(expected, found).item() < 1e-4 < distance(expected, wrong).item()
