"""fisher: the diagonal in closed form, the noise's deviation, and the rows that are drawn anew."""

import pytest
import torch
from torch import nn

from tests.trained import forget_and_retain_accuracy
from unlearnleak.data import ForgetSet, LabeledImages
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.model.base import Classifier
from unlearnleak.unlearner.fisher import FisherForgetting, fisher_diagonal

SETTINGS = {"scale": 0.001, "largest": 0.05, "reset": 0.01, "samples": 100}


class Linear(Classifier):
    """Logistic regression, whose Fisher information is known."""

    version = 1

    def __init__(self, **shape):
        super().__init__(**shape)
        self.head = nn.Linear(4, self.num_classes)

    def features(self, x_NCHW):
        return x_NCHW.flatten(1)


def test_of_logistic_regression_it_is_the_closed_form():
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(256, (12, 1, 2, 2), dtype=torch.uint8, generator=draw)
    model = Linear(image_shape=(1, 2, 2), num_classes=3, mean=(0.5,), std=(0.3,))
    weight, bias = fisher_diagonal(model, LabeledImages(images, torch.zeros(12, dtype=torch.int64), 3))
    x = model.normalize(images).flatten(1)
    p = model(model.normalize(images)).softmax(1).detach()
    spread = p * (1 - p)  # the variance of [y = k]
    torch.testing.assert_close(bias, spread.mean(0))
    torch.testing.assert_close(weight, (spread[:, :, None] * x[:, None] ** 2).mean(0))


def test_noise_is_large_where_nothing_is_needed_and_bounded():
    found = FisherForgetting(**SETTINGS).deviation(torch.tensor([0.0, 1e-12, 16.0, 1e-4]))
    torch.testing.assert_close(found, torch.tensor([0.05, 0.05, 0.0005, 0.01]))


def test_the_noise_has_the_deviation_that_the_diagonal_allows(original, task_for):
    """What was added, divided by s, is of a standard normal distribution, whatever a weight's s."""
    method = FisherForgetting(**SETTINGS)
    task = task_for(method)
    order_N = torch.randperm(len(task.split.retain), generator=task.generator("samples"))[: SETTINGS["samples"]]
    diagonal = fisher_diagonal(original.model, task.split.retain.select(order_N))
    model = method.unlearn(task_for(method))
    pairs = zip(original.model.body.parameters(), model.body.parameters(), diagonal, strict=False)  # the body's first
    told = [((after - before).detach(), (0.001 * fisher**-0.25).clamp(max=0.05)) for before, after, fisher in pairs]
    added, s = (torch.cat([part.flatten() for part in parts]) for parts in zip(*told, strict=True))
    for few in s.argsort().chunk(4):  # from what is needed most to what is needed least
        unit = added[few] / s[few]
        assert unit.std() == pytest.approx(1, abs=0.03)
        assert unit.mean() == pytest.approx(0, abs=0.03)
    assert s.max() > 10 * s.min()


def test_the_rows_are_drawn_anew_and_the_others_stay_without_noise(original, task_for):
    method = FisherForgetting(**SETTINGS | {"scale": 0.0})
    model = method.unlearn(task_for(method, (3, 5)))
    before, after = (net.head.weight.detach() for net in (original.model, model))
    kept = [c for c in range(10) if c not in (3, 5)]
    assert torch.equal(before[kept], after[kept])
    assert 0.007 < after[[3, 5]].std() < 0.013
    assert after[[3, 5]].mean().abs() < 0.003
    assert model.head.bias[[3, 5]].abs().max() < 0.05
    assert all(
        torch.equal(*pair) for pair in zip(original.model.body.parameters(), model.body.parameters(), strict=True)
    )


def test_it_forgets_and_retains(original, digits, task_for):
    method = FisherForgetting(**SETTINGS)
    model = method.unlearn(task_for(method))
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, (3,))
    assert forget_acc <= 0.1
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, (3,))[1] - 0.04
    assert (model.body[0].weight - original.model.body[0].weight).abs().max() > 0


def test_parts_of_classes_are_refused():
    with pytest.raises(Incompatible, match="unlearner=fisher can forget whole classes only"):
        FisherForgetting(**SETTINGS).check_forget(ForgetSet(classes=(3,), share=0.5))


@pytest.mark.parametrize(("setting", "value"), [("scale", -1.0), ("largest", -1.0), ("reset", -1.0), ("samples", 0)])
def test_impossible_values_are_named(setting, value):
    with pytest.raises(UserError, match=rf"unlearner\.{setting}={value} is not possible"):
        FisherForgetting(**SETTINGS | {setting: value})
