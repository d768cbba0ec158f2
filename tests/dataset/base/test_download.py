import hashlib
import threading
import time

import numpy as np
import pytest
import torch
from filelock import FileLock

from unlearnleak.data import recognition
from unlearnleak.data.recognition import sample
from unlearnleak.dataset.base.download import Downloaded
from unlearnleak.dataset.cifar10 import Cifar10
from unlearnleak.dataset.fashion_mnist import FashionMnist
from unlearnleak.dataset.mnist import Mnist
from unlearnleak.dataset.svhn import Svhn
from unlearnleak.errors import UserError

SETTINGS = {"path": None, "auxiliary_per_class": 3, "test_per_class": None, "train_limit": None}
NAMED = {"mnist": Mnist, "fashion_mnist": FashionMnist, "svhn": Svhn, "cifar10": Cifar10}


def fitting(name: str, seed: int = 0, **axes: int) -> dict[str, np.ndarray]:
    """Random images of the set's shape, 30 training and 10 test images of each class."""
    channels, height, width = NAMED[name].shape
    side = (axes.get("height", height), axes.get("width", width))
    draw, colour = np.random.default_rng(seed), (3,) if axes.get("channels", channels) == 3 else ()
    labels = {"train": np.repeat(np.arange(10), 30), "test": np.repeat(np.arange(10), 10)}
    return {
        f"{part}_{kind}": draw.integers(0, 256, (len(values), *side, *colour), np.uint8) if kind == "images" else values
        for part, values in labels.items()
        for kind in ("images", "labels")
    }


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
def test_a_file_takes_the_place_of_the_download(name, tmp_path, no_network, generator):
    np.savez(tmp_path / "set.npz", **fitting(name))
    dataset = NAMED[name](root=None, **{**SETTINGS, "path": str(tmp_path / "set.npz")})
    parts = dataset.splits(generator)
    assert (len(parts.train), len(parts.test), len(parts.auxiliary)) == (270, 100, 30)
    assert "sha256" in dataset.fingerprint()


def test_a_file_with_fewer_classes_than_the_named_set_is_refused(tmp_path):
    arrays = fitting("mnist")
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
    shape = (1, 3, 3)
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
        images, labels = np.zeros((2, 3, 3), np.uint8), np.array([0, 1])
        return {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}


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


# What a name promises


def at(path, name, arrays, **settings):
    np.savez(path, **arrays)
    return NAMED[name](root=None, **{**SETTINGS, "path": str(path), **settings})


@pytest.mark.parametrize(
    ("name", "axes"),
    [
        ("mnist", {"height": 27}),
        ("mnist", {"channels": 3}),
        ("fashion_mnist", {"width": 32}),
        ("svhn", {"height": 28, "width": 28}),
        ("cifar10", {"height": 64}),
    ],
)
def test_images_of_another_shape_than_the_name_says_are_refused(tmp_path, name, axes):
    dataset = at(tmp_path / "set.npz", name, fitting(name, **axes))
    for look in (dataset.image_shape, dataset.load):
        with pytest.raises(UserError, match=rf"set\.npz has images of shape .*; {name} has .*or dataset=npz"):
            look()


@pytest.mark.parametrize("name", NAMED)
def test_unknown_images_bear_a_name_with_a_warning(tmp_path, name):
    dataset = at(tmp_path / "set.npz", name, fitting(name))
    assert dataset.caution is None
    dataset.load()
    assert dataset.caution.startswith(f"these images are not known to be {name}'s")


def test_grey_images_may_stand_in_for_coloured_ones(tmp_path):
    dataset = at(tmp_path / "grey.npz", "svhn", fitting("svhn", channels=1))
    assert dataset.load()[0].image_shape == dataset.image_shape() == (1, 32, 32)
    assert "not known to be svhn's" in dataset.caution


@pytest.fixture
def known(monkeypatch):
    """Let the random images of seed 0 be those of MNIST."""
    arrays = fitting("mnist")
    parts = [(arrays[f"{part}_images"], arrays[f"{part}_labels"]) for part in ("train", "test")]
    monkeypatch.setattr(recognition, "KNOWN", {"mnist": "".join(row for part in parts for row in sample(*part))})
    return arrays


def test_a_known_set_under_another_name_is_refused_and_under_its_own_welcome(tmp_path, known):
    mine = at(tmp_path / "set.npz", "mnist", known)
    mine.load()
    assert mine.caution is None
    with pytest.raises(UserError, match=r"set\.npz holds images of mnist, and dataset=fashion_mnist was asked for"):
        at(tmp_path / "set.npz", "fashion_mnist", known).load()


# Files in `root`


@pytest.fixture
def official(monkeypatch, tmp_path, write_idx):
    """Small files in MNIST's place that count as the official ones."""
    write_idx(tmp_path / "MNIST" / "raw")
    monkeypatch.setattr(
        Mnist, "files", {name: hashlib.md5((tmp_path / name).read_bytes()).hexdigest() for name in Mnist.files}
    )
    return tmp_path


