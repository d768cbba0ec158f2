import hashlib

import numpy as np
import pytest
from scipy.io import savemat
from torchvision.datasets import SVHN

from unlearnleak.dataset.svhn import Svhn
from unlearnleak.errors import UserError

SETTINGS = {"path": None, "auxiliary_per_class": 3, "test_per_class": None, "train_limit": None}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write small files in SVHN's format (32×32×3×N, label 10 for the digit 0) and return the arrays."""
    draw, arrays, known = np.random.default_rng(0), {}, {}
    for part, count in (("train", 200), ("test", 50)):
        images, digits = draw.integers(0, 256, (32, 32, 3, count), np.uint8), np.arange(count) % 10
        file = tmp_path / f"{part}_32x32.mat"
        savemat(file, {"X": images, "y": np.where(digits == 0, 10, digits)[:, None].astype(np.uint8)})
        known[part] = ["http://host/file", file.name, hashlib.md5(file.read_bytes()).hexdigest()]
        arrays[part] = images, digits
    monkeypatch.setattr(SVHN, "split_list", known)
    return arrays


def test_the_downloaded_files_come_out_pixel_for_pixel_and_class_0_is_the_digit_0(tmp_path, written, no_network):
    for part, name in zip(Svhn(root=str(tmp_path), **SETTINGS).load(), ("train", "test"), strict=True):
        images, digits = written[name]
        assert np.array_equal(part.images.numpy(), images.transpose(3, 2, 0, 1))
        assert np.array_equal(part.labels.numpy(), digits)
        assert (part.image_shape, part.num_classes) == ((3, 32, 32), 10)
        assert part.images.is_contiguous()


def test_a_file_with_a_wrong_checksum_is_not_used(tmp_path, written, no_network):
    file = tmp_path / "train_32x32.mat"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match="dataset=svhn"):
        Svhn(root=str(tmp_path), **SETTINGS).load()
