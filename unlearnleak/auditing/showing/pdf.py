"""One page of A4 for those who sign things: the answer, what was audited, what it rests on, and a line to sign on."""

import io
import textwrap
from typing import TYPE_CHECKING

from unlearnleak.auditing.result import Answer
from unlearnleak.auditing.showing import words
from unlearnleak.machine.printable import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 8.27, 11.69
LEFT, TOP, BOTTOM = 0.8, 0.55, 0.9
"""Margins in inches."""
COLOURS = {"silent": "#0b7a6b", "leak": "#c2500c", "not judged": "#8f6a00"}
FONT = {"pdf.fonttype": 42, "font.family": "DejaVu Sans"}
"""Letters stay letters, which can be searched for and copied."""
LINE = 1.45
"""Of the size of the letters."""
MOST_ROWS = 16
COLUMNS = (0.0, 2.2, 3.3, 3.85, 4.4, 4.95, 5.6)
"""Where the table's columns begin, in inches from the left margin."""
COLUMNS_NAMED = ("attack / screening", "names", "counts", "alarms", "found", "controls", "truth")


def pdf(result: Answer) -> bytes:
    """The page; the same answer gives the same bytes."""
    from matplotlib import rc_context  # noqa: PLC0415  (slow to import)

    into = io.BytesIO()
    with rc_context(FONT):  # type: ignore[arg-type]
        metadata = {"CreationDate": None, "Title": f"Audit of {printable(result.understood.model)}"}
        drawn(result).savefig(into, format="pdf", metadata=metadata)
    return into.getvalue()


def drawn(result: Answer) -> "Figure":
    """The page as a figure."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    sheet = Sheet(Figure(figsize=(WIDTH, HEIGHT)))
    write(sheet, result)
    return sheet.figure


class Sheet:
    """A page that is written from top to bottom; `left` is the inches that are still free."""

    def __init__(self, figure: "Figure") -> None:
        self.figure, self.y, self.bottom = figure, HEIGHT - TOP, BOTTOM

    @property
    def left(self) -> float:
        """Inches that are still free above the lower margin."""
        return self.y - self.bottom

    def line(self, text: str, size: float = 9, *, x: float = 0.0, colour: str = "#1c2128", bold: bool = False) -> None:
        """One line, and on to the next; where the page is full, nothing."""
        if self.left <= 0:
            return
        self.put(text, size, x=x, colour=colour, bold=bold)
        self.y -= size * LINE / 72

    def put(self, text: str, size: float = 9, *, x: float = 0.0, colour: str = "#1c2128", bold: bool = False) -> None:
        """Letters at the present height, where it is one of the page; nothing in them is a formula."""
        if self.left <= 0:
            return
        self.figure.text(
            (LEFT + x) / WIDTH,
            self.y / HEIGHT,
            printable(text),
            size=size,
            color=colour,
            weight="bold" if bold else "normal",
            parse_math=False,
            va="top",
        )

    def say(self, text: str, size: float = 9, *, x: float = 0.0, most: int = 6) -> None:
        """A sentence, broken between words; of a very long one so many lines."""
        room = int((WIDTH - 2 * LEFT - x) * 72 / (size * 0.56))
        lines = textwrap.wrap(printable(text), room)
        for line in lines[: most - 1] + (
            [lines[most - 1] + (" ..." if len(lines) > most else "")] if len(lines) >= most else []
        ):
            self.line(line, size, x=x)

    def gap(self, inches: float = 0.12) -> None:
        """Free space."""
        self.y -= inches

    def rule(self, x: float, until: float) -> None:
        """A thin line."""
        from matplotlib.lines import Line2D  # noqa: PLC0415

        ends = [(LEFT + x) / WIDTH, (LEFT + until) / WIDTH]
        self.figure.add_artist(Line2D(ends, [self.y / HEIGHT] * 2, color="#57606a", linewidth=0.6))


def write(sheet: Sheet, result: Answer) -> None:
    """All that the page says."""
    sheet.line("What does this model leak?", 18, bold=True)
    sheet.line(f"unlearnleak {result.unlearnleak}: audit of {result.understood.model}", 9, colour="#57606a")
    sheet.gap()
    sheet.line(words.HEADLINES[result.status], 13, colour=COLOURS[result.status], bold=True)
    for sentence in result.answer[:6]:
        sheet.say(sentence, 9, most=4)
    sheet.gap()
    sheet.line("What was audited", 11, bold=True)
    for name, value in words.facts(result.understood):
        sheet.put(name, 9, colour="#57606a")
        sheet.say(value, 9, x=1.35, most=2)
    for name, digest in result.digests.items():
        sheet.put(f"SHA-256 of {name}"[:22], 9, colour="#57606a")
        sheet.line(digest, 7.5, x=1.65)
    for note in result.understood.notes[:3]:
        sheet.say(f"! {note}", 9, most=2)
    sheet.gap()
    table(sheet, result)
    sheet.gap()
    sheet.line("How far to trust it", 11, bold=True)
    for sentence in result.trust:
        if sheet.left > 0.3:
            sheet.say(f"- {sentence}", 9, most=4)
    sheet.y, sheet.bottom = 0.7, 0.0
    for x, what in ((0.0, "date"), (1.6, "name"), (4.2, "signature")):
        sheet.rule(x, {"date": 1.4, "name": 4.0, "signature": WIDTH - 2 * LEFT}[what])
        sheet.put(what, 7.5, x=x, colour="#57606a")


def table(sheet: Sheet, result: Answer) -> None:
    """The attacks that ran, those that count first, as many as there is room for."""
    sheet.line("What each attack says", 11, bold=True)
    for x, name in zip(COLUMNS, COLUMNS_NAMED, strict=True):
        if name != "truth" or result.truth is not None:
            sheet.put(name, 8, x=x, colour="#57606a")
    sheet.line("", 8)
    ran = sorted((one for one in result.attacks if one.state == "ran"), key=lambda one: not one.counts)
    for one in ran[:MOST_ROWS]:
        known = one.calibration
        cells = [one.name, words.classes(one.named)[:20], "yes" if one.counts else "no"]
        cells += [words.share(each) for each in (known.false_alarms, known.found, known.controls)]
        cells += [one.evaluation.outcome if one.evaluation else ""]
        for x, cell in zip(COLUMNS, cells, strict=True):
            sheet.put(cell, 8.5, x=x, bold=one.counts)
        sheet.line("", 8.5)
    sheet.say(
        "counts: the answer rests on it. alarms: copies of this model that forgot nothing on which it named a class; "
        "found: copies without one class whose verdict was exactly that; controls: alarms on other models that forgot "
        "nothing.",
        7.5,
    )
    if result.truth is not None:
        sheet.say(f"truth: what was forgotten, {words.classes(result.truth)}.", 7.5)
