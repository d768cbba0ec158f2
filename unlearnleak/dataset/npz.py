"""A data set of one's own, in one .npz file."""

from pathlib import Path

from unlearnleak.dataset.archive import LAYOUT
from unlearnleak.dataset.base import check_whole
from unlearnleak.dataset.file import FileDataset
from unlearnleak.dataset.images import LabeledImages
from unlearnleak.dataset.title import title_of_file
from unlearnleak.errors import UserError


class Npz(FileDataset):
    """The four arrays of the file at `path`, laid out as `archive.LAYOUT` says.

    `num_classes` None means the largest label + 1, `name` None the file's own name. `root` is not used.
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
        num_classes: int | None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            root=root,
            path=path,
            auxiliary_per_class=auxiliary_per_class,
            test_per_class=test_per_class,
            train_limit=train_limit,
            name=name,
        )
        if path is None:
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
