import copy

import pytest
import torch

from tests.trained import flat, forget_and_retain_accuracy
from unlearnleak.errors import UserError
from unlearnleak.training.predict import predict
from unlearnleak.unlearner.au import Amnesiac
from unlearnleak.unlearner.base import subtracting
from unlearnleak.unlearner.base.subtracting import rescale, subtract

RECIPE = {
    "epochs": 20,
    "lr": 0.05,
    "batch_size": 32,
    "clip_norm": 1.0,
    "schedule": "cosine",
    "repair_tolerance": 0.002,
    "share": 1.0,
    "rescale": False,
}


def accuracy(model, part):
    return (predict(model, part.images) == part.labels).float().mean().item()


def test_subtraction_follows_the_order_of_the_parameters(fresh_lenet):
    model = fresh_lenet()
    before = flat(model)
    update = torch.randn(len(before), generator=torch.Generator().manual_seed(0))
    subtract(model, update)
    assert torch.equal(flat(model), before - update)


def test_an_update_of_another_model_is_not_taken(fresh_lenet):
    with pytest.raises(AssertionError):
        subtract(fresh_lenet(), torch.zeros(61_707))


@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_it_forgets_retains_and_reports(original, digits, unlearn, classes):
    unlearner = Amnesiac(**RECIPE)
    model = unlearn(unlearner, classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, classes)
    retained_before = forget_and_retain_accuracy(original.model, digits.test, classes)[1]
    assert forget_acc <= 0.05
    assert retain_acc >= retained_before - 0.03
    assert 1 <= unlearner.report["repair_epochs"] <= 20


def test_a_share_of_the_ledgers_is_subtracted_and_every_layer_keeps_its_norm(original, unlearn):
    model = unlearn(Amnesiac(**RECIPE | {"epochs": 0, "share": 0.25, "rescale": True}), (2, 7))
    before = flat(original.model)
    subtracted = before - 0.25 * (original.ledger[2] + original.ledger[7])
    start = 0
    for parameter in original.model.parameters():
        part = slice(start, start := start + parameter.numel())
        found, wanted = flat(model)[part], subtracted[part]
        torch.testing.assert_close(found, wanted * parameter.norm() / wanted.norm())


def test_all_zeros_are_left_alone(fresh_lenet):
    model = fresh_lenet()
    norms = [parameter.detach().norm() for parameter in model.parameters()]
    with torch.no_grad():
        model.head.bias.zero_()
    rescale(model, norms)
    assert not model.head.bias.any()
    assert flat(model).isfinite().all()


def test_without_repair_the_ledgers_of_the_forgotten_classes_are_gone_and_nothing_else(original, digits, unlearn):
    unlearner = Amnesiac(**RECIPE | {"epochs": 0})
    model = unlearn(unlearner, (2, 7))
    expected = flat(original.model) - (original.ledger[2] + original.ledger[7])
    assert torch.equal(flat(model), expected)
    assert unlearner.report == {
        "forget_acc_train_random": unlearner.report["forget_acc_train_random"],  # its own test is below
        "retain_acc_train_random": unlearner.report["retain_acc_train_random"],
        "repair_epochs": 0,
        "forget_acc_train_subtracted": accuracy(model, digits.train.of([2, 7])),
        "retain_acc_train_subtracted": accuracy(model, digits.train.without([2, 7])),
    }
    assert unlearner.report["forget_acc_train_subtracted"] < 0.5


def test_the_report_says_what_a_random_direction_would_have_done(original, unlearn, monkeypatch):
    ends = ("_subtracted", "_random")

    def reported():
        unlearner = Amnesiac(**RECIPE | {"epochs": 0})
        unlearn(unlearner, (2, 7))
        return [[value for name, value in unlearner.report.items() if name.endswith(end)] for end in ends]

    (forgotten, _), (by_random, kept_by_random) = reported()
    assert by_random > forgotten + 0.2
    assert kept_by_random > 0.5
    monkeypatch.setattr(subtracting, "random_direction", lambda update_P, sizes, generator: update_P)
    subtracted, same = reported()
    assert subtracted == same


def test_repair_ends_after_the_first_epoch_that_is_back_within_the_tolerance(original, digits, unlearn):
    retain = digits.train.without([3])
    goal = accuracy(original.model, retain) - 0.002
    unlearner = Amnesiac(**RECIPE)
    model = unlearn(unlearner)
    needed = unlearner.report["repair_epochs"]
    assert accuracy(model, retain) >= goal
    assert 1 < needed < 20
    # The same training, cut one epoch earlier: the schedule still reckons with 20 epochs.
    shorter, one_less = copy.deepcopy(original.model), Amnesiac(**RECIPE)
    usual = one_less.on_train_epoch_end

    def stop(trainer, pl_module):
        usual(trainer, pl_module)
        trainer.should_stop = one_less.report["repair_epochs"] >= needed - 1

    one_less.on_train_epoch_end = stop
    unlearn(one_less, start=shorter)
    assert one_less.report["repair_epochs"] == needed - 1
    assert accuracy(shorter, retain) < goal


def test_the_most_generous_tolerance_repairs_for_one_epoch(unlearn):
    unlearner = Amnesiac(**RECIPE | {"repair_tolerance": 1.0})
    unlearn(unlearner)
    assert unlearner.report["repair_epochs"] == 1


def test_a_tolerance_that_is_no_accuracy_is_refused():
    with pytest.raises(UserError, match="repair_tolerance=2 must be"):
        Amnesiac(**RECIPE | {"repair_tolerance": 2})
    with pytest.raises(UserError, match=r"unlearner\.share=0 "):
        Amnesiac(**RECIPE | {"share": 0})
