"""Fashion-MNIST: articles of clothing."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from unlearnleak.dataset.base.download import Downloaded


class FashionMnist(Downloaded):
    """60,000 training and 10,000 test images, 28×28 grey, 10 classes (Xiao et al., arXiv 1708.07747)."""

    version = 1
    num_classes = 10
    shape = (1, 28, 28)
    files: ClassVar[Mapping[str, str]] = {
        "FashionMNIST/raw/train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "FashionMNIST/raw/train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "FashionMNIST/raw/t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "FashionMNIST/raw/t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    }
    instead = ("FashionMNIST/processed/training.pt", "FashionMNIST/processed/test.pt")

    def fetch(self, datasets: Any, root: str, *, download: bool) -> dict[str, np.ndarray]:
        """Return the official split."""
        train = datasets.FashionMNIST(root, train=True, download=download)
        test = datasets.FashionMNIST(root, train=False, download=download)
        return {
            "train_images": train.data.numpy(),
            "train_labels": train.targets.numpy(),
            "test_images": test.data.numpy(),
            "test_labels": test.targets.numpy(),
        }
