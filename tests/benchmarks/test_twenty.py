import numpy as np

from benchmarks.twenty import two_colours
from unlearnleak.dataset.digits import Digits


def test_every_digit_is_there_in_both_colours_and_its_class_says_which(tmp_path):
    file = np.load(two_colours(tmp_path / "two.npz"))
    grey = Digits(root=None, path=None, auxiliary_per_class=0, test_per_class=1, train_limit=None).load()[0]
    for part in ("train", "test"):
        images, labels = file[f"{part}_images"], file[f"{part}_labels"]
        assert images.shape == (len(labels), 28, 28, 3)
        assert images[..., 2].max() == 0
        red, green = images[labels < 10], images[labels >= 10]
        assert red[..., 1].max() == green[..., 0].max() == 0
        assert np.array_equal(red[..., 0], green[..., 1])  # in the same order
        assert np.array_equal(labels[labels < 10] + 10, labels[labels >= 10])
    every = np.concatenate([file[f"{part}_labels"] for part in ("train", "test")])
    assert np.array_equal(np.sort(every % 10), np.sort(np.tile(grey.labels, 2)))
