"""scikit-learn's handwritten digits: small, and always at hand."""

import hashlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import interpolate

from unlearnleak.data.images import LabeledImages
from unlearnleak.dataset.base import Dataset
from unlearnleak.errors import UserError

BRIGHTEST = 16  # pixel values in the source are 0..16
SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"  # of the images and labels, as bytes
SIDE = 28  # MNIST's, so that the same LeNet fits


class Digits(Dataset):
    """1,797 images of 8×8, enlarged to 28×28 grey; 10 classes of 174 to 183 (Alpaydin and Kaynak, 1998, UCI).

    They travel with scikit-learn, so `root` is not used and `path` is refused. There is no test set:
    `test_per_class` says how many are held out.
    """

    version = 1

    def __init__(
        self,
        *,
        root: str | None,
        path: str | None,
        auxiliary_per_class: int,
        test_per_class: int | None,
        train_limit: int | None,
    ) -> None:
        super().__init__(
            root=root,
            path=path,
            auxiliary_per_class=auxiliary_per_class,
            test_per_class=test_per_class,
            train_limit=train_limit,
        )
        if path is not None:
            raise UserError(f"dataset.path={path}: the digits come from no file. Allowed: null, or dataset=npz.")

    def load(self) -> tuple[LabeledImages, None]:
        """Return all digits, bilinearly enlarged and rounded to 0..255; there is no test set."""
        source = load_digits()
        content = source.images.astype(np.uint8).tobytes() + source.target.astype(np.uint8).tobytes()
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise UserError(
                "dataset=digits: the images that came with scikit-learn are not those that results of this name are "
                "of. Install scikit-learn anew."
            )
        images_N1HW = torch.from_numpy(source.images).float()[:, None] * (255 / BRIGHTEST)
        enlarged = interpolate(images_N1HW, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        labels_N = torch.from_numpy(source.target).long()
        return LabeledImages(enlarged.round().to(torch.uint8), labels_N, len(source.target_names)), None
