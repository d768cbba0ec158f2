"""A table of one's own: a CSV or parquet file with a column of labels."""

import logging
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from unlearnleak.data.images import LabeledImages
from unlearnleak.data.title import title_of_file
from unlearnleak.dataset.base import Dataset
from unlearnleak.errors import UserError, require

Text = Literal["onehot", "refuse"]
log = logging.getLogger(__name__)


class Csv(Dataset):
    """The rows of the table at `path` (`data.table.LAYOUT`): images of one pixel with a channel a column, [F, 1, 1].

    So each column is normalised by its mean and deviation over the training rows, and the box that attacks keep to is
    what each column spans in the file. Convolutions need more than one pixel: `model=mlp`.

    `label` names the column of labels, `text` says what becomes of columns of words, `name` None is the file's own
    name. `root` is not used.
    """

    version = 1

    def __init__(self, *, label: str, text: Text, **settings: Any) -> None:
        super().__init__(**settings)
        if self.path is None:
            from unlearnleak.data.table import LAYOUT  # noqa: PLC0415  (pandas, half a second)

            raise UserError(f"dataset=csv needs dataset.path=FILE.csv. Allowed: {LAYOUT}.")
        require(text in get_args(Text), "dataset.text", text, " or ".join(get_args(Text)))
        require(bool(label), "dataset.label", label, "the name of a column")
        self.label, self.text = label, text

    @property
    def title(self) -> str:
        """What the rows are called in results."""
        return self.name or title_of_file(Path(self.path or "").stem)

    def load(self) -> tuple[LabeledImages, None]:
        """All rows; there is no test set. Raises `UserError` for what is no such table."""
        from unlearnleak.data.table import read_table  # noqa: PLC0415  (pandas, half a second)

        table = read_table(self.read_path(), self.source, self.label, self.text)
        log.info("%s: classes in their order: %s", self.source, ", ".join(table.classes[:20]))
        rows = torch.from_numpy(table.rows_NF)[:, :, None, None]
        return LabeledImages(rows.contiguous(), torch.from_numpy(table.labels_N), len(table.classes)), None
