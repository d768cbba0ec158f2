"""Progress bars: on a terminal one line that goes away, in a log file nothing."""

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], *, label: str, total: int | None = None, unit: str = "it") -> "tqdm[T]":
    """Iterate over `items` behind a bar called `label`; silent where standard error is not a terminal."""
    return tqdm(items, desc=label, total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True)


def meter(*, label: str, total: int, unit: str = "it") -> "tqdm[None]":
    """A bar that its owner moves by `update` and ends by `close`.

    Like `progress`, it is silent where standard error is not a terminal.
    """
    return tqdm(total=total, desc=label, unit=unit, disable=None, leave=False, dynamic_ncols=True)
