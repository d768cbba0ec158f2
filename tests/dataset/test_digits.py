import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from unlearnleak.dataset.digits import Digits
from unlearnleak.errors import UserError

SETTINGS = {"root": None, "path": None, "auxiliary_per_class": 36, "test_per_class": 36, "train_limit": None}


def test_images_are_scikit_learns_enlarged_as_pillow_does_it():
    data, test = Digits(**SETTINGS).load()
    source = load_digits()
    assert test is None
    assert data.image_shape == (1, 28, 28)
    assert data.labels.tolist() == source.target.tolist()
    for index in range(0, 1797, 97):
        small = Image.fromarray((source.images[index] * 255 / 16).astype(np.float32))
        large = np.asarray(small.resize((28, 28), Image.Resampling.BILINEAR))
        assert np.abs(data.images[index, 0].numpy() - large).max() <= 0.51  # rounding, and nothing else


def test_the_range_is_used_in_full():
    images = Digits(**SETTINGS).load()[0].images
    assert (int(images.min()), int(images.max())) == (0, 255)


def test_splits_hold_out_as_many_of_each_class_as_asked(generator):
    parts = Digits(**SETTINGS).splits(generator)
    assert parts.test.class_counts().tolist() == [36] * 10
    assert parts.auxiliary.class_counts().tolist() == [36] * 10
    expected = np.bincount(load_digits().target) - 72
    assert parts.train.class_counts().tolist() == expected.tolist()
    assert len(torch.cat([parts.train.images, parts.test.images, parts.auxiliary.images]).unique(dim=0)) == 1797


def test_a_file_is_refused():
    with pytest.raises(UserError, match=r"dataset\.path=mine\.npz.*dataset=npz"):
        Digits(**{**SETTINGS, "path": "mine.npz"})


def test_other_digits_than_the_known_ones_are_refused(monkeypatch):
    source = load_digits()
    source.images[5, 0, 0] += 1
    monkeypatch.setattr("unlearnleak.dataset.digits.load_digits", lambda: source)
    with pytest.raises(UserError, match="dataset=digits: the images that came with scikit-learn are not those"):
        Digits(**SETTINGS).load()
