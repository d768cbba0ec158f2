"""What was measured: one row a way, its times, what it is held against, and its goal."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One way's times in its unit, such as ms a step; `goal` is the most that the median is to be.

    `floor` names the row of the same section and model that its median is shown as a multiple of, which is to be at
    most `times`.
    """

    section: str
    model: str
    way: str
    values: tuple[float, ...]
    unit: str = "ms/step"
    goal: float | None = None
    floor: str | None = None
    times: float | None = None
    note: str = ""

    @property
    def median(self) -> float | None:
        """None of a way that failed, whose `note` says why."""
        return statistics.median(self.values) if self.values else None


def line(row: Row, before: Sequence[Row]) -> str:
    """The row as it is printed, with its ratio to its floor among the rows before it."""
    name = f"  {row.model:9}{row.way:44}"
    if row.median is None:
        return f"{name}{'none':>9}  {row.note}"
    told = f"{name}{row.median:9.3f} {row.unit:9}({min(row.values):.3f} to {max(row.values):.3f})"
    if (found := ratio(row, before)) is not None:
        told += f"  {found:.2f} x {row.floor}"
    if (reached := met(row, before)) is not None:
        goal = f"{row.goal:g}" if row.goal is not None else f"{row.times:g} x"
        told += f"  goal <= {goal}: {'met' if reached else 'MISSED'}"
    return told + (f"  {row.note}" if row.note else "")


def ratio(row: Row, before: Sequence[Row]) -> float | None:
    """How many times its floor the row is; None where there is none."""
    same = [each for each in before if (each.section, each.model, each.way) == (row.section, row.model, row.floor)]
    if not same or not same[-1].median or row.median is None:
        return None
    return row.median / same[-1].median


def met(row: Row, before: Sequence[Row]) -> bool | None:
    """Whether the goal is reached; None without a goal. A way that failed has not reached it."""
    if row.goal is not None:
        return row.median is not None and row.median <= row.goal
    found = ratio(row, before)
    return None if row.times is None else found is not None and found <= row.times


def write(path: Path, machine: str, rows: Sequence[Row], seconds: float) -> None:
    """All rows as JSON, each with its median, ratio and whether its goal is met."""
    told = [
        asdict(row) | {"median": row.median, "ratio": ratio(row, rows[:number]), "met": met(row, rows[:number])}
        for number, row in enumerate(rows)
    ]
    path.write_text(json.dumps({"machine": machine, "seconds": seconds, "rows": told}, indent=1))
