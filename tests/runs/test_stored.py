"""Artifacts are found where runs say, or where they were moved to; what is damaged is said and not touched."""

import pytest
import torch

from tests.report.made import hydra, keep, run
from unlearnleak.runs.stored import GoneError, Stores


@pytest.fixture
def place(tmp_path):
    """A run beside its store, as a project folder has them."""
    folder = tmp_path / "project" / "outputs" / "runs" / "sweep" / "run"
    folder.mkdir(parents=True)
    return folder


def made(place, root, recorded, cwd="/nowhere"):
    key = keep(root, "evidence", {"kind": "score"}, samples_KMF=torch.arange(6.0).view(3, 2, 1))
    hydra(place, recorded, [], cwd=cwd)
    return run(directory=place, key_evidence=key)


def test_the_recorded_place_counts_from_where_the_run_was_started(place, tmp_path):
    root = tmp_path / "elsewhere" / "outputs" / "artifacts"
    one = made(place, root, "outputs/artifacts", cwd=tmp_path / "elsewhere")
    assert Stores().arrays(one, "evidence")["samples_KMF"].tolist() == [[[0.0], [1.0]], [[2.0], [3.0]], [[4.0], [5.0]]]
    assert Stores().meta(one, "evidence")["kind"] == "score"


def test_a_project_that_was_moved_as_a_whole_is_found(place, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    one = made(place, tmp_path / "project" / "outputs" / "artifacts", "outputs/artifacts")
    assert Stores().meta(one, "evidence")["kind"] == "score"


def test_a_store_that_is_named_is_the_only_one_asked(place, tmp_path):
    one = made(place, tmp_path / "project" / "outputs" / "artifacts", "outputs/artifacts")
    with pytest.raises(GoneError, match=r"is not in .*other"):
        Stores(tmp_path / "other").meta(one, "evidence")


def test_what_is_gone_is_said_with_the_way_out(place, tmp_path):
    one = made(place, tmp_path / "s", str(tmp_path / "s"))
    with pytest.raises(GoneError, match="--store FOLDER"):
        Stores().meta(one | {"key_evidence": "0" * 24}, "evidence")
    with pytest.raises(GoneError, match="names no original"):
        Stores().meta(one, "original")


@pytest.mark.parametrize("name", ["tensors.safetensors", "meta.json", "manifest.json"])
def test_a_damaged_artifact_is_said_and_left_where_it_is(place, tmp_path, name):
    root = tmp_path / "s"
    one = made(place, root, str(root))
    path = root / "evidence" / one["key_evidence"] / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(GoneError, match=r"damaged|cannot be read"):
        Stores().arrays(one, "evidence")
    assert path.exists()


@pytest.mark.parametrize("name", ["tensors.safetensors", "meta.json"])
def test_one_other_byte_is_damage(place, tmp_path, name):
    one = made(place, tmp_path / "s", str(tmp_path / "s"))
    path = tmp_path / "s" / "evidence" / one["key_evidence"] / name
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # still a safetensors file, or JSON, of other numbers or words
    path.write_bytes(content)
    with pytest.raises(GoneError, match="damaged"):
        Stores().arrays(one, "evidence")


def test_a_run_without_hydras_files_is_no_error_of_another_kind(tmp_path):
    with pytest.raises(GoneError, match="does not name"):
        Stores().arrays(run(directory=tmp_path, key_evidence="0" * 24), "evidence")
