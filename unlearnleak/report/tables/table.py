"""A table for papers before it is written."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]


@dataclass(frozen=True)
class Table:
    """A table for papers. `shown` is for people, `data` the numbers behind it, in full precision, for programs."""

    stem: str
    caption: str
    shown: "pd.DataFrame"
    data: "pd.DataFrame"
