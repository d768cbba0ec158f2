"""Data sets of torchvision that have no module of their own here, by the names that torchvision gives them."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from unlearnleak.data.arrays import check_headers
from unlearnleak.data.division import Division
from unlearnleak.data.images import LabeledImages
from unlearnleak.data.title import title_of_file
from unlearnleak.dataset.base import Dataset, changed, check_whole
from unlearnleak.dataset.base.catalogue import ARRAYS, check_name, parts, takes
from unlearnleak.dataset.base.download import FAILURES
from unlearnleak.dataset.base.unfinished import Unfinished
from unlearnleak.errors import UserError

EMNIST_SPLITS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
TEST_SHARE = 5
"""Of a set without a test part, one in so many images of its rarest class is set aside of each class, if no number is
asked for. Raise the version where this changes."""
Place = tuple[str | None, ...]
SEEN: dict[Place, str] = {}
"""What sets were found to be in this process, by their names, folders and size: planning many jobs reads each once."""
HELD: dict[Place, tuple[dict[str, np.ndarray], str]] = {}
"""The arrays and SHA-256 of the set that was last made of pictures in this process, as reading them takes minutes."""


class Torchvision(Dataset):
    """The training and test images of `torchvision.datasets.NAME`, read from `root` or downloaded to it.

    Keys know the images and labels themselves, whatever the files: so the set is read, and downloaded if it is not
    there, as soon as a job is planned. Labels are numbered from 0 where the source's are not (EMNIST's letters), and
    EMNIST's images, which come transposed, are turned upright. Where a set has no test part, `test_per_class` of each
    class are set aside, drawn as the attacker's are; None: a fifth of the rarest class.

    Args:
        name: one of `catalogue.ARRAYS` or `catalogue.PICTURES`; results call the images by it.
        split: which part of EMNIST; None for the others.
        size: the side of the square that is cut out of a picture's middle and resized, in pixels; None leaves images of
            ARRAYS as they are, and means 32 for the others. In no key, which know the pixels.
        download: whether a set that is not in `root` is downloaded, where torchvision can.

    Raises `UserError` for other names, splits and sizes.
    """

    version = 1
    location_keys = frozenset({"root", "download", "size"})

    def __init__(
        self,
        *,
        name: str | None,
        split: str | None,
        size: int | None,
        root: str,
        download: bool,
        auxiliary_per_class: int,
        test_per_class: int | None,
        train_limit: int | None,
    ) -> None:
        check_name(name)
        allowed = EMNIST_SPLITS if name == "EMNIST" else (None,)
        if split not in allowed:
            words = ", ".join("null" if each is None else each for each in allowed)
            raise UserError(f"dataset.split={split} is not possible for {name}. Allowed: {words}.")
        if size is not None:
            check_whole("size", size, least=1)
        super().__init__(
            root=root,
            path=None,
            auxiliary_per_class=auxiliary_per_class,
            test_per_class=test_per_class,
            train_limit=train_limit,
        )
        self.name = name  # torchvision's own, which needs no check
        self.folder, self.split, self.size, self.download = Path(root).expanduser(), split, size, download

    @property
    def source(self) -> str:
        """What data errors begin with."""
        part = "" if self.split is None else f" dataset.split={self.split}"
        return f"dataset=torchvision dataset.name={self.name}{part} in dataset.root={self.root}"

    @property
    def title(self) -> str:
        """What the images are called in results: a folder of one's own by the folder's name."""
        name = title_of_file(self.folder.resolve().name) if self.name == "ImageFolder" else self.name
        return "_".join(str(each) for each in (name, self.split, self.size) if each is not None)

    def fingerprint(self) -> dict[str, Any]:
        """Return what determines the images and labels: the SHA-256 of them.

        Raises `UserError` if they are not there and cannot be downloaded.
        """
        if self._sha256 is None:
            self._sha256 = SEEN.get(self._place) or self._read[1]
            SEEN[self._place] = self._sha256
        return super().fingerprint() | {"content": self._sha256}

    def load(self) -> tuple[LabeledImages, LabeledImages | None]:
        """Return torchvision's (train, test), test None where it has none.

        Raises `UserError` where they are no images with labels.
        """
        arrays, found = self._read
        if self._sha256 not in (None, found):
            SEEN.clear()
            raise changed(self.source)
        values = np.unique(arrays["train_labels"])
        if "test_images" not in arrays:
            return self._part(arrays, "train", values), None
        check_headers(arrays, self.source)
        if unknown := sorted(set(arrays["test_labels"].tolist()) - set(values.tolist())):
            raise UserError(f"{self.source}: the test labels {unknown[:5]} are of no training image.")
        return self._part(arrays, "train", values), self._part(arrays, "test", values)

    @property
    def division(self) -> Division:
        """As for all sets; without a test part, `test_per_class` None is a fixed share (TEST_SHARE)."""
        usual = super().division
        if self.test_per_class is not None or "test_images" in self._read[0]:
            return usual
        rarest = np.unique(self._read[0]["train_labels"], return_counts=True)[1].min()
        return usual._replace(test_per_class=max(1, int(rarest) // TEST_SHARE))

    def _part(self, arrays: Mapping[str, np.ndarray], part: str, values: np.ndarray) -> LabeledImages:
        labels = np.searchsorted(values, arrays[f"{part}_labels"])
        return LabeledImages.from_arrays(arrays[f"{part}_images"], labels, len(values))

    @property
    def _place(self) -> Place:
        return self.name, self.split, str(self.size), str(self.folder.resolve())

    @cached_property
    def _read(self) -> tuple[dict[str, np.ndarray], str]:
        """The arrays, and the SHA-256 of what they hold."""
        if self._place in HELD:
            return HELD[self._place]
        arrays, state = self._arrays(), hashlib.sha256()
        for name, array in sorted(arrays.items()):
            state.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
        if self.name not in ARRAYS:
            HELD.clear()
            HELD[self._place] = arrays, state.hexdigest()
        return arrays, state.hexdigest()

    def _arrays(self) -> dict[str, np.ndarray]:
        from unlearnleak.dataset.base.pictures import SIDE, read_parts, resize  # noqa: PLC0415  (Pillow)

        opened = self._from_root()
        if self.name not in ARRAYS:
            return read_parts(opened, self.size or SIDE, self.source)
        arrays = {}
        for part, (found,) in opened.items():
            images = torch.as_tensor(found.data).numpy()
            order = {"EMNIST": (0, 2, 1), "STL10": (0, 2, 3, 1)}.get(str(self.name))  # transposed; channels first
            images = images if order is None else images.transpose(order)
            arrays[f"{part}_images"] = images if self.size is None else resize(images, self.size)
            arrays[f"{part}_labels"] = torch.as_tensor(found.labels if self.name == "STL10" else found.targets).numpy()
        return arrays

    def _from_root(self) -> dict[str, list[Any]]:
        """Torchvision's objects of each part, which are downloaded first where that must and may be."""
        mark = Unfinished(self.folder, str(self.name))
        with suppress(*FAILURES):  # complete already, perhaps in a folder that may only be read
            if not mark.exists() and self._is_prepared():
                opened = self._open(download=False)
                if not mark.exists():  # nobody began to download meanwhile
                    return opened
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f".{'_'.join(filter(None, (self.name, self.split)))}.lock"):
                mark.refuse(self.source)
                with mark.kept(self.download or not self._is_prepared()):
                    return self._open(download=self.download)
        except FAILURES as error:
            cause = " ".join(str(error).split())
            how = "" if self.download else ", and dataset.download=false"
            raise UserError(
                f"{self.source}: neither found in {self.folder.resolve()} nor downloaded{how}: "
                f"{type(error).__name__}: {cause} Run again with a network (after deleting damaged files there), or "
                "work offline with dataset=npz dataset.path=FILE.npz."
            ) from error

    def _is_prepared(self) -> bool:
        """False where torchvision unpacks archives of the user's into `root` whether or not it may download."""
        return self.name != "ImageNet" or all((self.folder / part).is_dir() for part in ("train", "val"))

    def _open(self, *, download: bool) -> dict[str, list[Any]]:
        from torchvision import datasets  # noqa: PLC0415  (seconds, and only here)

        kind, more = getattr(datasets, str(self.name)), dict[str, Any]()
        if self.split is not None:
            more["split"] = self.split
        if takes(kind, "download"):
            more["download"] = download
        return {
            part: [kind(str(self.folder), **asked, **more) for asked in wanted]
            for part, wanted in zip(("train", "test"), parts(kind, str(self.name)), strict=True)
            if wanted
        }
