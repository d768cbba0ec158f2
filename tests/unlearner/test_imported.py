"""imported: a LeNet that somebody saved by hand enters as a stage, and what cannot enter says why."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from tests.jobs import composed, overrides_in, pipeline_in, run_stages
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.pipeline.job import run_job
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.record import description
from unlearnleak.pipeline.stages import Pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the weights of an original and of a retrained LeNet, saved by hand, and their store."""
    folder = tmp_path_factory.mktemp("imported")
    pipeline = pipeline_in(folder, "unlearner=rt", "attack=head_sum", "training.epochs=10")
    for role in ("original", "unlearned"):
        save_file(pipeline.model(role).state_dict(), folder / f"{role}.safetensors")
    run_stages(pipeline)
    return folder


def imported(folder, *words, path="unlearned.safetensors"):
    places = ["unlearner=imported", f"unlearner.path={folder / path}", "training.epochs=10"]
    return pipeline_in(folder, *places, "attack=head_sum", *words)


def test_it_is_a_stage_and_the_attack_reads_it_as_the_model_that_it_is(folder):
    trained = pipeline_in(folder, "unlearner=rt", "attack=head_sum", "training.epochs=10")
    pipeline = imported(folder)
    assert list(pipeline.stages) == ["data", "imported", "evidence", "verdict"]
    for name in ("evidence", "verdict"):
        theirs, ours = pipeline.artifact(name).tensors, trained.artifact(name).tensors
        assert all(torch.equal(theirs[key], ours[key]) for key in ours), name
    for count in ("correct_test", "total_test", "correct_train"):
        assert pipeline.artifact("imported").meta[count] == trained.artifact("unlearned").meta[count]


def test_nothing_is_trained_and_a_result_comes_of_it(folder, monkeypatch):
    for room in ("pipeline.stages", "training.task"):
        monkeypatch.setattr(f"unlearnleak.{room}.fit", lambda *a, **k: pytest.fail("trained"))
    words = ["unlearner=imported", f"unlearner.path={folder / 'unlearned.safetensors'}", "attack=head_sum"]
    config = composed(*overrides_in(folder, *words))
    result = run_job(config, folder / "runs" / "one", sweep=False)
    assert result["unlearner"] == "imported"
    assert result["original_retain_acc"] is None
    assert result["key_imported"]
    assert "key_original" not in result
    assert json.loads((folder / "runs" / "one" / "result.json").read_text())["asr"] == result["asr"]


def test_with_the_model_before_it_is_measured_and_seen(folder):
    pipeline = imported(folder, f"unlearner.original={folder / 'original.safetensors'}", "attack=head_change")
    trained = pipeline_in(folder, "unlearner=rt", "attack=head_change", "training.epochs=10")
    evidence = [each.artifact("evidence").tensors["samples_KMF"] for each in (pipeline, trained)]
    assert torch.equal(*evidence)


def test_an_attack_that_needs_the_model_before_is_refused_without_it(folder):
    with pytest.raises(Incompatible, match=r"attack=head_change sees the model before too.*unlearner\.original="):
        imported(folder, "attack=head_change")


def test_the_key_holds_the_content_and_not_the_place(folder):
    before = imported(folder).key("imported")
    (folder / "other.safetensors").write_bytes((folder / "unlearned.safetensors").read_bytes())
    assert imported(folder, path="other.safetensors").key("imported") == before
    save_file(pipeline_in(folder, "training.epochs=10").model("original").state_dict(), folder / "other.safetensors")
    other = imported(folder, path="other.safetensors")
    assert other.key("imported") != before
    assert description(other, "x")["settings"] != description(imported(folder), "x")["settings"]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "model."])
def test_a_wrappers_prefix_and_missing_normalisation_do_not_matter(folder, prefix):
    state = pipeline_in(folder, "training.epochs=10").model("unlearned").state_dict()
    bare = {f"{prefix}{name}": value for name, value in state.items() if name not in ("mean", "std")}
    save_file(bare, folder / "bare.safetensors")
    pipeline = imported(folder, path="bare.safetensors")
    assert torch.equal(pipeline.model("imported").head.weight, state["head.weight"])


def write(folder, state):
    save_file(state, folder / "wrong.safetensors")


WRONG = {
    "too few": (lambda f, s: write(f, {k: v for k, v in s.items() if k != "head.bias"}), "it lacks head.bias"),
    "too many": (lambda f, s: write(f, s | {"extra": torch.zeros(1)}), "it holds extra, which the model has not"),
    "another shape": (
        lambda f, s: write(f, s | {"head.weight": torch.zeros(5, 84)}),
        r"head.weight is \(5, 84\) and must be \(4, 84\)",
    ),
    "no numbers": (lambda f, s: write(f, s | {"head.bias": torch.full((4,), torch.nan)}), "holds infinities"),
    "a pickle": (lambda f, s: (f / "wrong.safetensors").write_bytes(pickle.dumps([1])), "is no safetensors file"),
    "nothing": (lambda f, s: (f / "wrong.safetensors").write_bytes(b""), "is no safetensors file"),
    "a huge header": (lambda f, s: (f / "wrong.safetensors").write_bytes(b"\xff" * 64), "is no safetensors file"),
    "no file": (lambda f, s: (f / "wrong.safetensors").unlink(missing_ok=True), "cannot be read: No such file"),
}


@pytest.mark.parametrize(("make", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_told_in_words(folder, make, told):
    make(folder, pipeline_in(folder, "training.epochs=10").model("unlearned").state_dict())
    with pytest.raises(UserError, match=told):
        imported(folder, path="wrong.safetensors").artifact("imported")
    assert not list((folder / "store" / "imported").glob("*@*"))


def test_a_file_that_is_replaced_after_its_key_was_made_is_refused(folder):
    (folder / "moving.safetensors").write_bytes((folder / "original.safetensors").read_bytes())
    pipeline = imported(folder, path="moving.safetensors")
    assert pipeline.key("imported")
    (folder / "moving.safetensors").write_bytes((folder / "unlearned.safetensors").read_bytes())
    with pytest.raises(UserError, match="was replaced or changed"):
        pipeline.artifact("imported")


def test_without_a_file_the_way_out_is_told(folder):
    with pytest.raises(UserError, match=r"unlearner\.path=FILE\.safetensors"):
        Pipeline(make_plan(composed(*overrides_in(folder, "unlearner=imported"))))
