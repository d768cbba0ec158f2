"""`unlearnleak audit` from files to files, with its exit status."""

import copy
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.auditing.conftest import forget
from tests.cli.called import call
from unlearnleak.auditing import files
from unlearnleak.cli.audit import assigned
from unlearnleak.cli.commands import main


@pytest.fixture(scope="module")
def folder(original, digits, tmp_path_factory):
    """A stranger's files: weights before and after, twelve labelled images of each class, answers."""
    place = tmp_path_factory.mktemp("files")
    after = forget(original.model, original.splits.train, [3], epochs=3)
    save_file(after.state_dict(), place / "after.safetensors")
    save_file(original.model.state_dict(), place / "before.safetensors")
    images = digits.auxiliary
    rows = torch.cat([(images.labels == c).nonzero()[:12, 0] for c in range(10)])
    some = images.select(rows)
    np.savez(place / "aux.npz", images=some.images[:, 0].numpy(), labels=some.labels.numpy())
    for name, model in (("leaky", after), ("whole", original.model)):
        with torch.no_grad():
            p_NK = model(model.normalize(some.images)).softmax(1).numpy()
        np.savez(place / f"{name}.npz", probabilities=p_NK, labels=some.labels.numpy())
    broken = copy.deepcopy(after)
    broken.head.weight.data.fill_(torch.nan)
    save_file(broken.state_dict(), place / "broken.safetensors")
    torch.save(after, place / "whole.pt")
    np.savez(place / "minus.npz", images=some.images[:2, 0].numpy(), labels=np.array([3, -1]))
    return place


@pytest.fixture
def here(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


def audit(here, file, *words):
    return call("audit", here / file, *words, "--device", "cpu")


def test_a_leak_ends_with_3_and_leaves_three_files(here, tmp_path, capsys):
    words = ("--model", "lenet", "--images", here / "aux.npz", "--quick", "--truth", "3")
    assert audit(here, "after.safetensors", *words) == 3
    said = capsys.readouterr().out
    assert said.startswith("Leak: ")
    assert "Class 3 is missing" in said
    assert max(map(len, said.splitlines())) <= 80
    (place,) = (tmp_path / "outputs" / "audits").iterdir()
    assert place.name.startswith("after-")
    assert {path.name for path in place.iterdir()} == {"audit.json", "audit.html", "audit.pdf"}
    kept = json.loads((place / "audit.json").read_text())
    assert (kept["status"], kept["classes"], kept["truth"]) == ("leak", [3], [3])
    assert set(kept["digests"]) == {"model", "images"}
    assert kept["understood"]["normalisation"] == "the model's own"


def test_silence_ends_with_0_and_the_same_command_finds_the_same_place(here, tmp_path):
    for _ in range(2):
        assert audit(here, "whole.npz") == 0
    assert audit(here, "whole.npz", "--truth", "none") == 0
    names = sorted(path.name for path in (tmp_path / "outputs" / "audits").iterdir())
    assert len(names) == 2
    assert all(name.startswith("whole-") for name in names)


def test_what_cannot_be_judged_ends_with_2(here):
    assert audit(here, "after.safetensors", "--model", "lenet", "--shape", "1,28,28", "--quick") == 2


def test_another_audit_is_not_written_over_and_nothing_is_computed(here, tmp_path, capsys, monkeypatch):
    out = tmp_path / "mine"
    assert audit(here, "whole.npz", "--out", out) == 0
    kept = (out / "audit.json").read_bytes()
    assert audit(here, "whole.npz", "--out", out) == 0
    monkeypatch.setattr(files, "audit_files", lambda *_, **__: pytest.fail("it was computed in vain"))
    for words in (["leaky.npz"], ["whole.npz", "--truth", "3"]):
        assert main(["audit", str(here / words[0]), *words[1:], "--out", str(out), "--device", "cpu"]) == 1
        assert "holds another audit" in capsys.readouterr().err
    assert (out / "audit.json").read_bytes() == kept
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").touch()
    assert main(["audit", str(here / "leaky.npz"), "--out", str(other)]) == 1
    assert "holds no audit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["nowhere.pt2"], "nowhere.pt2"),
        (["after.safetensors", "--shape", "1,28,28"], "--model"),
        (["after.safetensors", "--model", "lenet"], "--shape C,H,W"),
        (["after.safetensors", "--model", "lenet", "--shape", "1,28"], "--shape=1,28"),
        (["after.safetensors", "--model", "lenet", "--shape", "1,40,40"], "after.safetensors"),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--classes", "7"], "7"),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--mean", "a"], "--mean=a"),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--mean", "0.5"], "--mean and --std"),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--std", "0.5"], "--mean and --std"),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--mean", "1,2", "--std", "1,2"], "--mean="),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--device", "tpu"], "--device=tpu is not"),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--seed", "-1"], "--seed=-1"),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--effort", "0"], "--effort=0"),
        (["whole.pt", "--images", "aux.npz"], "whole model as a pickle"),
        (["whole.pt"], "whole model as a pickle"),
        (["aux.npz"], "is no model but labelled images (.npz)"),
        (["after.safetensors", "--model", "lenet", "--images", "minus.npz"], "the label -1. Labels count"),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--truth", "10"], "--truth="),
        (["after.safetensors", "--model", "lenet", "--images", "aux.npz", "--truth", "x"], "--truth=x"),
        (["after.safetensors", "--model", "lenet", "--images", "leaky.npz"], "leaky.npz"),
        (["broken.safetensors", "--model", "lenet", "--images", "aux.npz"], "no numbers"),
        (["leaky.npz", "--images", "aux.npz"], "no --images"),
        (["after.safetensors", "--model", "lenet", "--model-args", "width"], "--model-args=width"),
        (["aux.npz", "--images", "aux.npz"], "aux.npz"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[:50],
)
def test_a_mistake_is_one_line_and_ends_with_1(here, words, named, capsys):
    given = [str(here / word) if word.endswith((".npz", ".safetensors", ".pt")) else word for word in words]
    assert main(["audit", *given]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert named in captured.err
    (_,) = captured.err.splitlines()


def test_arguments_of_an_architecture_are_what_they_look_like():
    found = dict(map(assigned, ["width=64", "p=0.5", "deep=true", "act=gelu", "name=a=b"]))
    assert found == {"width": 64, "p": 0.5, "deep": True, "act": "gelu", "name": "a=b"}


@pytest.mark.parametrize("words", [[], ["a.pt2", "--nothing"], ["a.pt2", "--classes", "1"]], ids=str)
def test_arguments_that_are_none_end_with_1_as_2_says_that_nothing_was_judged(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(["audit", *words])
    assert end.value.code == 1
    assert "usage: unlearnleak" in capsys.readouterr().err
