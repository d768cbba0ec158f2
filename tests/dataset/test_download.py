import threading
import time

import numpy as np
import pytest

from unlearnleak.dataset import LabeledImages
from unlearnleak.dataset.cifar10 import Cifar10
from unlearnleak.dataset.download import Downloaded
from unlearnleak.dataset.fashion_mnist import FashionMnist
from unlearnleak.dataset.mnist import Mnist
from unlearnleak.dataset.svhn import Svhn
from unlearnleak.errors import UserError

SETTINGS = {"path": None, "auxiliary_per_class": 3, "test_per_class": None, "train_limit": None}
NAMED = {"mnist": Mnist, "fashion_mnist": FashionMnist, "svhn": Svhn, "cifar10": Cifar10}


@pytest.mark.parametrize("name", NAMED)
def test_without_a_network_the_refusal_says_what_failed_where_and_how_else(name, tmp_path, no_network):
    with pytest.raises(UserError) as refused:
        NAMED[name](root=str(tmp_path / "here"), **SETTINGS).load()
    message = str(refused.value)
    for part in (f"dataset={name}", "no route to host", "dataset.root=", str(tmp_path / "here")):
        assert part in message
    for part in ("dataset.path=FILE.npz", "train_images", "train_labels", "test_images", "test_labels"):
        assert part in message


@pytest.mark.parametrize("name", NAMED)
def test_a_file_takes_the_place_of_the_download(name, tmp_path, arrays, no_network, generator):
    np.savez(tmp_path / "set.npz", **arrays)
    dataset = NAMED[name](root=None, **{**SETTINGS, "path": str(tmp_path / "set.npz")})
    parts = dataset.splits(generator)
    assert (len(parts.train), len(parts.test), len(parts.auxiliary)) == (270, 100, 30)
    assert "sha256" in dataset.fingerprint()


def test_a_file_with_fewer_classes_than_the_named_set_is_refused(tmp_path, arrays):
    few = {name: array[arrays[f"{name.split('_')[0]}_labels"] < 7] for name, array in arrays.items()}
    np.savez(tmp_path / "set.npz", **few)
    with pytest.raises(UserError, match="no sample of class 7"):
        Mnist(root=None, **{**SETTINGS, "path": str(tmp_path / "set.npz")}).load()


def test_a_root_is_needed_for_a_download():
    with pytest.raises(UserError, match=r"dataset\.root=null"):
        Mnist(root=None, **SETTINGS).load()


def test_a_root_that_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file/data"):
        Mnist(root=str(tmp_path / "file" / "data"), **SETTINGS).load()


class Slow(Downloaded):
    """A download that takes a while and notes who else is at it."""

    version = 1
    num_classes = 2
    active = 0
    together = 0
    downloads = 0

    def fetch(self, datasets, root, *, download):
        if not download:
            if not Slow.downloads:
                raise RuntimeError("Dataset not found.")
        else:
            Slow.active += 1
            Slow.together = max(Slow.together, Slow.active)
            time.sleep(0.05)
            Slow.downloads += 1
            Slow.active -= 1
        images = LabeledImages.from_arrays(np.zeros((2, 3, 3), np.uint8), [0, 1], 2)
        return images, images


def test_runs_that_start_together_download_one_after_the_other(tmp_path):
    threads = [threading.Thread(target=Slow(root=str(tmp_path), **SETTINGS).load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Slow.downloads >= 1
    assert Slow.together == 1


def test_what_is_there_already_needs_no_writable_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(Slow, "downloads", 1)
    Slow(root=str(tmp_path / "untouched"), **SETTINGS).load()
    assert not (tmp_path / "untouched").exists()
