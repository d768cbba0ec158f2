"""A set of twenty classes, scikit-learn's digits in red and in green: python -m benchmarks.twenty OUT.npz

Every digit is there in both colours, blue being 0 everywhere: class d where red, d + 10 where green; one in six is a
test image. Where a class is unlearned, its twin of the other colour takes its answers. Then, for example,

    python -m unlearnleak.run -m +sweep=twenty_classes dataset.path=OUT.npz
"""

import sys
from pathlib import Path

import numpy as np

from unlearnleak.dataset.digits import Digits


def two_colours(path: Path) -> Path:
    """Write the file of arrays that dataset=npz reads."""
    source = Digits(root=None, path=None, auxiliary_per_class=0, test_per_class=1, train_limit=None).load()[0]
    grey, labels = source.images[:, 0].numpy(), source.labels.numpy()
    pixels = np.zeros((2, *grey.shape, 3), np.uint8)
    pixels[0, ..., 0], pixels[1, ..., 1] = grey, grey
    labels = np.stack([labels, labels + 10])
    test = np.arange(len(grey)) % 6 == 0
    parts = {"train": ~test, "test": test}
    images = {f"{part}_images": pixels[:, rows].reshape(-1, 28, 28, 3) for part, rows in parts.items()}
    np.savez(path, **images, **{f"{part}_labels": labels[:, rows].reshape(-1) for part, rows in parts.items()})
    return path


if __name__ == "__main__":
    two_colours(Path(sys.argv[1]))
