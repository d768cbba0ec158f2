import numpy as np
import pytest
import torch

from unlearnleak.data import ForgetSplit, LabeledImages


@pytest.fixture
def data():
    """Give 40 samples of classes 0..3 out of K=5, each image filled with its own number."""
    numbers = torch.arange(40, dtype=torch.uint8)
    return LabeledImages(numbers.view(-1, 1, 1, 1).expand(-1, 3, 4, 5).clone(), torch.arange(40) % 4, 5)


def numbers(data):
    return data.images[:, 0, 0, 0].tolist()


def test_selection_takes_images_and_labels_together_in_the_order_asked_for(data):
    chosen = data.select(torch.tensor([7, 0, 7]))
    assert (numbers(chosen), chosen.labels.tolist()) == ([7, 0, 7], [3, 0, 3])
    assert numbers(data.select(data.labels == 2)) == list(range(2, 40, 4))
    assert (len(chosen), chosen.image_shape, chosen.num_classes) == (3, (3, 4, 5), 5)


def test_classes_and_their_complement_divide_the_samples_in_order(data):
    assert numbers(data.of([3, 1])) == [n for n in range(40) if n % 4 in (1, 3)]
    assert numbers(data.without([3, 1])) == [n for n in range(40) if n % 4 in (0, 2)]
    assert len(data.of([])) == len(data.of([4])) == 0
    assert len(data.without([])) == 40


def test_counts_include_classes_without_samples(data):
    counts = data.class_counts()
    assert counts.tolist() == [10, 10, 10, 10, 0]
    assert counts.dtype == torch.int64


def test_a_forget_split_holds_every_sample_once(data):
    split = ForgetSplit.of(data, [0, 2])
    assert split.classes == (0, 2)
    assert set(split.forget.labels.tolist()) == {0, 2}
    assert set(split.retain.labels.tolist()) == {1, 3}
    assert sorted(numbers(split.forget) + numbers(split.retain)) == list(range(40))


def test_moving_keeps_everything(data):
    moved = data.to("meta")
    assert (moved.images.device.type, moved.labels.device.type) == ("meta", "meta")
    assert (moved.image_shape, moved.num_classes) == (data.image_shape, 5)


def test_arrays_become_channels_first_without_moving_a_pixel():
    colour = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), np.uint8)
    data = LabeledImages.from_arrays(colour, [3, 1, 2, 0], 4)
    assert data.image_shape == (3, 5, 6)
    assert all(data.images[n, c, y, x] == colour[n, y, x, c] for n, y, x, c in np.ndindex(colour.shape))
    grey = LabeledImages.from_arrays(colour[..., 1], np.array([3, 1, 2, 0], np.uint8), 4)
    assert torch.equal(grey.images, data.images[:, 1:2])
    assert grey.labels.tolist() == [3, 1, 2, 0]


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (torch.zeros(2, 1, 3, 3), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2, 3, 3, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2, 1, 3, 3, dtype=torch.uint8), torch.zeros(2)),
        (torch.zeros(2, 1, 3, 3, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64)),
    ],
)
def test_what_is_no_set_of_labelled_images_cannot_be_made(images, labels):
    with pytest.raises(AssertionError):
        LabeledImages(images, labels, 2)
