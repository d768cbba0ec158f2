"""MNIST: handwritten digits."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from unlearnleak.dataset.base.download import Downloaded


class Mnist(Downloaded):
    """60,000 training and 10,000 test images, 28×28 grey, 10 classes (LeCun et al., 1998)."""

    version = 1
    num_classes = 10
    shape = (1, 28, 28)
    files: ClassVar[Mapping[str, str]] = {
        "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }
    instead = ("MNIST/processed/training.pt", "MNIST/processed/test.pt")

    def fetch(self, datasets: Any, root: str, *, download: bool) -> dict[str, np.ndarray]:
        """Return the official split."""
        train = datasets.MNIST(root, train=True, download=download)
        test = datasets.MNIST(root, train=False, download=download)
        return {
            "train_images": train.data.numpy(),
            "train_labels": train.targets.numpy(),
            "test_images": test.data.numpy(),
            "test_labels": test.targets.numpy(),
        }
