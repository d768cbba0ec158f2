"""Weights are data: what would run code is refused with its name, and nothing of it is run."""

import os
import pickle
import zipfile

import pytest
import torch
from torch import nn

from tests.foreign.strangers import made
from unlearnleak.errors import UserError
from unlearnleak.foreign.kind import Kind
from unlearnleak.foreign.tensors import read_tensors


class Evil:
    """Makes a file where its pickle is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "legacy"])
def test_a_pickle_that_wants_to_run_code_is_named_and_does_not(tmp_path, archive):
    state = {"state_dict": made("first").state_dict(), "extra": Evil(tmp_path / "ran")}
    torch.save(state, tmp_path / "w.pt", _use_new_zipfile_serialization=archive)
    with pytest.raises(UserError, match=r"reading it would run code: it asks for posix\.mkdir\. Nothing of it is read"):
        read_tensors(tmp_path / "w.pt", Kind.STATE_DICT)
    assert not (tmp_path / "ran").exists()


def test_a_whole_model_is_refused_with_what_to_do(tmp_path):
    torch.save(nn.Sequential(nn.Linear(2, 2)), tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"holds a whole model as a pickle.*torch\.nn\.modules.*torch\.export\.save"):
        read_tensors(tmp_path / "w.pt", Kind.STATE_DICT)


def packed(path):
    torch.save({"w": torch.zeros(10**6)}, path)
    content = {name: zipfile.ZipFile(path).read(name) for name in zipfile.ZipFile(path).namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


WRONG = {
    "nothing in it": (lambda path: torch.save({}, path), "holds no weights: it is empty"),
    "numbers": (lambda path: torch.save({"epoch": 1, "lr": 0.1}, path), "it is a dictionary of epoch, lr"),
    "a list": (lambda path: torch.save([torch.ones(2)], path), "no dictionary"),
    "a tensor and more": (lambda path: torch.save({"w": torch.ones(2), "n": 3}, path), "n is an int and no tensor"),
    "a claim": (
        lambda path: torch.save({"w": torch.ones(1).expand(2**40)}, path),
        "w is no plain tensor whose numbers are all in the file",
    ),
    "sparse": (lambda path: torch.save({"w": torch.eye(3).to_sparse()}, path), "w is no plain tensor"),
    "nowhere": (lambda path: torch.save({"w": torch.empty(3, device="meta")}, path), "w is no plain tensor"),
    "packed": (packed, "it promises"),
    "cut": (lambda path: (torch.save({"w": torch.ones(9)}, path), os.truncate(path, 400)), "cannot be read|no sound"),
}


@pytest.mark.parametrize(("make", "told"), WRONG.values(), ids=WRONG)
def test_what_holds_no_weights_is_told_in_a_line(tmp_path, make, told):
    make(tmp_path / "w.pt")
    with pytest.raises(UserError, match=told) as refused:
        read_tensors(tmp_path / "w.pt", Kind.STATE_DICT)
    assert "\n" not in str(refused.value)


def test_a_pickle_of_pickle_is_none(tmp_path):
    (tmp_path / "w.pt").write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    with pytest.raises(UserError):
        read_tensors(tmp_path / "w.pt", Kind.STATE_DICT)
    assert not (tmp_path / "ran").exists()


def test_the_entry_that_was_taken_is_told(tmp_path):
    torch.save({"epoch": 1, "model_state_dict": {"w": torch.arange(3)}}, tmp_path / "w.pt")
    found = read_tensors(tmp_path / "w.pt", Kind.STATE_DICT)
    assert found.by_name["w"].tolist() == [0, 1, 2]
    assert found.notes == ("the weights are its entry 'model_state_dict'",)
