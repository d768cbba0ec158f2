"""Numbers for people."""

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
