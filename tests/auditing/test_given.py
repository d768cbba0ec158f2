import numpy as np
import pytest
import torch

from unlearnleak.auditing.given import as_bytes, channels_first, check_truth, labeled
from unlearnleak.errors import UserError

LABELS = [0, 1]


@pytest.mark.parametrize(
    "images",
    [
        torch.rand(2, 3, 8, 9),
        np.random.default_rng(0).random((2, 8, 9, 3)),
        np.random.default_rng(0).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8),
    ],
    ids=["tensor", "channels last", "bytes"],
)
def test_images_of_every_usual_form_are_taken(images):
    found = labeled(images, LABELS, None)
    assert found.image_shape == (3, 8, 9)
    assert (found.num_classes, found.labels.tolist()) == (2, LABELS)


def test_grey_images_without_a_channel_are_taken():
    assert labeled(np.zeros((2, 8, 9), np.uint8), np.array(LABELS, np.int32), 5).image_shape == (1, 8, 9)


def test_floats_and_bytes_mean_the_same_pixels():
    values = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(as_bytes(values.float() / 255), values)


def test_channels_last_are_moved_and_not_reshaped():
    images = torch.arange(2 * 4 * 5 * 3).view(2, 4, 5, 3)
    assert torch.equal(channels_first(images)[1, 2], images[1, :, :, 2])


@pytest.mark.parametrize(
    ("images", "labels", "named"),
    [
        (torch.zeros(2, 2, 8, 8), LABELS, "1 or 3 channels"),
        (torch.zeros(2, 64), LABELS, "(2, 64)"),
        (torch.zeros(2, 1, 8, 8), ["cat", "dog"], "and bool. Give a tensor"),
        (torch.full((2, 1, 8, 8), -1.0), LABELS, "-1 to -1"),
        (torch.full((2, 1, 8, 8), torch.nan), LABELS, "no numbers"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.int64), LABELS, "int64"),
        ("cat.png", LABELS, "images are no numbers"),
        (torch.zeros(2, 1, 8, 8), [0.0, 1.0], "whole number"),
        (torch.zeros(2, 1, 8, 8), [0, -1], "-1"),
        (torch.zeros(2, 1, 8, 8), [[0, 1]], "(1, 2)"),
    ],
    ids=str,
)
def test_what_is_no_labelled_image_is_named_in_one_line(images, labels, named):
    with pytest.raises(UserError) as error:
        labeled(images, labels, None)
    assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_a_truth_is_classes_of_the_model():
    assert check_truth(None, 4) is None
    assert check_truth((), 4) == ()
    assert check_truth(3, 4) == (3,)
    assert check_truth([2, 0], 4) == (0, 2)
    assert check_truth(np.int64(3), 4) == (3,)
    assert check_truth(np.array([2, 0]), 4) == (0, 2)
    for wrong in (4, -1, [1, 1], [1.5], True):
        with pytest.raises(UserError, match="truth="):
            check_truth([wrong] if wrong is True else wrong, 4)
