"""SVHN: house numbers from street views, cropped to single digits."""

from typing import Any

import numpy as np

from unlearnleak.dataset.base.download import Downloaded


class Svhn(Downloaded):
    """73,257 training and 26,032 test images, 32×32 RGB, 10 classes (Netzer et al., 2011). Label 0 is a 0."""

    version = 1
    num_classes = 10
    shape = (3, 32, 32)
    checked = ("train_32x32.mat", "test_32x32.mat")

    def fetch(self, datasets: Any, root: str, *, download: bool) -> dict[str, np.ndarray]:
        """Return the official split, which torchvision tells by its files' MD5, without the `extra` images."""
        train = datasets.SVHN(root, split="train", download=download)
        test = datasets.SVHN(root, split="test", download=download)
        # torchvision holds these channels first.
        return {
            "train_images": np.moveaxis(train.data, 1, -1),
            "train_labels": train.labels,
            "test_images": np.moveaxis(test.data, 1, -1),
            "test_labels": test.labels,
        }
