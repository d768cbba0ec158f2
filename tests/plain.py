"""Steps of training by hand: what unlearners' trainings are held against, one batch a pass so that no order matters."""

import copy

import torch
from torch import Tensor

from tests.trained import flat


def sgd(model, loss: Tensor, lr: float, masks=None) -> None:
    """One step against the gradient of `loss`, of which `masks` leave a part."""
    parameters = list(model.parameters())
    slopes = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for place, (parameter, slope) in enumerate(zip(parameters, slopes, strict=True)):
            parameter.sub_(lr * slope * (1 if masks is None else masks[place]))


class Adam:
    """Adam of the usual constants."""

    def __init__(self, model, lr: float) -> None:
        self.parameters, self.lr, self.steps = list(model.parameters()), lr, 0
        self.first, self.second = ([torch.zeros_like(p) for p in self.parameters] for _ in range(2))

    def __call__(self, loss: Tensor) -> None:
        self.steps += 1
        slopes = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            for p, m, v, g in zip(self.parameters, self.first, self.second, slopes, strict=True):
                m.copy_(0.9 * m + 0.1 * g)
                v.copy_(0.999 * v + 0.001 * g**2)
                p.sub_(self.lr * m / (1 - 0.9**self.steps) / ((v / (1 - 0.999**self.steps)).sqrt() + 1e-8))


def logits(model, data) -> Tensor:
    """Of all images of a data set."""
    return model(model.normalize(data.images))


def assert_same_way(found, slow, start, share: float = 1e-3) -> None:
    """Both moved from `start`, and lie apart by at most `share` of the way.

    Not entry by entry: Adam's first step is a sign, which rounding turns where a slope is next to nothing.
    """
    way = (flat(slow) - flat(start)).norm()
    assert way > 0
    assert (flat(found) - flat(slow)).norm() <= share * way


def copied(model):
    """A copy to be trained by hand."""
    return copy.deepcopy(model).eval()
