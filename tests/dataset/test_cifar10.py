import hashlib
import pickle

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from unlearnleak.data.split import channel_statistics
from unlearnleak.dataset.cifar10 import Cifar10
from unlearnleak.errors import UserError

SETTINGS = {"path": None, "auxiliary_per_class": 3, "test_per_class": None, "train_limit": None}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write small files in CIFAR-10's format (rows of 3072 values, by channel) and return the arrays."""
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()

    def put(name, content):
        file = folder / name
        file.write_bytes(pickle.dumps(content))
        return [name, hashlib.md5(file.read_bytes()).hexdigest()]

    draw = np.random.default_rng(0)
    rows = {f"data_batch_{n}": draw.integers(0, 256, (40, 3072), np.uint8) for n in range(1, 6)}
    rows["test_batch"] = draw.integers(0, 256, (50, 3072), np.uint8)
    labels = {name: [(7 * i + len(name)) % 10 for i in range(len(batch))] for name, batch in rows.items()}
    sums = {name: put(name, {"data": rows[name], "labels": labels[name]}) for name in rows}
    meta = put("batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setattr(CIFAR10, "train_list", [sums[f"data_batch_{n}"] for n in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [sums["test_batch"]])
    monkeypatch.setattr(CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return rows, labels


def test_the_downloaded_files_come_out_pixel_for_pixel_in_the_order_of_the_batches(tmp_path, written, no_network):
    rows, labels = written
    train, test = Cifar10(root=str(tmp_path), **SETTINGS).load()
    names = [f"data_batch_{n}" for n in range(1, 6)]
    assert np.array_equal(train.images.flatten(1).numpy(), np.concatenate([rows[name] for name in names]))
    assert train.labels.tolist() == [label for name in names for label in labels[name]]
    assert np.array_equal(test.images.flatten(1).numpy(), rows["test_batch"])
    assert test.labels.tolist() == labels["test_batch"]
    assert (train.image_shape, train.num_classes) == ((3, 32, 32), 10)


def test_a_file_with_a_wrong_checksum_is_not_used(tmp_path, written, no_network):
    tmp_path.joinpath(CIFAR10.base_folder, "data_batch_3").write_bytes(b"altered")
    with pytest.raises(UserError, match="dataset=cifar10"):
        Cifar10(root=str(tmp_path), **SETTINGS).load()


@pytest.mark.slow
def test_the_real_set_has_its_known_size_and_channel_means(unpacked):
    train, test = Cifar10(root=None, **{**SETTINGS, "path": str(unpacked("cifar10"))}).load()
    assert (len(train), len(test), train.image_shape) == (50_000, 10_000, (3, 32, 32))
    assert train.class_counts().tolist() == [5000] * 10
    assert channel_statistics(train.images)[0] == pytest.approx((0.4914, 0.4822, 0.4465), abs=0.00006)
