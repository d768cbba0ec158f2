"""Data sets of torchvision that have no module of their own here, by the names that torchvision gives them."""

import hashlib
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from unlearnleak.data.arrays import check_headers
from unlearnleak.data.images import LabeledImages
from unlearnleak.dataset.base import Dataset, changed
from unlearnleak.dataset.base.download import FAILURES
from unlearnleak.errors import UserError

EMNIST_SPLITS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
NAMES = ("EMNIST", "KMNIST", "STL10", "USPS")
"""Classes of torchvision.datasets that hold all images, which are of one size, as one array."""
WORDS = {
    "CIFAR10": "cifar10",
    "CIFAR100": "cifar100",
    "FashionMNIST": "fashion_mnist",
    "MNIST": "mnist",
    "SVHN": "svhn",
}
"""Those that are called by a word of their own here, under which recipes and results are."""
SEEN: dict[tuple[str | None, ...], str] = {}
"""What sets were found to be in this process, by their names and folders: planning many jobs reads each once."""


class Torchvision(Dataset):
    """The training and test images of `torchvision.datasets.NAME`, read from `root` or downloaded to it.

    Keys know the images and labels themselves, whatever the files: so the set is read, and downloaded if it is not
    there, as soon as a job is planned. Labels are numbered from 0 where the source's are not (EMNIST's letters), and
    EMNIST's images, which come transposed, are turned upright.

    Args:
        name: one of NAMES; results call the images by it.
        split: which part of EMNIST; None for the others.
        download: whether a set that is not in `root` is downloaded.

    Raises `UserError` for other names and splits.
    """

    version = 1
    location_keys = frozenset({"root", "download"})

    def __init__(
        self,
        *,
        name: str | None,
        split: str | None,
        root: str,
        download: bool,
        auxiliary_per_class: int,
        test_per_class: int | None,
        train_limit: int | None,
    ) -> None:
        if name in WORDS:
            raise UserError(f"dataset=torchvision dataset.name={name} is called dataset={WORDS[name]} here.")
        if name not in NAMES:
            raise UserError(
                f"dataset.name={name} is none of torchvision's sets that are read here. Allowed: {', '.join(NAMES)}; "
                f"dataset={', '.join(WORDS.values())} have words of their own. Others, whose images are files of any "
                "size: bring these to one size and give them as arrays, dataset=npz dataset.path=FILE.npz."
            )
        allowed = EMNIST_SPLITS if name == "EMNIST" else (None,)
        if split not in allowed:
            words = ", ".join("null" if each is None else each for each in allowed)
            raise UserError(f"dataset.split={split} is not possible for {name}. Allowed: {words}.")
        super().__init__(
            root=root,
            path=None,
            auxiliary_per_class=auxiliary_per_class,
            test_per_class=test_per_class,
            train_limit=train_limit,
        )
        self.name = name  # torchvision's own, which needs no check
        self.folder, self.split, self.download = Path(root).expanduser(), split, download

    @property
    def source(self) -> str:
        """What data errors begin with."""
        part = "" if self.split is None else f" dataset.split={self.split}"
        return f"dataset=torchvision dataset.name={self.name}{part} in dataset.root={self.root}"

    @property
    def title(self) -> str:
        """What the images are called in results."""
        return "_".join(filter(None, (self.name, self.split)))

    def fingerprint(self) -> dict[str, Any]:
        """Return what determines the images and labels: the SHA-256 of them.

        Raises `UserError` if they are not there and cannot be downloaded.
        """
        place = (self.name, self.split, str(self.folder.resolve()))
        if self._sha256 is None:
            self._sha256 = SEEN.get(place) or self._read[1]
            SEEN[place] = self._sha256
        return super().fingerprint() | {"content": self._sha256}

    def load(self) -> tuple[LabeledImages, LabeledImages]:
        """Return torchvision's (train, test). Raises `UserError` where they are no images with labels."""
        arrays, found = self._read
        if self._sha256 not in (None, found):
            SEEN.clear()
            raise changed(self.source)
        check_headers(arrays, self.source)
        values = np.unique(arrays["train_labels"])
        if unknown := sorted(set(arrays["test_labels"].tolist()) - set(values.tolist())):
            raise UserError(f"{self.source}: the test labels {unknown[:5]} are of no training image.")
        train, test = (
            LabeledImages.from_arrays(
                arrays[f"{part}_images"], np.searchsorted(values, arrays[f"{part}_labels"]), len(values)
            )
            for part in ("train", "test")
        )
        return train, test

    @cached_property
    def _read(self) -> tuple[dict[str, np.ndarray], str]:
        """The four arrays, and the SHA-256 of what they hold."""
        arrays, state = self._from_root(), hashlib.sha256()
        for name, array in sorted(arrays.items()):
            state.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
        return arrays, state.hexdigest()

    def _from_root(self) -> dict[str, np.ndarray]:
        with suppress(*FAILURES):  # complete already, perhaps in a folder that may only be read
            return self._fetch(download=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f".{self.title}.lock"):
                return self._fetch(download=self.download)
        except FAILURES as error:
            cause = " ".join(str(error).split())
            how = "" if self.download else ", and dataset.download=false"
            raise UserError(
                f"{self.source}: neither found in {self.folder.resolve()} nor downloaded{how}: "
                f"{type(error).__name__}: {cause} Run again with a network (after deleting damaged files there), or "
                "work offline with dataset=npz dataset.path=FILE.npz."
            ) from error

    def _fetch(self, *, download: bool) -> dict[str, np.ndarray]:
        from torchvision import datasets  # noqa: PLC0415  (seconds, and only here)

        more = {} if self.split is None else {"split": self.split}
        arrays = {}
        for part in ("train", "test"):
            asked = {"split": part} if self.name == "STL10" else {"train": part == "train", **more}
            found = getattr(datasets, str(self.name))(self.folder, download=download, **asked)
            images = torch.as_tensor(found.data).numpy()
            order = {"EMNIST": (0, 2, 1), "STL10": (0, 2, 3, 1)}.get(str(self.name))  # transposed; channels first
            arrays[f"{part}_images"] = images if order is None else images.transpose(order)
            arrays[f"{part}_labels"] = torch.as_tensor(found.labels if self.name == "STL10" else found.targets).numpy()
        return arrays
