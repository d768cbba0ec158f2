import numpy as np
import pytest
import torch

from unlearnleak.adversary.other_images import OtherImages, adapted
from unlearnleak.errors import UserError


def test_images_of_that_shape_stay():
    images = torch.randint(256, (4, 1, 12, 12), dtype=torch.uint8)
    assert adapted(images, (1, 12, 12)) is images


def test_grey_becomes_every_colour_and_colours_grey():
    grey = torch.randint(256, (4, 1, 12, 12), dtype=torch.uint8)
    assert torch.equal(adapted(grey, (3, 12, 12)), grey.repeat(1, 3, 1, 1))
    assert (adapted(grey.repeat(1, 3, 1, 1), (1, 12, 12)).int() - grey.int()).abs().max() <= 1
    red = torch.zeros(1, 3, 12, 12, dtype=torch.uint8)
    red[:, 0] = 200
    assert (adapted(red, (1, 12, 12)) == 60).all()  # 0.299 of 200


def test_another_size_keeps_the_picture():
    image = torch.zeros(1, 1, 24, 24, dtype=torch.uint8)
    image[..., :12] = 240
    smaller = adapted(image, (1, 12, 12))
    assert smaller.shape == (1, 1, 12, 12)
    assert (smaller[..., :5] == 240).all()
    assert (smaller[..., 7:] == 0).all()


def test_a_files_images_are_read_and_known_by_their_content(tmp_path):
    path = tmp_path / "other.npz"
    images = np.random.default_rng(0).integers(0, 256, (12, 12, 12)).astype(np.uint8)
    np.savez(path, images=images, labels=np.arange(12) % 4)
    other = OtherImages(str(path))
    other.check()
    found = other.images((1, 12, 12), 4)
    assert np.array_equal(found.images[:, 0].numpy(), images)
    copy = tmp_path / "copy.npz"
    copy.write_bytes(path.read_bytes())
    assert OtherImages(str(copy)).fingerprint() == other.fingerprint()
    np.savez(path, images=images[::-1], labels=np.arange(12) % 4)
    assert OtherImages(str(path)).fingerprint() != other.fingerprint()
    with pytest.raises(UserError, match="was replaced or changed"):
        other.images((1, 12, 12), 4)


def test_what_is_not_there_or_of_other_classes_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"auxiliary\.dataset=nowhere\.npz is not there\. Allowed: digits, an \.npz"):
        OtherImages("nowhere.npz").check()
    with pytest.raises(UserError, match="has 10 classes, and the model 4"):
        OtherImages("digits").images((1, 28, 28), 4)
