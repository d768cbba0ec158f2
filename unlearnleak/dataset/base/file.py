"""What the data sets share that can be read from one .npz file."""

from unlearnleak.data import arrays
from unlearnleak.data.images import LabeledImages
from unlearnleak.dataset.base import Dataset


class FileDataset(Dataset):
    """A data set that reads the file at `path`, laid out as `archive.LAYOUT` says, where one is given."""

    def image_shape(self) -> tuple[int, int, int] | None:
        """Return (C, H, W) of the file's images, as its headers say; None where there is no file.

        Raises `UserError` for everything that the headers show to be wrong.
        """
        if self.path is None:
            return None
        return self.ask_path(lambda path: arrays.image_shape(path, self.source))

    def load_path(self, num_classes: int | None) -> tuple[LabeledImages, LabeledImages]:
        """Return the file's (train, test); `num_classes` None means the largest label + 1.

        Raises `UserError` for anything but the layout.
        """
        self.image_shape()  # its headers first: what is wrong with them costs no reading
        return arrays.read_npz(self.read_path(), self.source, num_classes, self.division.check)
