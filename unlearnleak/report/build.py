"""From folders of runs to a page and files for papers."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlearnleak.report.gathered import Report, gather
from unlearnleak.report.own_folder import check, write_all

Run = dict[str, Any]
PAGE, TABLES, FIGURES = "index.html", "tables", "figures"


def build(
    folders: list[Path],
    *,
    out: Path | None = None,
    against: list[Path] | None = None,
    store: Path | None = None,
    pictures: int | None = 10,
    page_only: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Write the report of the runs in `folders` and return the page's path.

    Args:
        out: the folder to write into; by default `report` in the first of `folders`, NAME-report beside NAME.csv.
        against: folders of other runs that came before, to say what has changed since.
        store: where the artifacts lie, if not where the runs' own configs say.
        pictures: runs whose images and curves are shown; None shows all.
        page_only: leave out the files for papers, for a quick look.
        tell: is handed a sentence for each change since the runs `against`, once all is written.

    What is written is written at the end: who ends it before that finds everything as it was.

    Raises:
        UserError: a folder is not there, or holds no run at all; or `out` cannot be written, or is or holds a link in
            place of a folder.
    """
    target = out or beside(folders[0])
    check(target, () if page_only else (TABLES, FIGURES))
    with rarely_collected():
        from unlearnleak.report.page.render import render  # noqa: PLC0415  (matplotlib and SciPy: seconds)
        from unlearnleak.runs.stored import Stores  # noqa: PLC0415

        stores = Stores(store)
        report = gather(folders, against or [], stores)
        page = render(report, stores, pictures=pictures, files=not page_only).encode()
        write_all(target, ({} if page_only else paper_files(report)) | {PAGE: page})
    if tell and against:
        for sentence in said(report):
            tell(sentence)
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
    from unlearnleak.figure.export import chart_files  # noqa: PLC0415  (matplotlib: a second)
    from unlearnleak.report.tables.every import all_tables  # noqa: PLC0415
    from unlearnleak.report.tables.export import table_files  # noqa: PLC0415  (matplotlib: a second)

    found: dict[str, bytes] = {}
    for table in all_tables(report):
        found |= {f"{TABLES}/{name}": content for name, content in table_files(table).items()}
    for chart in [*report.charts, *report.asr_charts]:
        found |= {f"{FIGURES}/{name}": content for name, content in chart_files(chart).items()}
    return found


def said(report: Report) -> Iterator[str]:
    """What has changed by more than chance, in sentences."""
    changed = [one for one in report.changes if one.changed]
    yield from (one.sentence for one in changed)
    tested = sum(not one.equal for one in report.changes)
    yield f"{len(changed)} of {tested} comparisons changed by more than chance (Holm's adjusted p below 0.05)."


def beside(runs: Path) -> Path:
    """Where the report of a folder or a CSV is written."""
    return runs.with_name(f"{runs.stem}-report") if runs.is_file() else runs / "report"
