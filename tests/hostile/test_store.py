"""A store that others can write: what is no artifact counts as none, whatever its checksums say."""

import hashlib
import io
import json
import os
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from tests.hostile.damage import BOUNDED, JSON_VALUES, NUMBERS, OVERHEAD, damaged, words_or_result
from tests.store.published import FILES, PAYLOAD, computed
from unlearnleak.errors import UserError
from unlearnleak.pipeline.outdated import outdated
from unlearnleak.runs.stored import GoneError, Stores
from unlearnleak.store import Store, key_of
from unlearnleak.store.artifact import encode
from unlearnleak.training.checkpoint_files import CheckpointFiles

SOUND = encode(PAYLOAD, computed())


def published(root, files):
    """An artifact's folder with these files, whatever they are."""
    place = root / "original" / key_of(PAYLOAD)
    place.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (place / name).write_bytes(content)
    return place


def signed(files):
    """The files with a manifest that agrees with them."""
    listed = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
        if name != "manifest.json"
    }
    return files | {"manifest.json": json.dumps(listed).encode()}


def held_to_the_truth(root, files):
    """As a report and as a job reads it: the tensors are those that were stored, or there are none."""
    place = published(root, files)
    run = {"key_original": place.name, "directory": root}
    size = sum(map(len, files.values()))
    shown, peak = words_or_result(lambda: Stores(root).arrays(run, "original"), GoneError)
    assert peak < 4 * size + OVERHEAD
    found, peak = words_or_result(lambda: Store(root).find("original", PAYLOAD))
    assert peak < 4 * size + OVERHEAD
    assert (found is not None) == place.exists()  # what is damaged is taken away
    return found, shown


@BOUNDED
@given(st.sampled_from(FILES), st.data())
def test_damaged_files_are_no_artifact(tmp_path, name, data):
    files = SOUND | {name: data.draw(damaged(SOUND[name]))}
    found, _ = held_to_the_truth(tmp_path / "a", files)
    if found is not None:
        assert torch.equal(found.tensors["w"], computed().tensors["w"])


@BOUNDED
@given(damaged(SOUND["tensors.safetensors"]), damaged(SOUND["meta.json"]))
def test_files_that_were_made_up_and_signed_are_read_as_data_or_not_at_all(tmp_path, tensors, meta):
    held_to_the_truth(tmp_path / "a", signed(SOUND | {"tensors.safetensors": tensors, "meta.json": meta}))


@BOUNDED
@given(JSON_VALUES, st.sampled_from(NUMBERS))
def test_manifests_that_were_made_up_are(tmp_path, value, number):
    name, entry = sorted(FILES)[0], {"size": number, "sha256": value}
    listed = {each: entry for each in FILES if each != "manifest.json"}
    for manifest in (value, listed, listed | {name: value}, listed | {"../../x": entry}):
        held_to_the_truth(tmp_path / "a", SOUND | {"manifest.json": json.dumps(manifest).encode()})


def test_an_artifact_larger_than_memory_is_told_of_and_left_where_it_is(tmp_path, monkeypatch):
    place = published(tmp_path, SOUND)
    listed = json.loads(SOUND["manifest.json"])
    listed["tensors.safetensors"]["size"] = 2**42
    (place / "manifest.json").write_text(json.dumps(listed))
    os.truncate(place / "tensors.safetensors", 2**42)
    with pytest.raises(UserError, match=r"has 4,398,046,511,\d+ bytes, .* of memory are free"):
        Store(tmp_path).find("original", PAYLOAD)
    assert place.exists()


@BOUNDED
@given(JSON_VALUES, JSON_VALUES)
def test_payloads_that_were_made_up_are_not_outdated_by_accident(tmp_path, version, settings):
    store = Store(tmp_path / "s")
    place = store.root / "unlearned" / ("0" * 24)
    place.mkdir(parents=True, exist_ok=True)
    component = {"target": "unlearnleak.unlearner.ft.FineTune", "version": version, "settings": settings}
    (place / "payload.json").write_text(json.dumps({"unlearner": component, "attack": settings}))
    assert all(isinstance(version, int) for _ in outdated(store.root))


def named_by_its_digest(folder, content):
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    path = folder / f"{hashlib.sha256(content).hexdigest()}.ckpt"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "one"
    torch.save({"state_dict": {"w": torch.arange(100.0)}, "epoch": 1, "loops": {"fit_loop": {}}}, path)
    return path.read_bytes()


@BOUNDED
@given(data=st.data())
def test_a_damaged_checkpoint_is_set_aside(tmp_path, checkpoint, data):
    content = data.draw(damaged(checkpoint))
    path = named_by_its_digest(tmp_path / "ab", content)
    found, peak = words_or_result(lambda: CheckpointFiles().find(tmp_path / "ab"))
    assert found is None
    assert not path.exists()
    assert peak < 2 * len(content) + OVERHEAD
    assert path.with_suffix(".unusable").exists()


def test_a_checkpoint_that_is_packed_is_no_checkpoint(tmp_path, checkpoint, caplog):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file, zipfile.ZipFile(io.BytesIO(checkpoint)) as sound:
        for name in sound.namelist():
            file.writestr(name, sound.read(name))
    named_by_its_digest(tmp_path / "ab", packed.getvalue())
    assert CheckpointFiles().find(tmp_path / "ab") is None
    assert "it promises" in caplog.text


def test_the_sound_one_is_read(tmp_path):
    found, shown = held_to_the_truth(tmp_path / "a", SOUND)
    assert found.meta == computed().meta
    assert shown["w"].tolist() == computed().tensors["w"].tolist()
    assert save(found.tensors) == SOUND["tensors.safetensors"]
