"""Models of a stranger (foreign/): what is made of their files is a model of finite numbers, or words."""

import io
import json
import zipfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.foreign.strangers import any_batch, exported, images, lightning, made, scripted
from tests.foreign.test_model import class_of, inputs
from tests.hostile.damage import BOUNDED, EXAMPLES, JSON_VALUES, OVERHEAD, damaged, words_or_result
from unlearnleak.foreign.model import open_model

NET = made("first")
BRIEF = settings(BOUNDED, max_examples=int(EXAMPLES or 12))
"""Each file is loaded by PyTorch, which takes a tenth of a second."""
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
EXPENSIVE = 64 * 2**20
"""Bytes that PyTorch's own loaders take for a graph of a few lines."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    exported(NET, images("first"), folder / "exported", **any_batch())
    scripted(NET, folder / "scripted")
    torch.save(NET.state_dict(), folder / "saved")
    torch.save(NET.state_dict(), folder / "legacy", _use_new_zipfile_serialization=False)
    lightning(NET, folder / "lightning")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


WITH_CLASS = ("saved", "legacy", "lightning")


def held_to_the_truth(path, name, overhead):
    more = {"model": class_of("first")} if name in WITH_CLASS else {}
    found, peak = words_or_result(lambda: open_model(path, **more, **inputs("first")))
    if found is not None:
        assert found.classifier(images("first")).isfinite().all()
    assert peak < 8 * path.stat().st_size + overhead
    return found


@pytest.mark.parametrize("name", ["exported", "scripted", "saved", "legacy", "lightning"])
@BRIEF
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read(tmp_path, sound, name, data):
    path = tmp_path / "x"
    path.write_bytes(data.draw(damaged(sound[name])))
    held_to_the_truth(path, name, EXPENSIVE)


def rewritten(content, member, data):
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            new.writestr(name, data if name.endswith(member) else old.read(name))
    return written.getvalue()


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("saved", "data.pkl"),
        ("lightning", "data.pkl"),
        ("scripted", "data.pkl"),
        ("scripted", "constants.pkl"),
        ("exported", "models/model.json"),
        ("exported", "model_weights_config.json"),
    ],
)
@BRIEF
@given(data=st.data())
def test_a_part_that_was_made_up_is_though_its_checksum_is_right(tmp_path, sound, name, member, data):
    archive = zipfile.ZipFile(io.BytesIO(sound[name]))
    part = archive.read(next(each for each in archive.namelist() if each.endswith(f"/{member}")))
    path = tmp_path / "x"
    path.write_bytes(rewritten(sound[name], f"/{member}", data.draw(damaged(part))))
    held_to_the_truth(path, name, EXPENSIVE)


@st.composite
def elsewhere(draw, value):
    """A JSON value of which one leaf, anywhere, is another."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 9)) == 0:
        return draw(JSON_VALUES)
    changed = value.copy()
    at = draw(st.sampled_from(sorted(value))) if isinstance(value, dict) else draw(st.integers(0, len(value) - 1))
    changed[at] = draw(elsewhere(value[at]))
    return changed


@pytest.mark.parametrize("member", ["models/model.json", "data/weights/model_weights_config.json"])
@BRIEF
@given(data=st.data())
def test_a_program_that_says_something_else_is(tmp_path, sound, member, data):
    archive = zipfile.ZipFile(io.BytesIO(sound["exported"]))
    part = json.loads(archive.read(next(each for each in archive.namelist() if each.endswith(f"/{member}"))))
    path = tmp_path / "x"
    path.write_bytes(rewritten(sound["exported"], f"/{member}", json.dumps(data.draw(elsewhere(part))).encode()))
    held_to_the_truth(path, "exported", EXPENSIVE)


@pytest.mark.parametrize("name", ["exported", "scripted", "saved", "legacy", "lightning"])
def test_the_sound_ones_are_read(tmp_path, sound, name):
    path = tmp_path / "x"
    path.write_bytes(sound[name])
    found = held_to_the_truth(path, name, EXPENSIVE)
    assert torch.allclose(found.classifier(images("first")), NET(images("first")), atol=1e-5)


def test_an_archive_of_many_members_is_not_taken_in(tmp_path, sound):
    path = tmp_path / "x"
    path.write_bytes(sound["saved"])
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(30_000):
            archive.writestr(f"n{number}", b"")
    found, peak = words_or_result(lambda: open_model(path, model=class_of("first"), **inputs("first")))
    assert found is None
    assert peak < OVERHEAD
