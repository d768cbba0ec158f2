"""SVHN: house numbers from street views, cropped to single digits."""

from typing import Any

import numpy as np

from unlearnleak.dataset.download import Downloaded
from unlearnleak.dataset.images import LabeledImages


class Svhn(Downloaded):
    """73,257 training and 26,032 test images, 32×32 RGB, 10 classes (Netzer et al., 2011). Label 0 is a 0."""

    version = 1
    num_classes = 10

    def fetch(self, datasets: Any, root: str, *, download: bool) -> tuple[LabeledImages, LabeledImages]:
        """Return the official split, without the `extra` images."""
        train = datasets.SVHN(root, split="train", download=download)
        test = datasets.SVHN(root, split="test", download=download)
        # torchvision holds these channels first.
        return (
            LabeledImages.from_arrays(np.moveaxis(train.data, 1, -1), train.labels, self.num_classes),
            LabeledImages.from_arrays(np.moveaxis(test.data, 1, -1), test.labels, self.num_classes),
        )
