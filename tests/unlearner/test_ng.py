import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tests.trained import flat, forget_and_retain_accuracy
from tests.training.conftest import Normalised
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.predict import predict
from unlearnleak.unlearner.ng import NegativeGradient, bounded_ascent

RECIPE = {
    "epochs": 100,
    "lr": 0.5,
    "momentum": 0.0,
    "batch_size": 32,
    "clip_norm": 0.04,
    "forget_acc_goal": 0.0,
    "loss_bound": 4.6,
    "retain_weight": 2.0,
    "check_every": 4,
}


def method(**changed):
    return NegativeGradient(**RECIPE | changed)


def test_the_ascent_is_the_negative_mean_of_the_bounded_losses():
    logits = torch.tensor([[9.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    labels = torch.tensor([0, 0, 0])
    losses = [math.log(1 + 2 * math.exp(-9)), math.log(3), 2.0]  # the last is about 9, above the bound
    assert bounded_ascent(logits, labels, 2.0).item() == pytest.approx(-sum(losses) / 3, rel=1e-5)


def test_samples_above_the_bound_are_left_alone_and_the_others_pushed_as_by_the_plain_ascent():
    draw = generator(0)
    logits = (4 * torch.randn(200, 10, generator=draw)).requires_grad_()
    labels = torch.randint(10, (200,), generator=draw)
    bounded_ascent(logits, labels, 4.6).backward()
    losses = cross_entropy(logits, labels, reduction="none").detach()
    plain = torch.autograd.grad(-cross_entropy(logits, labels), logits)[0]
    assert 20 < (losses > 4.6).sum() < 180
    assert (logits.grad[losses > 4.6] == 0).all()
    assert torch.allclose(logits.grad[losses < 4.6], plain[losses < 4.6], atol=1e-7)


@pytest.mark.parametrize(
    ("classes", "changed", "loss"),
    [
        ((3,), {}, 0.04),
        ((1, 4, 8), {}, 0.04),
        ((3,), {"retain_weight": 0.0}, 0.25),  # the ascent alone takes the others along
    ],
)
def test_it_forgets_and_retains_with_and_without_the_retain_set(original, unlearn, classes, changed, loss):
    unlearner = method(**changed)
    model = unlearn(unlearner, classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, original.splits.test, classes)
    retained_before = forget_and_retain_accuracy(original.model, original.splits.test, classes)[1]
    assert forget_acc <= 0.05
    assert retain_acc >= retained_before - loss
    assert unlearner.report["stopped_by"] == "forget_acc_goal"


def test_without_a_retain_weight_the_retain_set_is_not_looked_at(digits, unlearn):
    unlearner = method(retain_weight=0.0, epochs=2)
    prepare = unlearner.prepare

    def blind(task):
        prepare(task)
        unlearner.retain = None

    unlearner.prepare = blind
    unlearn(unlearner)
    assert unlearner.report["steps"] > 0


@pytest.mark.parametrize("goal", [0.0, 0.4])
def test_it_stops_at_the_first_look_that_meets_the_goal(original, digits, unlearn, goal):
    unlearner = method(forget_acc_goal=goal, check_every=1)
    model = unlearn(unlearner)
    seen = digits.train.of([3])
    accuracy = (predict(model, seen.images) == seen.labels).float().mean().item()
    steps = unlearner.report["steps"]
    assert unlearner.report == {"stopped_by": "forget_acc_goal", "steps": steps, "forget_acc_train": accuracy}
    assert accuracy <= goal
    one_less = method(forget_acc_goal=0.0, check_every=1000)
    shorter = copy.deepcopy(original.model)
    stop_after(one_less, steps - 1)
    unlearn(one_less, start=shorter)
    assert (predict(shorter, seen.images) == seen.labels).float().mean().item() > goal


def stop_after(unlearner, steps):
    """Make the unlearner stop after a number of steps, whatever the accuracy."""
    usual = unlearner.on_train_batch_end

    def stop(trainer, *args):
        usual(trainer, *args)
        trainer.should_stop = trainer.should_stop or unlearner.report["steps"] >= steps

    unlearner.on_train_batch_end = stop


def test_a_goal_that_is_not_met_ends_with_the_epochs_and_is_reported(unlearn):
    unlearner = method(epochs=2, lr=1e-6, check_every=1000)
    unlearn(unlearner)
    assert unlearner.report["stopped_by"] == "epochs"
    assert unlearner.report["steps"] == 2 * (105 // 32)
    assert unlearner.report["forget_acc_train"] > 0.9


def test_a_step_is_no_longer_than_lr_times_clip_norm(original, unlearn):
    unlearner = method(epochs=1)
    model = unlearn(unlearner)
    length = (flat(model) - flat(original.model)).norm().item()
    assert 0 < length <= unlearner.report["steps"] * 0.5 * 0.04 * 1.001


def test_losses_stay_near_the_bound(digits, unlearn):
    """Without the bound, ascent goes on until the check, and the loss with it."""
    forget = digits.train.of([3])

    def loss_after(bound):
        unlearner = method(retain_weight=0.0, loss_bound=bound, check_every=10**6, epochs=40)
        model = unlearn(unlearner)
        with torch.no_grad():
            return cross_entropy(model(model.normalize(forget.images)), forget.labels).item()

    bounded, unbounded = loss_after(4.6), loss_after(1e9)
    assert 4.6 < bounded < 20  # the steps go on past it until the last sample has arrived
    assert unbounded > 5 * bounded


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_batch_normalisation_keeps_the_original_s_statistics(digits, unlearn, weight):
    with isolated(0, "normalised"):
        model = Normalised(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)
    how = Optimization(epochs=3, batch_size=32, lr=0.05)
    fit(model, digits.train, how, test=digits.test, generator=generator(0), label="original")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    unlearn(method(retain_weight=weight, check_every=1, epochs=3), start=model)
    normalisation = model.body[1]
    assert isinstance(normalisation, nn.BatchNorm2d)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.equal(getattr(normalisation, name), before[f"body.1.{name}"]), name
    assert not torch.equal(normalisation.weight, before["body.1.weight"])


def test_the_training_gets_its_own_criterion_back(unlearn):
    unlearner, seen = method(epochs=1), []
    usual = unlearner.on_fit_end

    def watched(trainer, lit):
        seen.append(lit.criterion)
        usual(trainer, lit)
        seen.append(lit.criterion)

    unlearner.on_fit_end = watched
    unlearn(unlearner)
    assert seen[0] is not cross_entropy
    assert seen[1] is cross_entropy


def test_a_bound_below_chance_is_refused(unlearn):
    with pytest.raises(UserError, match=r"loss_bound=2.0 is too low.*10 classes.*2\.30 nats.*4\.6"):
        unlearn(method(loss_bound=2.0))


@pytest.mark.parametrize(("name", "value"), [("forget_acc_goal", 5), ("retain_weight", -1.0), ("check_every", 0)])
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(UserError, match=f"unlearner.{name}={value!r} must be"):
        method(**{name: value})


def test_a_bound_below_chance_is_refused_by_the_number_of_classes_alone():
    with pytest.raises(UserError, match=r"loss_bound=4.6 is too low.*100 classes.*4\.61 nats.*9\.2"):
        method().check_classes(100)
    method().check_classes(99)
