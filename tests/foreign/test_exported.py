"""Exported programs as modules: layers where there were layers, evaluation, any size of batch."""

import copy

import pytest
import torch
from torch import nn

from unlearnleak.errors import UserError
from unlearnleak.foreign.model import open_model, wrap_model

INPUTS = {"image_shape": (1, 4, 4), "mean": 0.5, "std": 0.5}


def plain(classes=3):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, classes)).eval()


def program(net, count=4, **bounds):
    dynamic = {} if bounds.get("fixed") else {"dynamic_shapes": ({0: torch.export.Dim("n", **bounds)},)}
    return torch.export.export(net, (torch.randn(count, 1, 4, 4),), **dynamic)


def opened(tmp_path, made):
    torch.export.save(made, tmp_path / "m")
    return open_model(tmp_path / "m", **INPUTS)


@pytest.mark.parametrize(
    "how", [lambda made: made, lambda made: made.run_decompositions()], ids=["as is", "decomposed"]
)
@pytest.mark.parametrize("bias", [True, False])
def test_products_by_a_layers_parameters_are_layers(tmp_path, how, bias):
    net = plain()
    net[3] = nn.Linear(8, 3, bias=bias)
    found = opened(tmp_path, how(program(net)))
    x = torch.randn(5, 1, 4, 4)
    assert found.head == "3"
    assert torch.allclose(found.classifier(x), net(x), atol=1e-6)
    assert torch.allclose(found.classifier.features(x), net[:3](x), atol=1e-6)
    assert found.classifier.module.state_dict().keys() == net.state_dict().keys()
    twin = copy.deepcopy(found.classifier)
    twin.linear_head().weight.data.mul_(2)
    assert not torch.allclose(twin(x), found.classifier(x))
    assert dict(twin.named_parameters())["module.3.weight"] is twin.linear_head().weight


def test_the_program_itself_may_be_given_and_stays_as_it_is():
    net = plain()
    made = program(net)
    before = str(made.graph)
    found = wrap_model(made, **INPUTS)
    x = torch.randn(2, 1, 4, 4)
    assert torch.equal(found.classifier(x), net(x))
    assert str(made.graph) == before
    assert torch.equal(made.module()(x), net(x))


class Shared(nn.Module):
    """Its last weight is its first one, turned round."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(16, 3, bias=False), nn.Linear(16, 3, bias=False)
        self.last.weight = self.first.weight

    def forward(self, x):
        return self.last(self.first(x.flatten(1)) @ self.first.weight)


def test_a_weight_that_is_used_elsewhere_too_makes_no_layer(tmp_path):
    net = Shared().eval()
    found = opened(tmp_path, program(net))
    x = torch.randn(2, 1, 4, 4)
    assert torch.allclose(found.classifier(x), net(x), atol=1e-6)
    assert (found.head, found.white_box) == (None, True)
    assert found.limits[0].what == "attacks on the head and on features"


@pytest.mark.parametrize(("bounds", "sizes"), [({"min": 2, "max": 6}, "at most 6"), ({"fixed": True}, "size of 4")])
def test_bounds_of_batches_are_kept(tmp_path, bounds, sizes):
    net = plain()
    found = opened(tmp_path, program(net, **bounds))
    assert sizes in found.notes[0]
    for count in (1, 2, 6, 7, 13):
        x = torch.randn(count, 1, 4, 4)
        assert torch.allclose(found.classifier(x), net(x), atol=1e-6)
    assert found.classifier(torch.zeros(0, 1, 4, 4)).shape == (0, 3)


class Entry(nn.Module):
    """Answers as models of transformers do."""

    def __init__(self):
        super().__init__()
        self.net = plain()

    def forward(self, x):
        return {"hidden": x, "logits": self.net(x)}


def test_the_logits_of_a_dictionary_are_the_answer(tmp_path):
    net = Entry().eval()
    x = torch.randn(2, 1, 4, 4)
    for found in (wrap_model(net, **INPUTS), opened(tmp_path, program(net))):
        assert torch.allclose(found.classifier(x), net.net(x), atol=1e-6)
        assert found.head == "net.3"


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = plain()

    def forward(self, x):
        with torch.no_grad():
            phi = self.net[:3](x)
        return self.net[3](phi)


def test_a_part_without_gradients_is_loaded(tmp_path):
    net = Frozen().eval()
    found = opened(tmp_path, program(net))
    x = torch.randn(2, 1, 4, 4)
    assert torch.allclose(found.classifier(x), net(x), atol=1e-6)


class Half(nn.Module):
    """Computes in half precision whatever it is given."""

    def __init__(self):
        super().__init__()
        self.net = plain().half()

    def forward(self, x):
        return self.net(x.half()).float()


def test_a_program_in_half_precision_is_run_in_single(tmp_path):
    net = Half().eval()
    found = opened(tmp_path, program(net))
    x = torch.randn(2, 1, 4, 4)
    assert torch.allclose(found.classifier(x), net.net.float()(x), atol=1e-6)
    assert found.notes == ("it computes in half precision; it is run in single",)
    assert found.head == "net.3"


def test_images_of_another_rank_are_refused(tmp_path):
    torch.export.save(torch.export.export(plain(), (torch.randn(4, 16),)), tmp_path / "m")
    with pytest.raises(UserError, match=r"no batch of images: one tensor \[N, C, H, W\] is needed"):
        open_model(tmp_path / "m", **INPUTS)


def test_a_compiled_module_is_opened_as_what_was_compiled():
    net = plain()
    assert wrap_model(torch.compile(net, backend="eager"), **INPUTS).head == "3"


def test_a_module_without_numbers_says_so():
    with pytest.raises(UserError, match=r"1\.weight, 1\.bias without numbers yet\. Run the model once"):
        wrap_model(nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), **INPUTS)
