"""The head is the layer that makes the answer, wherever it stands; where that is not clear, people are asked."""

import pytest
import torch
from torch import nn

from tests.foreign.strangers import made
from unlearnleak.errors import UserError
from unlearnleak.foreign.model import wrap_model

INPUTS = {"image_shape": (1, 4, 4), "mean": 0.0, "std": 1.0}


class Net(nn.Module):
    """Layers `a` and `b` of three outputs each, combined by `how`."""

    def __init__(self, how):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.b, self.a, self.inner = nn.Linear(16, 3), nn.Linear(16, 3), nn.Linear(3, 3)
        self.how = how

    def forward(self, x):
        return self.how(self, x.flatten(1))


def opened(how, **more):
    return wrap_model(Net(how).eval(), **INPUTS, **more)


@pytest.mark.parametrize(
    ("how", "head"),
    [
        (lambda net, x: net.a(x), "a"),
        (lambda net, x: net.a(x) + 0 * net.b(x), "a"),
        (lambda net, x: net.inner(net.b(x).relu()), "inner"),
        (lambda net, x: net.b(x).softmax(1), "b"),
        (lambda net, x: net.b(x).log_softmax(1), "b"),
        (lambda net, x: net.b(x) - net.b(x).amax(1, keepdim=True), None),
        (lambda net, x: (x @ net.a.weight.T) + net.b.bias, None),
        (lambda net, x: net.b(x.view(-1, 1, 16)).mean(1), None),
        (lambda net, x: x[:, :3] + 0 * net.a.weight.sum(), None),
    ],
)
def test_it_makes_the_answer_and_may_stand_anywhere(how, head):
    found = opened(how)
    assert found.head == head
    assert bool(found.limits) == (head is None)
    assert found.classifier.features(torch.rand(2, 1, 4, 4)).shape[0] == 2 if head else "linear" in found.limits[0].why


def test_one_layer_whose_outputs_are_changed_is_taken_with_a_note():
    found = opened(lambda net, x: 3 * net.a(x))
    assert found.head == "a"
    assert found.notes == ("what 'a' makes is changed before it is answered",)


def test_of_two_people_are_asked_and_can_say_none():
    def both(net, x):
        return net.a(x) + net.b(x)

    with pytest.raises(UserError, match=r"Several layers may be the head: a, b\. Name it: --head b, for example"):
        opened(both)
    assert opened(both, head="a").head == "a"
    assert opened(both, head="a").notes == ("what 'a' makes is changed before it is answered",)
    none = opened(both, head="none")
    assert none.head is None
    assert none.limits[0].why == "it was said that there is none"


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("fc", r"head='fc' is not there\. Linear layers of this module: classify, squeeze"),
        ("body.0", "head='body.0' is not linear"),
        ("squeeze", "head='squeeze' has 20 outputs for 4 classes"),
    ],
)
def test_a_name_that_is_wrong_is_answered_with_those_that_there_are(head, told):
    with pytest.raises(UserError, match=told):
        wrap_model(made("first"), image_shape=(1, 10, 10), mean=0.0, std=1.0, head=head)


def test_a_convolution_as_head_leaves_what_needs_no_head():
    net = nn.Sequential(nn.Conv2d(1, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = wrap_model(net, **INPUTS)
    assert (found.head, found.white_box, found.gradients) == (None, True, True)
    assert [(limit.what, limit.why) for limit in found.limits] == [
        (
            "attacks on the head and on features",
            "no linear layer with 3 outputs makes the answer: it has no linear layer",
        )
    ]
