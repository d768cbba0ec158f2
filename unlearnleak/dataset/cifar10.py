"""CIFAR-10: small photographs of animals and vehicles."""

from typing import Any

from unlearnleak.dataset.download import Downloaded
from unlearnleak.dataset.images import LabeledImages


class Cifar10(Downloaded):
    """50,000 training and 10,000 test images, 32×32 RGB, 10 classes (Krizhevsky, 2009)."""

    version = 1
    num_classes = 10

    def fetch(self, datasets: Any, root: str, *, download: bool) -> tuple[LabeledImages, LabeledImages]:
        """Return the official split."""
        train = datasets.CIFAR10(root, train=True, download=download)
        test = datasets.CIFAR10(root, train=False, download=download)
        return (
            LabeledImages.from_arrays(train.data, train.targets, self.num_classes),
            LabeledImages.from_arrays(test.data, test.targets, self.num_classes),
        )
