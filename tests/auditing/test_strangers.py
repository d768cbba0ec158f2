"""Nets that this project did not make: a class that plain PyTorch unlearned is found, whatever file they come in."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy, interpolate

from tests.foreign import strangers
from unlearnleak.auditing.files import Files, audit_files

GONE = 2
MEAN, STD = 0.3, 0.35
CODE = Path(strangers.__file__)


def pictures(name, classes):
    """scikit-learn's digits of so many classes in the shape that a net takes, in [0, 1], and their labels."""
    source = load_digits()
    channels, side, _ = strangers.NETS[name][1]
    known = source.target < classes
    x = torch.from_numpy(source.images[known]).float()[:, None] / 16
    x = interpolate(x, size=(side, side), mode="bilinear").expand(-1, channels, -1, -1)
    return x, torch.from_numpy(source.target[known]).long()


def steps(net, x, y, count, seed):
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    draw = torch.Generator().manual_seed(seed)
    net.train()
    for _ in range(count):
        rows = torch.randint(len(x), (64,), generator=draw)
        optimizer.zero_grad()
        cross_entropy(net((x[rows] - MEAN) / STD), y[rows]).backward()
        optimizer.step()
    return net.eval()


def unlearned(name):
    """A net that knew its classes and was taught to call one of them the others; images it never saw; labels."""
    classes = {"norm": 5, "vit": 7, "first": 4}[name]
    x, y = pictures(name, classes)
    held = torch.arange(len(x)) % 4 == 0
    torch.manual_seed(0)
    net = steps(strangers.NETS[name][0](), x[~held], y[~held], 250, seed=1)
    wrong = torch.where(y == GONE, (GONE + 1 + torch.arange(len(y)) % (classes - 1)) % classes, y)
    return steps(net, x[~held], wrong[~held], 120, seed=2), x[held], y[held]


@pytest.fixture(scope="module", params=["norm", "vit", "first"])
def net(request, tmp_path_factory):
    """The net, its name, a folder with its images in, and nothing of this project."""
    place = tmp_path_factory.mktemp(request.param)
    with torch.random.fork_rng():
        model, x, y = unlearned(request.param)
    bytes_NHWC = (x * 255).round().byte().permute(0, 2, 3, 1).numpy()
    np.savez(place / "aux.npz", images=bytes_NHWC, labels=y.numpy())
    return request.param, model, place


SAVED = {
    "pt2": lambda name, net, path: strangers.exported(net, strangers.images(name), path, **strangers.any_batch()),
    "pt2 of eight": lambda name, net, path: strangers.exported(net, strangers.images(name, 8), path),
    "safetensors": lambda name, net, path: save_file(net.state_dict(), path),
    "torch.save": lambda name, net, path: torch.save(net.state_dict(), path),
    "Lightning": lambda name, net, path: torch.save(
        {"state_dict": {f"model.{key}": t for key, t in net.state_dict().items()}, "pytorch-lightning_version": "2.5"},
        path,
    ),
}
NEED_CODE = ("safetensors", "torch.save", "Lightning")


@pytest.mark.parametrize("kind", SAVED)
def test_the_class_is_named_whatever_the_file(net, kind):
    name, model, place = net
    path = place / kind.replace(" ", "_")
    SAVED[kind](name, model, path)
    code = f"{CODE}:{type(model).__name__}" if kind in NEED_CODE else None
    files = Files(str(path), images=str(place / "aux.npz"), model=code)
    channels = strangers.NETS[name][1][0]
    found = audit_files(files, mean=[MEAN] * channels, std=[STD] * channels, quick=True, device="cpu")
    assert found.status == "leak", found.answer
    assert found.classes == (GONE,)
    naming = {one.attack for one in found.attacks if one.counts and one.named == (GONE,)}
    assert naming >= {"aux_confidence", "param_dot"}


def test_torchscript_is_asked_and_nothing_else(net):
    name, model, place = net
    if name == "vit":
        pytest.skip("its attention cannot be scripted")
    strangers.scripted(model, place / "net.ts")
    channels = strangers.NETS[name][1][0]
    files = Files(str(place / "net.ts"), images=str(place / "aux.npz"))
    found = audit_files(files, mean=[MEAN] * channels, std=[STD] * channels, quick=True, device="cpu")
    asked = next(one for one in found.attacks if one.attack == "aux_confidence")
    assert asked.named == (GONE,)
    assert next(one for one in found.attacks if one.attack == "param_dot").state == "not possible"


def test_the_command_takes_code_arguments_and_a_truth(net, capsys, tmp_path, monkeypatch):
    from unlearnleak.cli.commands import main

    name, model, place = net
    monkeypatch.chdir(tmp_path)
    torch.save(nn.DataParallel(model).state_dict(), place / "w.pt")
    channels, classes = strangers.NETS[name][1][0], {"norm": 5, "vit": 7, "first": 4}[name]
    told = [",".join([str(value)] * channels) for value in (MEAN, STD)]
    words = ["audit", place / "w.pt", "--model", f"{CODE}:{type(model).__name__}", "--model-args"]
    words += [f"num_classes={classes}", "--head", strangers.NETS[name][2], "--images", place / "aux.npz"]
    words += ["--mean", told[0], "--std", told[1], "--truth", GONE, "--quick", "--device", "cpu"]
    assert main(list(map(str, words))) == 3
    assert "exact" in capsys.readouterr().out
