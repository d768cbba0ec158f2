import math

import pytest
import torch

from unlearnleak.errors import UserError
from unlearnleak.training.optimization import Optimization


def rates(**settings):
    """The learning rates that SGD really uses, step by step."""
    how = Optimization(batch_size=1, lr=0.5, **settings)
    built = how.build([torch.nn.Parameter(torch.zeros(1))])
    if not isinstance(built, dict):
        return [built.param_groups[0]["lr"]] * how.epochs * how.steps_per_epoch
    seen = []
    for _ in range(how.epochs * how.steps_per_epoch):
        seen.append(built["optimizer"].param_groups[0]["lr"])
        built["optimizer"].step()
        built["lr_scheduler"]["scheduler"].step()
    return seen


def test_a_constant_schedule_stays_at_lr():
    assert rates(epochs=2, steps_per_epoch=3) == [0.5] * 6


def test_a_cosine_is_that_of_torch():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.5)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    expected = []
    for _ in range(20):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()
    assert rates(epochs=4, steps_per_epoch=5, schedule="cosine") == pytest.approx(expected)


@pytest.mark.parametrize(("epochs", "milestones"), [(182, [91, 136]), (8, [4, 6]), (3, [1, 2]), (2, [1]), (1, [])])
def test_steps_are_those_of_torch_after_half_and_three_quarters_of_the_epochs(epochs, milestones):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    reference = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3 * epoch for epoch in milestones], gamma=0.1)
    expected = []
    for _ in range(3 * epochs):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()
    assert rates(epochs=epochs, steps_per_epoch=3, schedule="step") == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_warm_up_rises_in_equal_steps_and_hands_over_at_the_full_rate(schedule):
    seen = rates(epochs=10, steps_per_epoch=4, schedule=schedule, warmup_epochs=1)
    assert seen[:4] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert seen[4] == 0.5
    assert all(0 < rate <= 0.5 for rate in seen)
    if schedule == "cosine":
        assert seen[5:] == sorted(seen[5:], reverse=True)
        assert seen[4 + 18] == pytest.approx(0.25)  # half way through what follows the warm-up
        assert seen[-1] < 0.002


def test_warm_up_may_end_within_an_epoch_or_after_the_last():
    assert rates(epochs=2, steps_per_epoch=4, warmup_epochs=0.5)[:3] == pytest.approx([0.5 / 3, 1 / 3, 0.5])
    seen = rates(epochs=1, steps_per_epoch=4, schedule="cosine", warmup_epochs=3)
    assert seen == pytest.approx([0.5 * (step + 1) / 13 for step in range(4)])


def test_the_optimizer_is_plain_sgd_with_the_settings():
    how = Optimization(epochs=1, batch_size=1, lr=0.5, momentum=0.8, weight_decay=0.3)
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    optimizer = how.build([weight])
    value, velocity = 2.0, 0.0
    for gradient in (1.0, -2.0, 0.5):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        velocity = 0.8 * velocity + gradient + 0.3 * value
        value -= 0.5 * velocity
    assert weight.item() == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", -1),
        ("batch_size", 0),
        ("lr", 0.0),
        ("lr", math.nan),
        ("lr", math.inf),
        ("optimizer", "SGD"),
        ("optimizer", "adamax"),
        ("momentum", 1.0),
        ("momentum", -0.1),
        ("weight_decay", -1.0),
        ("schedule", "cosin"),
        ("warmup_epochs", -1.0),
        ("clip_norm", 0.0),
        ("clip_norm", -1.0),
    ],
)
def test_a_bad_value_is_refused_by_name(name, value):
    settings = {"epochs": 1, "batch_size": 1, "lr": 0.1} | {name: value}
    with pytest.raises(UserError, match=f"{name}={value!r} must be"):
        Optimization(**settings)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(UserError, match=r"epochs=-2.*batch_size=0.*lr=-1"):
        Optimization(epochs=-2, batch_size=0, lr=-1)


def test_an_unknown_setting_is_an_error_that_names_it():
    with pytest.raises(TypeError, match="learning_rate"):
        Optimization(epochs=1, batch_size=1, lr=0.1, learning_rate=0.1)


def test_adam_steps_as_its_authors_say():
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    built = Optimization(optimizer="adam", epochs=1, batch_size=1, lr=0.1, momentum=0.8).build([weight])
    value, first, second = 2.0, 0.0, 0.0
    for t, gradient in enumerate((1.0, -2.0, 0.5), 1):
        weight.grad = torch.tensor([gradient])
        built.step()
        first, second = 0.8 * first + 0.2 * gradient, 0.999 * second + 0.001 * gradient**2
        value -= 0.1 * first / (1 - 0.8**t) / (math.sqrt(second / (1 - 0.999**t)) + 1e-8)
    assert weight.item() == pytest.approx(value)
    scheduled = Optimization(optimizer="adam", epochs=1, batch_size=1, lr=0.1, schedule="cosine").build([weight])
    assert isinstance(scheduled["optimizer"], torch.optim.Adam)


def gradients(steps):
    return torch.randn(steps, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("optimizer", "reference"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)], ids=["adam", "adamw"]
)
@pytest.mark.parametrize("captured", [False, True])
def test_optimizers_of_adam_s_kind_are_those_of_torch(optimizer, reference, captured):
    how = Optimization(optimizer=optimizer, epochs=1, batch_size=1, lr=0.1, momentum=0.8, weight_decay=0.3)
    ours, theirs = (torch.nn.Parameter(torch.arange(5.0)) for _ in range(2))
    built = how.captured_optimizer([ours], torch.device("cpu")) if captured else how.build([ours])
    expected = reference([theirs], lr=0.1, betas=(0.8, 0.999), weight_decay=0.3)
    for gradient in gradients(5):
        for weight, each in ((ours, built), (theirs, expected)):
            weight.grad = gradient.clone()
            each.step()
    assert type(built) is reference
    torch.testing.assert_close(ours, theirs)
    assert (ours - torch.arange(5.0)).abs().min() > 0.01


def test_the_decay_of_adamw_is_apart_from_the_gradient():
    """Without a gradient weights shrink by lr * weight_decay a step; Adam's would be the length of a whole step."""
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    built = Optimization(optimizer="adamw", epochs=1, batch_size=1, lr=0.1, weight_decay=0.3).build([weight])
    for _ in range(3):
        weight.grad = torch.zeros(1)
        built.step()
    assert weight.item() == pytest.approx(2 * (1 - 0.03) ** 3)


def test_sgd_is_what_is_taken_unless_another_is_named():
    assert (
        type(Optimization(epochs=1, batch_size=1, lr=0.1).build([torch.nn.Parameter(torch.zeros(1))]))
        is torch.optim.SGD
    )
