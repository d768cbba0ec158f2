import copy

import torch
from torch import nn

from unlearnleak.auditing.paced import AT_ONCE, Paced
from unlearnleak.model.base import Classifier


class Seen(Classifier):
    """Notes what it is asked about."""

    version = 1

    def __init__(self, **shape):
        super().__init__(image_shape=(3, 64, 64), num_classes=2, mean=(0.5,) * 3, std=(0.5,) * 3)
        self.head, self.asked = nn.Linear(3, 2), []

    def features(self, x_NCHW):
        self.asked.append((len(x_NCHW), x_NCHW.is_contiguous(memory_format=torch.channels_last)))
        return x_NCHW.mean((2, 3))


class Flat(Seen):
    """Somebody's code that takes one order of memory alone."""

    def features(self, x_NCHW):
        super().features(x_NCHW)
        return x_NCHW.view(len(x_NCHW), -1)[:, :3]


def test_answers_features_and_gradients_are_those_of_the_model(unlearned, images):
    paced, x = Paced(copy.deepcopy(unlearned)).eval(), unlearned.normalize(images.images.repeat(2, 1, 1, 1))
    assert len(x) > paced.at_once
    with torch.no_grad():
        assert torch.allclose(paced(x), unlearned(x), atol=1e-4)
        assert torch.allclose(paced.features(x), unlearned.features(x), atol=1e-4)
    slopes = []
    for model in (paced, unlearned):
        some = x[:4].clone().requires_grad_(True)
        slopes += torch.autograd.grad(model(some).square().sum(), some)
    assert torch.allclose(*slopes, atol=1e-2 * float(slopes[1].abs().max()))


def test_few_images_are_asked_about_at_once_and_all_where_a_gradient_is_wanted():
    model = Seen().eval()
    paced = Paced(model).eval()
    most = AT_ONCE // (3 * 64 * 64)
    model.asked.clear()
    with torch.no_grad():
        paced(torch.rand(2 * most + 1, 3, 64, 64))
    assert model.asked == [(most, True), (most, True), (1, True)]
    model.asked.clear()
    paced(torch.rand(2 * most + 1, 3, 64, 64, requires_grad=True))
    assert model.asked == [(2 * most + 1, True)]


def test_code_that_takes_one_order_of_memory_alone_is_given_that():
    model = Flat().eval()
    paced = Paced(model).eval()
    model.asked.clear()
    paced(torch.rand(3, 3, 64, 64, requires_grad=True))
    assert model.asked == [(3, False)]
