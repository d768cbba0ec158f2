"""Images and labels as a reader found them, before they are held against what is wanted."""

from typing import NamedTuple

import numpy as np


class ImageRows(NamedTuple):
    """uint8 images [N, H, W] or [N, H, W, C], labels [N], and what is known of them."""

    images_NHWC: np.ndarray
    labels_N: np.ndarray
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
