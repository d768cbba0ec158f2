"""A file that brings its own model, as a config names it: opened once, known by content."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from unlearnleak.errors import UserError
from unlearnleak.foreign.card import NAME, Card
from unlearnleak.foreign.model_file import ModelFile
from unlearnleak.model.lenet import LeNet

DATA = {"image_shape": (1, 12, 12), "num_classes": 4, "mean": (0.1,), "std": (0.2,)}
CODE = "from torch import nn\ndef net(width=3):\n    return nn.Sequential(nn.Flatten(), nn.Linear(144, width))\n"


def file(path, **told):
    how = {"model": None, "model_args": {}, "head": None, "mean": None, "std": None} | told
    return ModelFile(str(path), setting="target.path", **how)


@pytest.fixture
def lenet(tmp_path):
    torch.manual_seed(0)
    model = LeNet(**DATA | {"mean": (0.4,), "std": (0.3,)})
    card = Card(model="lenet", num_classes=4, image_shape=(1, 12, 12), mean=(0.4,), std=(0.3,), head="head")
    save_file(model.state_dict(), tmp_path / "w.safetensors", {NAME: card.text()})
    return model, tmp_path / "w.safetensors"


def test_a_card_says_what_the_config_does_not(lenet):
    model, path = lenet
    images = torch.rand(3, 1, 12, 12)
    found = file(path).classifier(**DATA)
    with torch.no_grad():
        assert torch.equal(found(found.normalize(images)), model.eval()(model.normalize(images)))


def test_it_is_opened_once_and_each_caller_has_a_copy(lenet, monkeypatch):
    one = file(lenet[1])
    first = one.classifier(**DATA)
    monkeypatch.setattr("unlearnleak.foreign.model_file.open_model", lambda *a, **k: pytest.fail("opened again"))
    with torch.no_grad():
        first.linear_head().weight.zero_()
    assert one.classifier(**DATA).linear_head().weight.abs().sum() > 0


def test_code_counts_by_its_content(tmp_path):
    specs = []
    for folder, code in (("a", CODE), ("b", CODE), ("c", CODE + "\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(code)
        specs.append(file("x", model=f"{tmp_path / folder / 'net.py'}:net").spec)
    assert specs[0] == specs[1] != specs[2]


def test_another_architecture_and_a_changed_file_are_refused(lenet, tmp_path):
    (tmp_path / "net.py").write_text(CODE)
    save_file(nn.Sequential(nn.Flatten(), nn.Linear(144, 4)).state_dict(), tmp_path / "o.safetensors")
    other = file(tmp_path / "o.safetensors", model=f"{tmp_path / 'net.py'}:net", model_args={"width": 4})
    with pytest.raises(UserError, match=r"target\.path=.* is of another architecture"):
        other.load_into(file(lenet[1]).classifier(**DATA))
    held = file(lenet[1])
    assert held.sha256
    lenet[1].write_bytes((tmp_path / "o.safetensors").read_bytes())
    with pytest.raises(UserError, match=r"was replaced or changed|holds weights alone"):
        held.classifier(**DATA)


def test_a_file_that_is_not_there_is_named_with_the_working_directory(tmp_path):
    with pytest.raises(UserError, match=r"target\.path=nowhere\.pt2 cannot be read: No such file.*working directory"):
        _ = file("nowhere.pt2").sha256
    with pytest.raises(UserError, match=r"model=none\.py:Net cannot be read"):
        _ = file("x", model="none.py:Net").spec
