"""CIFAR-100: small photographs of a hundred kinds of things."""

from typing import Any

import numpy as np

from unlearnleak.dataset.base.download import Downloaded


class Cifar100(Downloaded):
    """50,000 training and 10,000 test images, 32×32 RGB, 100 fine classes (Krizhevsky, 2009)."""

    version = 1
    num_classes = 100
    shape = (3, 32, 32)
    checked = ("cifar-100-python/train", "cifar-100-python/test")

    def fetch(self, datasets: Any, root: str, *, download: bool) -> dict[str, np.ndarray]:
        """Return the official split, which torchvision tells by its files' MD5."""
        train = datasets.CIFAR100(root, train=True, download=download)
        test = datasets.CIFAR100(root, train=False, download=download)
        return {
            "train_images": train.data,
            "train_labels": np.asarray(train.targets),
            "test_images": test.data,
            "test_labels": np.asarray(test.targets),
        }
