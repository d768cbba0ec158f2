"""Tables on a terminal: whatever its width, no number is cut and no column is left out.

A table that does not fit is set closer, with the words that name a row broken at spaces; then it goes on in further
blocks, each with those words; and where even one column does not fit beside them, every row becomes a list of names and
values. A pipe and a file have no width: there a table is as wide as it needs to be.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from unlearnleak.machine.printable import plain, printable

NO_TERMINAL = 10_000  # wider than any table
READABLE = 80  # where sentences are broken that go into a pipe


class Output(Console):
    """rich's console, whose reader may have seen enough: the command then ends as others do, and not as a failure."""

    def on_broken_pipe(self) -> None:
        """Hand the error on."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output; of any width where it is no terminal, unless COLUMNS says how wide it is."""
    terminal = sys.__stdout__ is not None and sys.stdout.isatty()  # None where it was closed
    bounded = terminal or os.environ.get("COLUMNS", "").strip("0").isdecimal()
    return Output(width=shutil.get_terminal_size().columns if bounded else NO_TERMINAL)


def show(on: Console, *parts: RenderableType) -> None:
    """Print tables and lines one below the other, none of them cut at the terminal's edge."""
    for part in parts:
        line = isinstance(part, Text)  # broken by the terminal alone, so that a path in it can be copied
        on.print(part, markup=False, highlight=False, crop=False, soft_wrap=line)


def say(on: Console, sentences: str, style: str = "") -> None:
    """Print sentences, broken between words."""
    for line in plain(sentences, style).wrap(on, READABLE if on.width == NO_TERMINAL else on.width):
        line.rstrip()
        on.print(line, crop=False, soft_wrap=True)


class Column(NamedTuple):
    """A column: its name, and its width where there is room for it.

    `words`: what its rows are called by. Such columns are broken at spaces, and repeated in each block. `left`: where
    the cells stand.
    """

    name: str
    width: int = 0
    words: bool = False
    left: bool = False


class Sheet:
    """A table that rich prints at any width. Nothing in it is markup. Columns of words come first.

    `gap`: spaces between columns, where there is room for more than one. `ditto`: a first word that is repeated from
    the row above is left out.
    """

    def __init__(
        self, title: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, gap: int = 2, ditto: bool = False
    ) -> None:
        self.title, self.columns, self.gap, self.ditto = title, list(columns), gap, ditto
        self.rows = [[printable(cell) for cell in row] for row in rows]
        self.names = [printable(column.name) for column in self.columns]
        self.words = sum(column.words for column in self.columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield plain(self.title, style="table.title")
        widths = [max(width, column.width) for width, column in zip(self.natural(), self.columns, strict=True)]
        if total(widths, self.gap) <= options.max_width:
            yield self.block(range(len(widths)), widths, self.gap)
            return
        if self.least_beside_words() > options.max_width:
            yield from self.records()
            return
        for number, chosen in enumerate(self.folded(options.max_width)):
            yield from [""] if number else []
            widths = self.narrowed(chosen, options.max_width)
            yield self.block(chosen, widths, 1)

    def natural(self) -> list[int]:
        """Each column's width with no line broken."""
        return [max(map(cell_len, cells)) for cells in self.cells()]

    def least(self) -> list[int]:
        """Each column's width below which a word or a number would be cut."""
        longest = [
            max((cell_len(word) for cell in cells for word in cell.split()), default=0) for cells in self.cells()
        ]
        return [
            one if column.words else all_
            for column, one, all_ in zip(self.columns, longest, self.natural(), strict=True)
        ]

    def cells(self) -> Iterator[list[str]]:
        """Each column's name and cells."""
        for index, name in enumerate(self.names):
            yield [name, *(row[index] for row in self.rows)]

    def least_beside_words(self) -> int:
        """The width of a block of the words and the widest other column."""
        least = self.least()
        return total([*least[: self.words], max(least[self.words :], default=0)], 1)

    def folded(self, width: int) -> list[list[int]]:
        """The columns of each block: the words, and as many others as fit.

        Words are broken where that makes one block of all, or where they leave no room otherwise.
        """
        least, words = self.least(), list(range(self.words))
        widths = [*self.natural()[: self.words], *least[self.words :]]
        if total(least, 1) <= width or total([*widths[: self.words], max(widths[self.words :], default=0)], 1) > width:
            widths = least
        blocks = [words]
        for index in range(self.words, len(widths)):
            if total([widths[i] for i in [*blocks[-1], index]], 1) > width:
                blocks.append(words)
            blocks[-1] = [*blocks[-1], index]
        return blocks

    def narrowed(self, chosen: Sequence[int], width: int) -> list[int]:
        """The widths of a block's columns: the words give way, the widest first, until it fits."""
        natural, least = self.natural(), self.least()
        widths = [natural[index] for index in chosen]
        while total(widths, 1) > width:
            widest = max(range(self.words), key=lambda i: (widths[i] > least[i], widths[i]))
            widths[widest] -= 1
        return widths

    def block(self, chosen: Sequence[int], widths: Sequence[int], gap: int) -> Table:
        """Some of the columns as a table of rich's."""
        table = Table(box=None, padding=0, pad_edge=False)  # gaps are columns: versions of rich count padding otherwise
        for index, width in zip(chosen, widths, strict=True):
            if table.columns:
                table.add_column(width=gap)
            side: JustifyMethod = "left" if self.columns[index].left else "right"
            table.add_column(Text(self.names[index]), justify=side, width=width, overflow="fold")
        above = None
        for row in self.rows:
            first = "" if self.ditto and row[0] == above else row[0]
            cells = [Text(first if index == 0 else row[index]) for index in chosen]
            table.add_row(*[part for cell in cells for part in ("", cell)][1:])
            above = row[0]
        return table

    def records(self) -> Iterator[RenderableType]:
        """Every row as a list, a line for each column."""
        width = max(map(cell_len, self.names))
        for number, row in enumerate(self.rows):
            yield from [""] if number else []
            for name, cell in zip(self.names, row, strict=True):
                yield Text(f"{set_cell_size(name, width)} {cell}", no_wrap=True, overflow="ignore")


def total(widths: Sequence[int], gap: int) -> int:
    """A table's width."""
    return sum(widths) + gap * (len(widths) - 1)
