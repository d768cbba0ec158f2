import hashlib
import pickle

import numpy as np
import pytest
from torchvision.datasets import CIFAR100

from unlearnleak.dataset.cifar100 import Cifar100
from unlearnleak.errors import UserError

SETTINGS = {"path": None, "auxiliary_per_class": 1, "test_per_class": None, "train_limit": None}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write small files in CIFAR-100's format (fine and coarse labels) and return the arrays."""
    folder = tmp_path / CIFAR100.base_folder
    folder.mkdir()

    def put(name, content):
        file = folder / name
        file.write_bytes(pickle.dumps(content))
        return [name, hashlib.md5(file.read_bytes()).hexdigest()]

    draw, parts = np.random.default_rng(0), {}
    for part, count in (("train", 300), ("test", 200)):
        rows, fine = draw.integers(0, 256, (count, 3072), np.uint8), [(7 * i) % 100 for i in range(count)]
        listed = [put(part, {"data": rows, "fine_labels": fine, "coarse_labels": [label // 5 for label in fine]})]
        monkeypatch.setattr(CIFAR100, f"{part}_list", listed)
        parts[part] = rows, fine
    name, md5 = put("meta", {"fine_label_names": [f"thing {n}" for n in range(100)]})
    monkeypatch.setattr(CIFAR100, "meta", {"filename": name, "key": "fine_label_names", "md5": md5})
    return parts


def test_the_downloaded_files_come_out_pixel_for_pixel_with_their_fine_labels(tmp_path, written, no_network):
    for part, name in zip(Cifar100(root=str(tmp_path), **SETTINGS).load(), ("train", "test"), strict=True):
        rows, fine = written[name]
        assert np.array_equal(part.images.flatten(1).numpy(), rows)
        assert part.labels.tolist() == fine
        assert (part.image_shape, part.num_classes) == ((3, 32, 32), 100)


def test_a_file_with_a_wrong_checksum_is_not_used(tmp_path, written, no_network):
    tmp_path.joinpath(CIFAR100.base_folder, "train").write_bytes(b"altered")
    with pytest.raises(UserError, match="dataset=cifar100"):
        Cifar100(root=str(tmp_path), **SETTINGS).load()
