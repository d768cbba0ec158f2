"""Files for papers: every table as CSV, Markdown and LaTeX."""

from unlearnleak.report.tables.latex import latex
from unlearnleak.report.tables.markdown import cell, markdown_table
from unlearnleak.report.tables.table import Table
from unlearnleak.runs.spreadsheet import csv_text


def table_files(table: Table) -> dict[str, bytes]:
    """STEM.csv, .md and .tex by name (the last needs the LaTeX packages booktabs and longtable)."""
    return {
        f"{table.stem}.csv": csv_text(table.data).encode(),
        f"{table.stem}.md": f"{markdown(table)}\n".encode(),
        f"{table.stem}.tex": latex(table).encode(),
    }


def markdown(table: Table) -> str:
    """The table in Markdown, its caption above it."""
    return f"{cell(table.caption)}\n\n{markdown_table(table.shown)}"
