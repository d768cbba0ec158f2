"""Models of a stranger: answers, features, head and gradients are those of the stranger's own module."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from tests.foreign import strangers
from tests.foreign.strangers import NETS, WEIGHTS, any_batch, exported, images, made, scripted
from unlearnleak.adversary.access import BlackBox, WhiteBox
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


def test_what_can_only_be_asked_is_a_black_box_of_attacks():
    net = made("norm")
    pixels = torch.rand(4, 3, 12, 12)
    expected = net((pixels - 0.4) / 0.2).softmax(1)
    for model in (net, net.forward, torch.jit.script(net)):
        box = BlackBox(wrap_model(model, **inputs("norm")).classifier)
        assert torch.allclose(box.probabilities(pixels), expected, atol=1e-5)


def test_a_white_box_shows_parameters_and_their_gradients(tmp_path):
    net = made("norm")
    path = exported(net, images("norm"), tmp_path / "net.pt2", **any_batch())
    box = WhiteBox(open_model(path, **inputs("norm")).classifier)
    x, labels = images("norm"), torch.arange(5)
    torch.nn.functional.cross_entropy(net(x), labels).backward()
    found = box.loss_gradients(x[None], labels[None])
    assert {name.removeprefix("module."): None for name in found} == dict.fromkeys(dict(net.named_parameters()))
    for name, parameter in net.named_parameters():
        assert torch.allclose(found[f"module.{name}"][0], parameter.grad, atol=1e-5)


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


class Answers(nn.Module):
    """Answers `said`, whatever the image."""

    def __init__(self, said):
        super().__init__()
        self.said = said

    def forward(self, x):
        return self.said(x)


BAD = {
    "a tuple": (lambda x: (x, x), r"answers a tuple, and one tensor of logits"),
    "one number": (lambda x: x.mean((1, 2, 3)), r"answers a tensor of shape \(3,\), and \[N, K\]"),
    "one class": (lambda x: x.flatten(1)[:, :1], r"shape \(3, 1\)"),
    "pixels": (lambda x: x, r"shape \(3, 3, 12, 12\)"),
    "no number": (lambda x: x.flatten(1)[:, :3] / 0, "answers infinities or no numbers"),
    "another size": (lambda x: x.reshape(2, 9), r"cannot take images of 3x12x12 \(C x H x W\): RuntimeError"),
}


@pytest.mark.parametrize(("said", "told"), BAD.values(), ids=BAD)
def test_what_answers_no_table_is_refused(said, told):
    with pytest.raises(UserError, match=told) as refused:
        wrap_model(Answers(said), **inputs("norm"))
    assert "\n" not in str(refused.value)


def table(path):
    (path / "x").write_text("label,p0,p1\n0,1,0\n")
    return path / "x"


def program(path):
    return exported(made("first"), images("first"), path / "x", **any_batch())


def not_finite(path):
    net = made("first")
    net.classify.bias.data[1] = torch.nan
    return exported(net, images("first"), path / "x", **any_batch())


def two_inputs(path):
    class Two(nn.Module):
        def forward(self, x, y):
            return (x + y).flatten(1)

    x = images("first")
    torch.export.save(torch.export.export(Two(), (x, x)), path / "x")
    return path / "x"


REFUSED = {
    "no file": (lambda path: path / "x", {}, "cannot be read: No such file"),
    "answers": (table, {}, r"is no model but a table of answers \(CSV\)"),
    "more classes": (program, {"num_classes": 9}, "has 4 classes, and 9 were told"),
    "larger images": (program, {"image_shape": (1, 12, 12)}, "exported for images of 1x10x10"),
    "colours": (program, {"image_shape": (3, 10, 10), "mean": 0}, "exported for images of 1x10x10"),
    "two means": (program, {"mean": (0, 0)}, "mean=.*: one number for each of 1 channels"),
    "no deviation": (program, {"std": 0}, "std=0: .*above 0"),
    "a mean that is no number": (program, {"mean": float("nan")}, "mean=nan: one number for each"),
    "an endless deviation": (program, {"std": float("inf")}, "std=inf: .*above 0"),
    "a model too many": (
        program,
        {"model": "lenet"},
        "holds its architecture: leave model=lenet",
    ),
    "a closed head": (
        lambda path: scripted(made("first"), path / "x"),
        {"head": "fc"},
        "no layer 'fc' that can be seen",
    ),
    "not finite": (not_finite, {}, r"classify\.bias holds infinities or no numbers"),
    "two inputs": (two_inputs, {}, "takes 2 inputs"),
}


@pytest.mark.parametrize(("make", "more", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_opened_is_told_in_a_line(tmp_path, make, more, told):
    with pytest.raises(UserError, match=told) as refused:
        open_model(make(tmp_path), **inputs("first") | more)
    assert "\n" not in str(refused.value)


def test_what_is_no_model_is_refused():
    with pytest.raises(UserError, match=r"an int, and no model: a torch\.nn\.Module or a callable is needed"):
        wrap_model(3, **inputs("norm"))
    with pytest.raises(UserError, match="NormNet is a class and no model yet: make one"):
        wrap_model(NETS["norm"][0], **inputs("norm"))
    with torch.device("meta"), pytest.raises(UserError, match="without numbers yet"):
        wrap_model(NETS["norm"][0](), **inputs("norm"))


def test_a_module_of_doubles_is_asked_in_floats_and_left_as_it_is():
    net = made("norm").double()
    found = wrap_model(net, **inputs("norm"))
    assert net.out.weight.dtype == torch.float64
    assert torch.allclose(found.classifier(images("norm")).double(), net(images("norm").double()), atol=1e-5)
