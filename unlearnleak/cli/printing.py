"""What commands that print tables of runs have in common: reading the runs, and what stands below the tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.machine.printable import LINES, plain, printable

if TYPE_CHECKING:
    from unlearnleak.report.tables.terminal import Sheet


def read(folders: list[str]) -> list[dict[str, Any]]:
    """The runs; those whose result lacks what tables need count as failed."""
    from unlearnleak.runs.data_sets import told_apart  # noqa: PLC0415  (every completion imports this module)
    from unlearnleak.runs.loading import load_runs  # noqa: PLC0415
    from unlearnleak.runs.strengths import with_strengths  # noqa: PLC0415
    from unlearnleak.runs.words import named, shown  # noqa: PLC0415

    runs = [shown(named(run)) for run in load_runs([Path(folder) for folder in folders])]
    return with_strengths(told_apart(runs))


def show(
    body: "str | list[Sheet]", legend: str, notes: list[str], folders: list[str], runs: list[dict[str, Any]]
) -> None:
    """Print tables, what their words mean, notes, and how all the runs ended. Without a table there is no legend."""
    from unlearnleak.report.tables import terminal  # noqa: PLC0415
    from unlearnleak.report.tables.leaks import counts  # noqa: PLC0415
    from unlearnleak.runs.rows import lost  # noqa: PLC0415
    from unlearnleak.runs.words import unproven  # noqa: PLC0415

    end = f"{len(runs)} runs in {', '.join(folders)}: {counts(runs)}."
    rest = [*notes, "", *lost(runs), *unproven(runs), end]
    if isinstance(body, str):
        print("\n".join(printable(line, keep=LINES) for line in [*([body, "", legend, ""] if body else []), *rest]))
        return
    on = terminal.console()
    for section in body:
        terminal.show(on, section, "")
    if body:
        terminal.say(on, legend, "dim")
    for note in ["", *rest[:-1]] if body else rest[:-1]:
        terminal.say(on, note)
    terminal.show(on, plain(end))
