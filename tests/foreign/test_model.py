"""Models of a stranger: answers, features, head and gradients are those of the stranger's own module."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from tests.foreign import strangers
from tests.foreign.strangers import NETS, WEIGHTS, any_batch, exported, images, made, scripted
from unlearnleak.errors import UserError
from unlearnleak.foreign.model import check_same_architecture, open_model, wrap_model
from unlearnleak.machine.seeds import isolated
from unlearnleak.model.lenet import LeNet

HERE = Path(strangers.__file__)


def inputs(name):
    shape = NETS[name][1]
    return {"image_shape": shape, "mean": 0.4, "std": (0.2,) * shape[0]}


def class_of(name):
    return f"{HERE}:{NETS[name][0].__name__}"


def same_as(net, found, name, head=True):
    """Everything that attacks ask of a model, beside the stranger's own module."""
    model, x = found.classifier, images(name)
    assert not model.training
    theirs, ours = x.clone().requires_grad_(), x.clone().requires_grad_()
    answer, said = net(theirs), model(ours)
    assert torch.allclose(said, answer, atol=1e-5)
    answer.logsumexp(1).sum().backward()
    said.logsumexp(1).sum().backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)
    assert model.num_classes == answer.shape[1]
    assert torch.allclose(model.normalize(torch.full(x.shape, 0.4)), torch.zeros(x.shape), atol=1e-6)
    if head:
        assert found.head == NETS[name][2]
        assert found.white_box
        assert not found.limits
        assert torch.allclose(model.features(x), net.phi(x), atol=1e-5)
        assert torch.equal(model.linear_head().weight, net.get_submodule(found.head).weight)
        assert torch.allclose(model.linear_head()(model.features(x)).log_softmax(1), net(x).log_softmax(1), atol=1e-5)
        twin = copy.deepcopy(model).requires_grad_(False)
        twin.linear_head().weight.zero_()
        assert torch.allclose(twin(x).softmax(1), twin.linear_head().bias.softmax(0), atol=1e-5)
        assert torch.allclose(model(x), answer, atol=1e-5)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("way", WEIGHTS)
def test_weights_with_the_class_that_was_typed(tmp_path, name, way):
    net, path = made(name), tmp_path / "w.bin"
    WEIGHTS[way](net, path)
    same_as(net, open_model(path, model=class_of(name), **inputs(name)), name)


@pytest.mark.parametrize("name", NETS)
def test_an_exported_program(tmp_path, name):
    net = made(name)
    path = exported(net, images(name), tmp_path / "net.bin", **any_batch())
    found = open_model(path, **inputs(name))
    same_as(net, found, name)
    assert found.notes == ()
    assert found.kind == "exported program (torch.export)"
    assert set(found.classifier.module.state_dict()) == set(net.state_dict())


@pytest.mark.parametrize("name", NETS)
def test_torchscript_answers_and_has_gradients_of_the_image_alone(tmp_path, name):
    net = made(name)
    found = open_model(scripted(net, tmp_path / "net.bin"), **inputs(name))
    same_as(net, found, name, head=False)
    assert (found.head, found.white_box, found.gradients) == (None, False, True)
    assert len(found.limits) == 2
    assert "torch.export.save" in found.limits[0].why


@pytest.mark.parametrize("name", NETS)
def test_a_module_and_a_callable_in_python(name):
    net = made(name)
    same_as(net, wrap_model(net, **inputs(name)), name)
    found = wrap_model(lambda x: net(x).softmax(1).detach().numpy(), **inputs(name))
    x = images(name)
    assert torch.allclose(found.classifier(x).softmax(1), net(x).softmax(1), atol=1e-5)
    assert (found.head, found.white_box, found.gradients) == (None, False, False)
    assert [limit.what for limit in found.limits][-1] == "inversion by gradients"
    assert any("probabilities" in note for note in found.notes)


