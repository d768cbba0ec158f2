"""A set of 100 classes out of one of ten: python -m benchmarks.hundred FASHION.npz OUT.npz

Every image of a grey set of ten classes (arrays as dataset=npz reads them) gets one of five colours and is turned by 0
or 90 degrees, each combination equally often in its class, drawn by seed 0: class 10 c + 2 colour + turn. Nothing is
shown twice, so 60,000 images become 600 of each of 100 classes. Then, for example,

    python -m unlearnleak.run dataset=npz dataset.path=OUT.npz unlearner=rt forget_classes=[37]
"""

import sys
from pathlib import Path

import numpy as np

COLOURS = np.array([(1, 0.1, 0.1), (0.1, 1, 0.1), (0.1, 0.1, 1), (1, 1, 0.1), (1, 0.1, 1)])
TURNS = 2
EACH = len(COLOURS) * TURNS


def hundred(images_NHW: np.ndarray, labels_N: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Coloured and turned images, uint8 [N, H, W, 3], and their labels; H = W."""
    kind_N = np.empty(len(labels_N), dtype=np.int64)
    for c in np.unique(labels_N):
        rows = random.permutation(np.flatnonzero(labels_N == c))
        kind_N[rows] = np.arange(len(rows)) % EACH
    turned = np.where((kind_N % TURNS == 1)[:, None, None], np.rot90(images_NHW, axes=(1, 2)), images_NHW)
    coloured = turned[..., None] * COLOURS[kind_N // TURNS][:, None, None]
    return coloured.round().astype(np.uint8), labels_N.astype(np.int64) * EACH + kind_N


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, random, made = np.load(sys.argv[1]), np.random.default_rng(0), {}
    for part in ("train", "test"):
        images, labels = source[f"{part}_images"], source[f"{part}_labels"]
        made[f"{part}_images"], made[f"{part}_labels"] = hundred(images.reshape(len(images), 28, 28), labels, random)
    np.savez(Path(sys.argv[2]), **made)
    print(f"{sys.argv[2]}: {len(made['train_labels'])} training and {len(made['test_labels'])} test images")


if __name__ == "__main__":
    main()
