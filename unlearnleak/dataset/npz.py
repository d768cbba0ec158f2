"""A data set of one's own, in one .npz file."""

from pathlib import Path
from typing import Any

from unlearnleak.data.archive import LAYOUT
from unlearnleak.data.images import LabeledImages
from unlearnleak.data.title import title_of_file
from unlearnleak.dataset.base import check_whole
from unlearnleak.dataset.base.file import FileDataset
from unlearnleak.errors import UserError


class Npz(FileDataset):
    """The four arrays of the file at `path`, laid out as `archive.LAYOUT` says.

    `num_classes` None means the largest label + 1, `name` None the file's own name. `root` is not used.
    """

    version = 1

    def __init__(self, *, num_classes: int | None, **settings: Any) -> None:
        super().__init__(**settings)
        if self.path is None:
            raise UserError(f"dataset=npz needs dataset.path=FILE.npz. Allowed: {LAYOUT}.")
        if num_classes is not None:
            check_whole("num_classes", num_classes, least=2)
        self.num_classes = num_classes

    @property
    def title(self) -> str:
        """What the images are called in results."""
        return self.name or title_of_file(Path(self.path or "").stem)

    def load(self) -> tuple[LabeledImages, LabeledImages]:
        """Return the file's (train, test). Raises `UserError` for anything but the layout."""
        return self.load_path(self.num_classes)