@pytest.mark.parametrize("size", [1, 8])
def test_a_fixed_size_of_batches_is_padded(tmp_path, size):
    net = made("first")
    path = exported(net, images("first", size), tmp_path / "net.pt2")
    found = open_model(path, **inputs("first"))
    same_as(net, found, "first")
    assert [f"a fixed batch size of {size}" in note for note in found.notes] == [True]
    x = images("first", 19)
    assert torch.allclose(found.classifier(x), net(x), atol=1e-5)
    assert torch.allclose(found.classifier.features(x), net.phi(x), atol=1e-5)


def test_a_program_that_was_exported_in_training_mode_is_evaluated(tmp_path):
    for name in NETS:
        net = made(name)
        path = exported(net.train(), images(name), tmp_path / f"{name}.pt2", **any_batch())
        found = open_model(path, **inputs(name))
        same_as(net.eval(), found, name)
        assert "training mode" in found.notes[0]


def test_a_module_in_training_mode_is_evaluated_and_left_as_it_is():
    net = made("norm").train()
    found = wrap_model(net, **inputs("norm"))
    assert net.training
    assert found.notes == ("it was in training mode; it is asked in evaluation mode",)
    same_as(net.eval(), found, "norm")


def test_a_thousand_classes(tmp_path):
    net = made("norm", num_classes=1000)
    path = exported(net, images("norm"), tmp_path / "net.pt2", **any_batch())
    same_as(net, open_model(path, num_classes=1000, **inputs("norm")), "norm")


def test_arguments_of_the_class_are_given(tmp_path):
    net, path = made("norm", width=3), tmp_path / "w.pt"
    torch.save(net.state_dict(), path)
    same_as(net, open_model(path, model=class_of("norm"), model_args={"width": 3}, **inputs("norm")), "norm")
    with pytest.raises(UserError, match=r"does not fit model=.*stem\.weight is \(3, 3, 3, 3\) and must be \(8"):
        open_model(path, model=class_of("norm"), **inputs("norm"))


def test_a_model_of_torchvision_by_name_has_as_many_classes_as_its_weights(tmp_path):
    with isolated(0):
        net = resnet18(num_classes=6).eval()
    torch.save(net.state_dict(), tmp_path / "w.pt")
    found = open_model(tmp_path / "w.pt", model="resnet18", image_shape=(3, 32, 32), mean=0.5, std=0.2)
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(found.classifier(x), net(x))
    assert (found.head, found.classifier.num_classes) == ("fc", 6)


def test_a_grey_first_layer_is_explained_and_not_guessed(tmp_path):
    net = resnet18(num_classes=6)
    net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    torch.save(net.state_dict(), tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"first layer takes 1 channels, this architecture's 3: give the class"):
        open_model(tmp_path / "w.pt", model="resnet18", image_shape=(1, 32, 32), mean=0.5, std=0.2)


def test_a_model_of_this_project_normalises_as_its_file_does(tmp_path):
    with isolated(0):
        net = LeNet(image_shape=(1, 12, 12), num_classes=3, mean=(0.3,), std=(0.7,)).eval()
    torch.save(net.state_dict(), tmp_path / "w.pt")
    found = open_model(tmp_path / "w.pt", model="lenet", image_shape=(1, 12, 12), mean=0.5, std=0.5)
    pixels = torch.rand(2, 1, 12, 12)
    assert torch.equal(found.classifier.normalize(pixels), net.normalize(pixels))
    assert torch.equal(found.classifier(pixels), net(pixels))
    assert found.head == "head"
    assert found.notes == ("mean and std are those of the file",)


def test_an_original_of_another_architecture_is_refused():
    first, other = (wrap_model(made("norm", width=width), **inputs("norm")) for width in (8, 4))
    check_same_architecture(first, wrap_model(made("norm", seed=1), **inputs("norm")))
    with pytest.raises(UserError, match=r"another architecture: module\.stem\.weight, .* differ"):
        check_same_architecture(first, other)
    with pytest.raises(UserError, match="differ in num_classes: 5 and 7"):
        check_same_architecture(first, wrap_model(made("vit"), **inputs("vit")))
