"""Fashion-MNIST: articles of clothing."""

from typing import Any

from unlearnleak.dataset.download import Downloaded
from unlearnleak.dataset.images import LabeledImages


class FashionMnist(Downloaded):
    """60,000 training and 10,000 test images, 28×28 grey, 10 classes (Xiao et al., arXiv 1708.07747)."""

    version = 1
    num_classes = 10

    def fetch(self, datasets: Any, root: str, *, download: bool) -> tuple[LabeledImages, LabeledImages]:
        """Return the official split."""
        train = datasets.FashionMNIST(root, train=True, download=download)
        test = datasets.FashionMNIST(root, train=False, download=download)
        return (
            LabeledImages.from_arrays(train.data.numpy(), train.targets.numpy(), self.num_classes),
            LabeledImages.from_arrays(test.data.numpy(), test.targets.numpy(), self.num_classes),
        )
