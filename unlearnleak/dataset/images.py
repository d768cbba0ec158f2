"""Labelled images of one's own beside a model that was trained elsewhere: all that there is to attack it with."""

from functools import cached_property
from pathlib import Path

import torch

from unlearnleak.data.content import digest_of_folder
from unlearnleak.data.images import LabeledImages, Splits
from unlearnleak.data.split import channel_statistics
from unlearnleak.data.title import title_of_file
from unlearnleak.dataset.base import Dataset, check_whole
from unlearnleak.errors import UserError
from unlearnleak.foreign.images import open_images

CAUTION = (
    "The same images are the attacker's and the ones that accuracies are measured on: these are all that were given."
)


class Images(Dataset):
    """All images at `path`, which `foreign.images.open_images` reads: they train, test and attack alike.

    For models that come from a file (`target=file`), of which nothing is trained here: what other data sets divide
    stays whole, and accuracies are of the very images that the attacker holds.

    `num_classes` None means the largest label + 1, `name` None the file's own name.
    """

    version = 1

    def __init__(self, *, path: str | None, num_classes: int | None, name: str | None) -> None:
        super().__init__(root=None, path=path, auxiliary_per_class=0, test_per_class=None, train_limit=None, name=name)
        if path is None:
            raise UserError(
                "dataset=images needs dataset.path=FILE.npz with arrays images and labels, or a folder with a folder "
                "of images for each class."
            )
        if num_classes is not None:
            check_whole("num_classes", num_classes, least=2)
        self.num_classes = num_classes

    @property
    def title(self) -> str:
        """What the images are called in results."""
        return self.name or title_of_file(Path(self.path or "").stem)

    def digest(self, path: Path) -> str:
        """That of a file, or of all files in a folder."""
        return digest_of_folder(path)

    @property
    def held_per_class(self) -> int:
        """How many images every class has at least."""
        return int(self._images.class_counts().min())

    @cached_property
    def _images(self) -> LabeledImages:
        self.fingerprint()
        found = open_images(Path(self.path or "").expanduser(), num_classes=self.num_classes).images
        self.confirm()
        return found

    def load(self) -> tuple[LabeledImages, None]:
        """All images; there is no test set. Raises `UserError` for anything that `open_images` does not read."""
        return self._images, None

    def splits(self, generator: torch.Generator) -> Splits:
        """The images as each of the three parts; nothing is drawn."""
        images = self._images
        self.caution = CAUTION
        return Splits(images, images, images, *channel_statistics(images.images))