def mnist(root):
    return Mnist(root=str(root), **SETTINGS)


def test_official_files_add_nothing_to_a_fingerprint_and_others_their_content(official, tmp_path):
    without = {"dataset": "Mnist", "version": 1, "split_version": 1}
    assert mnist(tmp_path / "nothing").fingerprint() == mnist(official).fingerprint() == without
    mine = mnist(official)
    mine.load()
    assert (mine.fingerprint(), mine.caution) == (without, None)
    replace_images(official)
    other = mnist(official)
    content = other.fingerprint()
    assert content.items() > without.items()
    assert len(content["content"]) == 64
    other.load()
    assert "not the official files of mnist" in other.caution
    (official / "t10k").touch()
    assert mnist(official).fingerprint() == content


def replace_images(root, value=9):
    file = root / "MNIST" / "raw" / "train-images-idx3-ubyte"
    content = bytearray(file.read_bytes())
    content[16:216] = bytes([value]) * 200
    file.write_bytes(content)


def test_files_that_are_replaced_after_the_key_was_made_are_refused(official):
    dataset = mnist(official)
    dataset.fingerprint()
    replace_images(official)
    with pytest.raises(UserError, match=r"dataset=mnist in dataset\.root=.* was replaced or changed"):
        dataset.load()


def test_files_that_are_replaced_while_they_are_read_are_refused(official, monkeypatch):
    fetch = Mnist.fetch

    def meanwhile(self, datasets, root, *, download):
        found = fetch(self, datasets, root, download=download)
        replace_images(official)
        return found

    monkeypatch.setattr(Mnist, "fetch", meanwhile)
    with pytest.raises(UserError, match="was replaced or changed"):
        mnist(official).load()


def test_what_an_earlier_torchvision_left_is_read_instead_and_so_is_its_content(official):
    before = mnist(official).fingerprint()
    folder = official / "MNIST" / "processed"
    folder.mkdir()
    arrays = fitting("mnist")
    for part, name in (("train", "training.pt"), ("test", "test.pt")):
        images, labels = (torch.from_numpy(arrays[f"{part}_{kind}"]) for kind in ("images", "labels"))
        torch.save((images, labels), folder / name)
    dataset = mnist(official)
    assert dataset.fingerprint() != before
    assert np.array_equal(dataset.load()[0].images[:, 0].numpy(), arrays["train_images"])
    assert "not the official files" in dataset.caution


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda labels: labels.__setitem__(slice(None), bytes(n % 12 for n in range(200))), "holds the label 11"),
        (lambda labels: labels.__setitem__(slice(None), bytes(n % 9 for n in range(200))), "no sample of class 9"),
    ],
)
def test_labels_of_other_files_are_checked_as_those_of_an_npz(official, change, message):
    file = official / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    content = bytearray(file.read_bytes())
    labels = content[8:]
    change(labels)
    file.write_bytes(content[:8] + labels)
    with pytest.raises(UserError, match=rf"dataset=mnist in dataset\.root=.*: the array train_labels .*{message}"):
        mnist(official).load()


def test_other_files_are_held_to_the_shape_of_the_name(official):
    file = official / "MNIST" / "raw" / "train-images-idx3-ubyte"
    for part in (file, file.with_name("t10k-images-idx3-ubyte")):
        content = part.read_bytes()
        side = (14).to_bytes(4, "big")
        part.write_bytes(content[:8] + side + side + content[16 : 16 + (len(content) - 16) // 4])
    with pytest.raises(UserError, match=r"dataset=mnist in dataset\.root=.* has images of shape .*\(1, 14, 14\)"):
        mnist(official).load()


@pytest.mark.parametrize("damage", [b"\x00\x00\x0d\x03", b"\x00\x00\x0a\x03", b"\xff\xff\xff\xff", b""])
def test_files_of_another_type_are_refused_in_words(official, damage, no_network):
    file = official / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(damage + file.read_bytes()[4:])
    with pytest.raises(UserError, match=r"dataset=mnist: neither found.*deleting damaged files"):
        mnist(official).load()


def test_a_neighbours_download_is_waited_for_before_the_content_is_judged(official, monkeypatch):
    replace_images(official)  # as if half of it had been written
    whole = {name: (official / name).read_bytes() for name in Mnist.files}
    monkeypatch.setattr(Mnist, "files", {name: hashlib.md5(content).hexdigest() for name, content in whole.items()})
    replace_images(official, value=7)
    found = []
    thread = threading.Thread(target=lambda: found.append(mnist(official).fingerprint()))
    with FileLock(official / ".mnist.lock"):
        thread.start()
        time.sleep(0.3)
        replace_images(official)
    thread.join()
    assert "content" not in found[0]
