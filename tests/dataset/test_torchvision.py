import bz2

import numpy as np
import pytest
import torch
from torchvision import datasets

from unlearnleak.dataset import torchvision
from unlearnleak.dataset.torchvision import Torchvision
from unlearnleak.errors import UserError

SETTINGS = {"split": None, "size": None, "download": False}
SETTINGS |= {"auxiliary_per_class": 2, "test_per_class": None, "train_limit": None}


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch):
    monkeypatch.setattr(torchvision, "SEEN", {})


def made(root, name="KMNIST", **changed):
    return Torchvision(name=name, root=str(root), **SETTINGS | changed)


def test_files_like_mnist_s_come_out_pixel_for_pixel(tmp_path, write_idx, no_network):
    written = write_idx(tmp_path / "KMNIST" / "raw")
    for part, name in zip(made(tmp_path).load(), ("train", "test"), strict=True):
        assert np.array_equal(part.images[:, 0].numpy(), written[f"{name}_images"])
        assert np.array_equal(part.labels.numpy(), written[f"{name}_labels"])
        assert (part.image_shape, part.num_classes) == ((1, 28, 28), 10)


def test_usps_s_files_come_out_as_bytes(tmp_path, no_network):
    """A line an image: its label from 1, then 256 values from -1 to 1 with their numbers."""
    draw, labels, images = np.random.default_rng(0), np.arange(40) % 10, {}
    for file in ("usps.bz2", "usps.t.bz2"):
        images[file] = draw.integers(0, 2, (40, 256))  # black or white: no rounding
        lines = [
            " ".join([str(label + 1), *(f"{n}:{2 * value - 1}" for n, value in enumerate(image, 1))])
            for label, image in zip(labels, images[file], strict=True)
        ]
        tmp_path.joinpath(file).write_bytes(bz2.compress("\n".join(lines).encode()))
    for part, file in zip(made(tmp_path, "USPS").load(), images, strict=True):
        assert np.array_equal(part.images.flatten(1).numpy(), 255 * images[file])
        assert part.labels.tolist() == labels.tolist()
        assert (part.image_shape, part.num_classes) == ((1, 16, 16), 10)


class Letters:
    """What torchvision makes of EMNIST's letters: transposed images, labels from 1."""

    asked = []  # noqa: RUF012

    def __init__(self, root, *, train, download, split):
        self.asked.append((split, train, download))
        self.data = torch.arange(26 * 28 * 28).reshape(26, 28, 28).remainder(251).to(torch.uint8)
        self.targets = torch.arange(1, 27)


def test_emnist_is_turned_upright_and_its_letters_are_numbered_from_0(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "EMNIST", Letters)
    dataset = made(tmp_path, "EMNIST", split="letters")
    train, _ = dataset.load()
    given = Letters(tmp_path, train=True, download=False, split="letters").data
    assert torch.equal(train.images[:, 0], given.transpose(1, 2))
    assert train.labels.tolist() == list(range(26))
    assert train.num_classes == 26
    assert dataset.title == "EMNIST_letters"
    assert Letters.asked[:2] == [("letters", True, False), ("letters", False, False)]


def test_keys_know_the_images_and_not_where_they_lie(tmp_path, write_idx):
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        write_idx(root / "KMNIST" / "raw")
    first = made(here).fingerprint()
    assert first == made(there).fingerprint() == made(here, download=True).fingerprint()
    file = there / "KMNIST" / "raw" / "t10k-labels-idx1-ubyte"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([(content[-1] + 1) % 10]))
    torchvision.SEEN.clear()
    assert made(there).fingerprint() != first


def test_a_set_that_changes_after_planning_is_refused(tmp_path, write_idx):
    write_idx(tmp_path / "KMNIST" / "raw")
    made(tmp_path).fingerprint()
    later = made(tmp_path)
    later.fingerprint()
    file = tmp_path / "KMNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(UserError, match=r"dataset\.name=KMNIST in .* was replaced or changed"):
        later.splits(torch.Generator())


@pytest.mark.parametrize(("download", "said"), [(False, "and dataset.download=false"), (True, "Error: ")])
def test_what_is_not_there_and_cannot_be_downloaded_is_said_in_one_line(tmp_path, no_network, download, said):
    with pytest.raises(UserError, match=said) as caught:
        made(tmp_path / "new", download=download).fingerprint()
    assert "\n" not in str(caught.value)
    assert "neither found in" in str(caught.value)


def test_a_size_is_that_of_the_images_and_of_their_name(tmp_path, write_idx):
    write_idx(tmp_path / "KMNIST" / "raw")
    whole, small = made(tmp_path), made(tmp_path, size=14)
    assert small.load()[0].image_shape == (1, 14, 14)
    halved = whole.load()[0].images.double().unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2))  # of four pixels each
    assert (small.load()[0].images[..., 1:-1, 1:-1] - halved[..., 1:-1, 1:-1]).abs().mean() < 20  # a triangle's weights
    assert (small.title, whole.title) == ("KMNIST_14", "KMNIST")
    assert small.fingerprint() != whole.fingerprint()
    assert made(tmp_path, size=28).fingerprint() == whole.fingerprint()
    with pytest.raises(UserError, match=r"dataset\.size=0\. Allowed: a whole number, 1 or more"):
        made(tmp_path, size=0)


@pytest.mark.parametrize("name", [None, "kmnist", "no such set", "utils"])
def test_other_names_are_refused_with_the_list(tmp_path, name):
    with pytest.raises(UserError, match=f"dataset.name={name} .*Allowed: EMNIST, KMNIST, STL10, USPS"):
        made(tmp_path, name)


@pytest.mark.parametrize(("name", "word"), [("FashionMNIST", "fashion_mnist"), ("CIFAR100", "cifar100")])
def test_a_set_with_a_word_of_its_own_is_pointed_to(tmp_path, name, word):
    with pytest.raises(UserError, match=f"is called dataset={word} here"):
        made(tmp_path, name)


def test_stl10_s_files_come_out_pixel_for_pixel(tmp_path, monkeypatch, no_network):
    """Channels first, in them columns first; labels from 1 (its page describes the files)."""
    folder, draw = tmp_path / "stl10_binary", np.random.default_rng(0)
    folder.mkdir()
    images = {part: draw.integers(0, 256, (20, 3, 96, 96), np.uint8) for part in ("train", "test")}
    for part, pixels in images.items():
        pixels.transpose(0, 1, 3, 2).tofile(folder / f"{part}_X.bin")
        (np.arange(20, dtype=np.uint8) % 10 + 1).tofile(folder / f"{part}_y.bin")
    folder.joinpath("class_names.txt").write_text("\n".join("abcdefghij"))
    monkeypatch.setattr(datasets.STL10, "_check_integrity", lambda self: True)
    for part, name in zip(made(tmp_path, "STL10").load(), images, strict=True):
        assert np.array_equal(part.images.numpy(), images[name])
        assert part.labels.tolist() == [n % 10 for n in range(20)]
        assert (part.image_shape, part.num_classes) == ((3, 96, 96), 10)


@pytest.mark.parametrize(("name", "split"), [("EMNIST", None), ("EMNIST", "letter"), ("KMNIST", "letters")])
def test_splits_are_emnist_s_alone(tmp_path, name, split):
    with pytest.raises(UserError, match=rf"dataset\.split={split} is not possible for {name}\. Allowed: "):
        made(tmp_path, name, split=split)
