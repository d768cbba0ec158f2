"""TorchScript is a program: what touches files is not loaded."""

import zipfile

import pytest
import torch
from torch import nn

from tests.foreign.strangers import images, made, scripted
from unlearnleak.errors import UserError
from unlearnleak.foreign.model import open_model
from unlearnleak.foreign.scripted import read_scripted

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")


class Writes(nn.Module):
    def forward(self, x):
        return torch.from_file("ran", True, 16).view(1, 16).expand(x.shape[0], 16)


class Saves(nn.Module):
    def forward(self, x):
        torch.save(x, "ran")
        return x.flatten(1)


@pytest.mark.parametrize("kind", [Writes, Saves])
def test_what_touches_files_is_not_loaded(tmp_path, kind):
    try:
        path = scripted(kind(), tmp_path / "m")
    except RuntimeError:
        pytest.skip("this PyTorch does not compile it")
    with pytest.raises(UserError, match=r"its code calls '(from_file|save)', which touches files"):
        read_scripted(path)


def traced(net, path):
    torch.jit.save(torch.jit.trace(net, images("norm"), check_trace=False), path)
    return path


def test_a_trace_and_a_frozen_module_are_read(tmp_path):
    net = made("norm")
    torch.jit.save(torch.jit.freeze(torch.jit.script(net)), tmp_path / "frozen")
    for path in (traced(net, tmp_path / "traced"), tmp_path / "frozen"):
        assert torch.allclose(read_scripted(path)(images("norm")), net(images("norm")), atol=1e-6)


def test_a_trace_of_training_mode_answers_at_random_and_that_is_said(tmp_path):
    path = traced(made("norm").train(), tmp_path / "m")
    found = open_model(path, image_shape=(3, 12, 12), mean=0.5, std=0.5)
    assert found.notes == ("its answers to the same image differ: something in it is drawn at random",)


def test_what_is_cut_off_is_told(tmp_path):
    path = scripted(made("first"), tmp_path / "m")
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist() if not name.endswith("constants.pkl")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(UserError, match="cannot be loaded as TorchScript"):
        read_scripted(path)
