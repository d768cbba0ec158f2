"""From folders of runs to a page and files for papers."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.cli.report import PICTURES
from unlearnleak.report.own_folder import check, write_all
from unlearnleak.runs.data_sets import told_apart
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.words import named, shown

if TYPE_CHECKING:
    from unlearnleak.report.chart import Chart
    from unlearnleak.report.compare import Change, Comparison
    from unlearnleak.report.matrix import Matrix, Summary

Run = dict[str, Any]
PAGE, TABLES, FIGURES = "index.html", "tables", "figures"


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that is shown, drawn and written."""

    folders: list[str]
    against: list[str]
    runs: list[Run]
    matrices: "list[Matrix]"
    summaries: "list[Summary]"
    charts: "list[Chart]"
    asr_charts: "list[Chart]"
    changes: "list[Change]"
    too_few: int


def build(
    folders: list[Path],
    *,
    out: Path | None = None,
    against: list[Path] | None = None,
    store: Path | None = None,
    pictures: int | None = PICTURES,
    page_only: bool = False,
) -> Path:
    """Write the report of the runs in `folders` and return the page's path.

    Args:
        out: the folder to write into; by default `report` in the first of `folders`, NAME-report beside NAME.csv.
        against: folders of other runs that came before, to say what has changed since.
        store: where the artifacts lie, if not where the runs' own configs say.
        pictures: runs whose images and curves are shown; None shows all.
        page_only: leave out the files for papers, for a quick look.

    What is written is written at the end: who ends it before that finds everything as it was.

    Raises:
        UserError: a folder is not there, or holds no run at all; or `out` cannot be written, or is or holds a link in
            place of a folder.
    """
    target = out or beside(folders[0])
    check(target, () if page_only else (TABLES, FIGURES))
    with rarely_collected():
        from unlearnleak.report.page import render  # noqa: PLC0415  (matplotlib and SciPy: seconds)
        from unlearnleak.runs.stored import Stores  # noqa: PLC0415

        stores = Stores(store)
        report = gather(folders, against or [], stores)
        page = render(report, stores, pictures=pictures, files=not page_only).encode()
        write_all(target, ({} if page_only else paper_files(report)) | {PAGE: page})
    return target / PAGE


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Look for garbage in cycles less often: imports and drawings make many objects that all stay, and Python would
    look through them again and again.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def paper_files(report: Report) -> dict[str, bytes]:
    """The tables and figures for papers, by name."""
    from unlearnleak.report.export import chart_files, table_files  # noqa: PLC0415  (matplotlib: a second)
    from unlearnleak.report.tables import all_tables  # noqa: PLC0415

    found: dict[str, bytes] = {}
    for table in all_tables(report.runs, report.matrices, report.summaries, report.changes):
        found |= {f"{TABLES}/{name}": content for name, content in table_files(table).items()}
    for chart in [*report.charts, *report.asr_charts]:
        found |= {f"{FIGURES}/{name}": content for name, content in chart_files(chart).items()}
    return found


def beside(runs: Path) -> Path:
    """Where the report of a folder or a CSV is written."""
    return runs.with_name(f"{runs.stem}-report") if runs.is_file() else runs / "report"


def gather(folders: list[Path], against: list[Path], stores: Any) -> Report:
    """Read the runs and work everything out that is not a drawing."""
    from unlearnleak.report.accuracy import accuracy_chart  # noqa: PLC0415  (NumPy, SciPy and pandas)
    from unlearnleak.report.bars import asr_charts, count_chart  # noqa: PLC0415
    from unlearnleak.report.distributions import head_charts  # noqa: PLC0415
    from unlearnleak.report.matrix import matrices, summaries  # noqa: PLC0415
    from unlearnleak.report.pictures import sheet_chart  # noqa: PLC0415
    from unlearnleak.report.probability import probability_charts  # noqa: PLC0415

    runs, before = read(folders, against)
    cells, attacks = matrices(runs), summaries(runs)
    comparison = since(before, runs) if against else None
    heads = head_charts(runs, stores)
    return Report(
        folders=[str(folder) for folder in folders],
        against=[str(folder) for folder in against],
        runs=runs,
        matrices=cells,
        summaries=attacks,
        charts=[
            accuracy_chart(runs),
            count_chart(cells),
            *probability_charts(runs, stores),
            *heads,
            sheet_chart(runs, stores),
        ],
        asr_charts=asr_charts(cells),
        changes=comparison.changes if comparison else [],
        too_few=comparison.too_few if comparison else 0,
    )


def read(folders: list[Path], against: list[Path]) -> tuple[list[Run], list[Run]]:
    """The runs in the folders, and those that came before, all fit to be shown."""
    runs = [shown(named(run)) for run in load_runs(folders)]
    before = [shown(named(run)) for run in load_runs(against)] if against else []
    both = told_apart([*runs, *before])
    return both[: len(runs)], both[len(runs) :]


def since(before: list[Run], runs: list[Run]) -> "Comparison":
    """What has changed since the runs `before`."""
    from unlearnleak.report.compare import compare  # noqa: PLC0415  (SciPy's tests, only for those who compare)

    return compare(before, runs)
