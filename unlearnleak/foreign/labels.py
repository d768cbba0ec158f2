"""Labels that somebody gave: whole numbers from 0 to K-1, one a row."""

import numpy as np
import torch
from torch import Tensor

from unlearnleak.errors import UserError

MOST_CLASSES = 2**20


def check_labels(labels_N: np.ndarray, where: str, *, rows: int, num_classes: int | None) -> tuple[Tensor, int]:
    """The labels as int64 [N], and K: `num_classes`, or the largest label + 1.

    Raises:
        UserError: they are no whole numbers, not one a row, or out of range.
    """
    if labels_N.dtype.kind not in "iu" or labels_N.ndim != 1:
        raise UserError(
            f"{where}: the labels are {labels_N.dtype} of shape {labels_N.shape}, and whole numbers, one a row, are "
            "needed."
        )
    if len(labels_N) != rows or not rows:
        raise UserError(f"{where} holds {rows} rows and {len(labels_N)} labels; one label for each row is needed.")
    least, most = int(labels_N.min()), int(labels_N.max())
    allowed = MOST_CLASSES if num_classes is None else num_classes
    if least < 0 or most >= allowed:
        if least < 0:
            raise UserError(
                f"{where} holds the label {least}. Labels count the classes from 0; where a negative one stands for "
                "no class, leave these rows out."
            )
        raise UserError(f"{where} holds the label {most}. Allowed: 0..{allowed - 1}, for {allowed} classes.")
    return torch.from_numpy(labels_N.astype(np.int64)), most + 1 if num_classes is None else num_classes


def without_rows(counts_K: Tensor) -> tuple[str, ...]:
    """A note on the classes that have no row; () where all have."""
    absent = (counts_K == 0).nonzero().flatten().tolist()
    shown = ", ".join(map(str, absent[:8])) + (f" and {len(absent) - 8} more" if len(absent) > 8 else "")
    return (f"no image of {len(absent)} of {len(counts_K)} classes: {shown}",) if absent else ()
