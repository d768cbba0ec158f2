"""CIFAR-10: small photographs of animals and vehicles."""

from typing import Any

import numpy as np

from unlearnleak.dataset.base.download import Downloaded


class Cifar10(Downloaded):
    """50,000 training and 10,000 test images, 32×32 RGB, 10 classes (Krizhevsky, 2009)."""

    version = 1
    num_classes = 10
    shape = (3, 32, 32)
    checked = tuple(f"cifar-10-batches-py/{name}" for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"))

    def fetch(self, datasets: Any, root: str, *, download: bool) -> dict[str, np.ndarray]:
        """Return the official split, which torchvision tells by its files' MD5."""
        train = datasets.CIFAR10(root, train=True, download=download)
        test = datasets.CIFAR10(root, train=False, download=download)
        return {
            "train_images": train.data,
            "train_labels": np.asarray(train.targets),
            "test_images": test.data,
            "test_labels": np.asarray(test.targets),
        }
