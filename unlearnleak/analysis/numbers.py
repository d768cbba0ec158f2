"""Numbers for people."""

import re
from collections.abc import Sequence

SEVERAL = 6
"""Classes that are named one by one; of more, the first two and the last stand for all."""

Interval = tuple[float, float] | None


def percent(value: float | None) -> str:
    """A rate in [0, 1] in percent; a dash where it is not defined."""
    return "-" if value is None else f"{100 * value:.1f}"


def bounds(interval: Interval, digits: int = 0) -> str:
    """An interval of rates in percent; empty where n is too small for one."""
    return "" if interval is None else f"[{100 * interval[0]:.{digits}f}, {100 * interval[1]:.{digits}f}]"


def of(counts: tuple[int, int]) -> str:
    """Hits of n; a dash where there was nothing to hit."""
    return f"{counts[0]}/{counts[1]}" if counts[1] else "-"


def classes(of: Sequence[int] | str) -> str:
    """Class numbers, or what was to be forgotten (`runs.words.named`), shortened where there are many.

    >>> classes([3, 17, 20, 31, 44, 60, 98])
    '7 classes: 3, 17, …, 98'
    """
    words = re.split("[., ]+", of) if isinstance(of, str) else [str(number) for number in of]
    if len(words) <= SEVERAL or not all(word.isdecimal() for word in words):
        return of if isinstance(of, str) else ", ".join(words) or "none"
    return f"{len(words)} classes: {words[0]}, {words[1]}, …, {words[-1]}"
