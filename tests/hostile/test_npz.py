"""An .npz of a stranger: the data set that it holds, or words that name the file."""

import io
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.damage import BOUNDED, OVERHEAD, damaged, words_or_result
from tests.jobs import images
from unlearnleak.dataset.npz import Npz
from unlearnleak.errors import UserError

SETTINGS = {"root": None, "auxiliary_per_class": 1, "test_per_class": None, "train_limit": None, "num_classes": None}
ARRAYS = images(classes=3, train=6, test=3)


def saved(save) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **ARRAYS)
    return buffer.getvalue()


PLAIN, PACKED = saved(np.savez), saved(np.savez_compressed)
MEMBERS = {f"{name}.npy": zipfile.ZipFile(io.BytesIO(PLAIN)).read(f"{name}.npy") for name in ARRAYS}


def splits(path):
    return Npz(path=str(path), **SETTINGS).splits(torch.Generator().manual_seed(0))


def held_to_the_truth(path, peak_of=len):
    found, peak = words_or_result(lambda: splits(path))
    if found is not None:
        assert found.train.num_classes >= 2
        assert len(found.train) + len(found.auxiliary) <= path.stat().st_size
    assert peak < 2 * sum(array.nbytes for array in ARRAYS.values()) + 2 * path.stat().st_size + OVERHEAD
    return found


@BOUNDED
@given(damaged(PLAIN))
def test_a_damaged_file_is_refused_by_its_checksums(tmp_path, content):
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    held_to_the_truth(path)


@BOUNDED
@given(damaged(PACKED))
def test_a_damaged_packed_file_is_too(tmp_path, content):
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    held_to_the_truth(path)


@BOUNDED
@given(st.sampled_from(sorted(MEMBERS)), st.data())
def test_an_array_that_was_made_up_is_refused_though_its_checksum_is_right(tmp_path, name, data):
    path = tmp_path / "set.npz"
    content = data.draw(damaged(MEMBERS[name]))
    with zipfile.ZipFile(path, "w", data.draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))) as file:
        for each, sound in MEMBERS.items():
            file.writestr(each, content if each == name else sound)
    held_to_the_truth(path)


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_can_unfold_to_a_million_times_its_size_is_not_unfolded(tmp_path, how):
    """1.4 MB of bzip2 hold 29 GiB of zeros: neither they nor the first of their bytes are read."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", how) as file:
        for name, content in MEMBERS.items():
            file.writestr(name, content)
    with pytest.raises(UserError, match=r"bomb\.npz cannot be read: array train_images is packed in another way"):
        splits(path)


def test_a_list_of_a_hundred_thousand_members_is_not_taken_in(tmp_path):
    path = tmp_path / "many.npz"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in MEMBERS.items():
            file.writestr(name, content)
        for number in range(30_000):
            file.writestr(f"n{number}", b"")
    found, peak = words_or_result(lambda: splits(path))
    assert found is None
    assert peak < OVERHEAD
    with pytest.raises(UserError, match=r"many\.npz cannot be read: it lists far more than four arrays"):
        splits(path)


def test_the_sound_files_are_read(tmp_path):
    path = tmp_path / "set.npz"
    for content in (PLAIN, PACKED):
        path.write_bytes(content)
        assert len(held_to_the_truth(path).train) == 15
