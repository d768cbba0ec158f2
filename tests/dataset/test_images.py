"""dataset=images: all that is given is the attacker's, and is what accuracies are measured on."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.jobs import composed
from unlearnleak.config.build import build
from unlearnleak.dataset.base import Dataset
from unlearnleak.errors import UserError


def data_set(path, *words):
    return build(composed("dataset=images", f"dataset.path={path}", *words).dataset, Dataset, "dataset")


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.array([0, 1, 2] * 2 + [0, 1, 1]))
    return tmp_path / "mine.npz"


def test_every_part_is_the_whole(file):
    found = data_set(file)
    splits = found.splits(torch.Generator())
    assert len(splits.train) == len(splits.test) == len(splits.auxiliary) == 9
    assert splits.auxiliary.class_counts().tolist() == [3, 4, 2]
    assert found.held_per_class == 2
    assert found.title == "mine"
    assert "all that were given" in found.caution
    pixels = splits.train.images.double() / 255
    assert splits.mean == pytest.approx((pixels.mean().item(),))
    assert splits.std == pytest.approx((pixels.std(unbiased=False).item(),))


def test_a_class_without_images_is_counted(file):
    assert data_set(file, "dataset.num_classes=5").held_per_class == 0


def test_a_folder_is_known_by_its_files_and_their_names(tmp_path):
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(2):
            Image.new("L", (8, 8), 50 * number + i).save(tmp_path / "set" / name / f"{i}.png")
    before = data_set(tmp_path / "set").fingerprint()["sha256"]
    assert data_set(tmp_path / "set").splits(torch.Generator()).train.labels.tolist() == [0, 0, 1, 1]
    (tmp_path / "set" / "cat").rename(tmp_path / "set" / "eel")
    assert data_set(tmp_path / "set").fingerprint()["sha256"] != before


def test_a_file_that_changes_after_its_digest_was_taken_is_refused(file):
    found = data_set(file)
    found.fingerprint()
    np.savez(file, images=np.zeros((2, 8, 8), np.uint8), labels=np.array([0, 1]))
    with pytest.raises(UserError, match="was replaced or changed"):
        found.splits(torch.Generator())


def test_a_path_is_needed():
    with pytest.raises(UserError, match=r"dataset\.path=FILE\.npz with arrays images and labels"):
        build(composed("dataset=images").dataset, Dataset, "dataset")
