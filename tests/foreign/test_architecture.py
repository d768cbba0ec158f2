"""Architectures by name and by path; code is imported from the path that was typed and from nowhere else."""

import importlib.util
import sys

import pytest
import torch
from torchvision.models import get_model

from unlearnleak.errors import UserError
from unlearnleak.foreign.model import open_model
from unlearnleak.machine.seeds import isolated

INPUTS = {"image_shape": (3, 32, 32), "mean": (0.5, 0.4, 0.3), "std": 0.2}
CODE = """
from torch import nn
class Net(nn.Module):
    def __init__(self, width=4, num_classes=10):
        super().__init__()
        self.fc = nn.Linear(3 * 32 * 32, num_classes)
        self.wide = nn.Parameter(nn.Linear(1, width).bias.detach())
    def forward(self, x):
        return self.fc(x.flatten(1)) + 0 * self.wide.sum()
def number():
    return 3
def broken():
    return 1 / 0
"""


@pytest.fixture
def typed(tmp_path):
    (tmp_path / "net.py").write_text(CODE)
    return tmp_path


def saved(path, net):
    torch.save(net.state_dict(), path)
    return path


def same(found, net):
    x = torch.randn(2, 3, 32, 32)
    return torch.allclose(found.classifier(x), net.eval()(x), atol=1e-5)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1", "convnext_tiny"])
def test_torchvision_by_name_with_the_classes_of_the_weights(tmp_path, name):
    with isolated(0):
        net = get_model(name, weights=None, num_classes=7)
    found = open_model(saved(tmp_path / "w", net), model=name, **INPUTS)
    assert same(found, net)
    assert found.classifier.num_classes == 7


def test_arguments_reach_it(tmp_path):
    small = {"image_size": 32, "patch_size": 16}
    with isolated(0):
        net = get_model("vit_b_16", weights=None, num_classes=3, image_size=32)
    found = open_model(saved(tmp_path / "w", net), model="vit_b_16", model_args={"image_size": 32}, **INPUTS)
    assert same(found, net)
    assert found.head == "heads.head"
    with pytest.raises(UserError, match=r"model=vit_b_16 cannot be built so: .*patch_size.*--model-args"):
        open_model(tmp_path / "w", model="vit_b_16", model_args=small, **INPUTS)


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
@pytest.mark.parametrize("name", ["timm:vit_tiny_patch16_224", "vit_tiny_patch16_224"])
def test_timm_by_name(tmp_path, name):
    import timm

    with isolated(0):
        net = timm.create_model("vit_tiny_patch16_224", num_classes=5, img_size=32)
    found = open_model(saved(tmp_path / "w", net), model=name, model_args={"img_size": 32}, **INPUTS)
    assert same(found, net)
    assert found.head == "head"
    with pytest.raises(UserError, match="timm has no model vit_tiny_patch16_2"):
        open_model(tmp_path / "w", model="timm:vit_tiny_patch16_2", **INPUTS)


def test_without_timm_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("unlearnleak.foreign.architecture._timm_there", lambda: False)
    with pytest.raises(UserError, match="needs timm, which is not installed: pip install timm"):
        open_model(saved(tmp_path / "w", get_model("squeezenet1_1")), model="timm:vit", **INPUTS)
    with pytest.raises(UserError, match=r"model=resnet81 is not known.*did you mean resnet18\?"):
        open_model(tmp_path / "w", model="resnet81", **INPUTS)


def test_a_class_of_ones_own_from_the_path_that_was_typed(typed):
    spec = importlib.util.spec_from_file_location("strange", typed / "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.Net(width=2, num_classes=6)
    found = open_model(
        saved(typed / "w", net), model=f"{typed}/net.py:Net", model_args={"width": 2}, num_classes=6, **INPUTS
    )
    assert same(found, net)
    assert str(typed) not in sys.path


def test_what_lies_beside_the_weights_is_not_imported(typed):
    (typed / "helper.py").write_text("open('ran', 'w')")
    (typed / "net.py").write_text("import helper\n" + CODE)
    with pytest.raises(UserError, match=r"No module named 'helper'\. Only this file is imported"):
        open_model(saved(typed / "w", get_model("squeezenet1_1")), model=f"{typed}/net.py:Net", **INPUTS)


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("net.py:Other", {}, r"has no class 'Other'\. Its modules: Net"),
        ("net.py:number", {}, "makes an int, and a torch.nn.Module is needed"),
        ("net.py:broken", {}, "cannot be built so: ZeroDivisionError"),
        ("net.py:Net", {"depth": 3}, r"cannot be built so: TypeError: .*depth"),
        ("none.py:Net", {}, "none.py is not there"),
        ("bad.py:Net", {}, "bad.py cannot be imported: SyntaxError"),
    ],
)
def test_what_cannot_be_built_is_told_in_a_line(typed, name, more, told):
    (typed / "bad.py").write_text("class")
    saved(typed / "w", get_model("squeezenet1_1"))
    with pytest.raises(UserError, match=told) as refused:
        open_model(typed / "w", model=f"{typed}/{name}", model_args=more, **INPUTS)
    assert "\n" not in str(refused.value)


def test_weights_without_an_architecture_ask_for_one(tmp_path):
    with pytest.raises(UserError, match=r"holds weights alone \(weights \(torch\.save\)\)\. Say which architecture"):
        open_model(saved(tmp_path / "w", get_model("squeezenet1_1")), **INPUTS)
