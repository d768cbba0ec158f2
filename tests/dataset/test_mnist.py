import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.damage import BOUNDED, OVERHEAD, damaged, words_or_result
from unlearnleak.data.split import channel_statistics
from unlearnleak.dataset.mnist import Mnist
from unlearnleak.errors import UserError

SETTINGS = {"path": None, "auxiliary_per_class": 3, "test_per_class": None, "train_limit": None}


def test_the_downloaded_files_come_out_pixel_for_pixel(tmp_path, write_idx, no_network):
    written = write_idx(tmp_path / "MNIST" / "raw")
    train, test = Mnist(root=str(tmp_path), **SETTINGS).load()
    for part, name in ((train, "train"), (test, "test")):
        assert np.array_equal(part.images[:, 0].numpy(), written[f"{name}_images"])
        assert np.array_equal(part.labels.numpy(), written[f"{name}_labels"])
        assert (part.image_shape, part.num_classes) == ((1, 28, 28), 10)


@pytest.mark.parametrize("length", [0, 3, 10, 1000])
def test_a_file_that_was_cut_off_is_refused(length, tmp_path, write_idx, no_network):
    write_idx(tmp_path / "MNIST" / "raw")
    file = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(UserError, match="deleting damaged files"):
        Mnist(root=str(tmp_path), **SETTINGS).load()


@BOUNDED
@given(data=st.data())
def test_damaged_files_are_refused_or_read(tmp_path, write_idx, no_network, data):
    folder = tmp_path / "MNIST" / "raw"
    shutil.rmtree(tmp_path, ignore_errors=True)
    write_idx(folder)
    file = data.draw(st.sampled_from(sorted(folder.glob("*ubyte"))))
    sound = file.read_bytes()
    head = data.draw(damaged(sound[:16]))  # what it says of itself; the rest are any pixels
    file.write_bytes(head + sound[16:])
    found, peak = words_or_result(lambda: Mnist(root=str(tmp_path), **SETTINGS).load())
    assert found is None or found[0].image_shape == (1, 28, 28)
    assert peak < OVERHEAD + 8 * len(sound)


@pytest.mark.slow
def test_the_real_set_has_its_known_size_and_statistics(unpacked):
    train, test = Mnist(root=None, **{**SETTINGS, "path": str(unpacked("mnist"))}).load()
    assert (len(train), len(test), train.image_shape) == (60_000, 10_000, (1, 28, 28))
    mean, std = channel_statistics(train.images)
    assert mean == pytest.approx((0.1307,), abs=0.00005)
    assert std == pytest.approx((0.3081,), abs=0.00005)
