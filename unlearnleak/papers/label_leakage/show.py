"""The tables for the terminal, for documents (Markdown) and for programs (CSV)."""

import csv
from collections.abc import Iterable
from itertools import groupby
from typing import TextIO

from unlearnleak.analysis.estimate import Average
from unlearnleak.papers.label_leakage.cells import TABLES
from unlearnleak.papers.label_leakage.tables import Line
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.report.tables.terminal import Column, Sheet
from unlearnleak.runs import spreadsheet

WORDS = {
    "forget_acc_before": "forget before",
    "forget_acc_after": "forget after",
    "retain_acc_before": "retain before",
    "retain_acc_after": "retain after",
}
LEGEND = (
    "All numbers are percent; diff. is ours less the paper's, in points. paper: arXiv 2604.07386, as printed. n: "
    "targets, which are an original model's seed and the forgotten classes; runs on one target are one observation. "
    "95 %: BCa bootstrap interval over targets, from five on; it takes original models as given (see `unlearnleak "
    "variance`). Averages over data sets or unlearners count each alike; all 2/4: of so many data sets, held against "
    "the paper only when whole. const: the answer that never changes. gate: models that count as unlearned. Averages "
    "hold all models, as the paper's do; where some failed the gate (*), the next line has those that passed alone. "
    "Runs of different settings have lines of their own, under their digest, and enter no average over data sets or "
    "unlearners."
)
ATTACKS = (
    "publ.: ASR as the paper seems to have measured it. For parameter attacks that is how well heads of known groups "
    "can be told apart (const 50), no attack. plac.: the same figure where classes that were not forgotten are called "
    "so; what is no higher than it says nothing about unlearning. ASR: classes judged rightly by the blind verdict, "
    "the real answer. exact: verdicts that name the forgotten set itself. bal.: the verdict's balanced accuracy. "
    "AUROC: of the scores."
)
PASSED = "  passed"


def legend(lines: list[Line]) -> str:
    """What the columns mean."""
    return f"{LEGEND} {ATTACKS}" if any(line.attack for line in lines) else LEGEND


def percent(value: float | None) -> str:
    """A rate in [0, 1] in percent; a dash where there is none."""
    return "-" if value is None else f"{100 * value:.2f}"


def rate(ours: Average | None) -> str:
    """An average in percent; a dash where there is none."""
    return percent(None if ours is None else ours.mean)


def between(ours: Average | None) -> str:
    """The interval in percent; empty where there is none."""
    interval = None if ours is None else ours.interval
    return "" if interval is None else f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"


def number(ours: Average | None) -> str:
    """How many targets."""
    return "-" if ours is None else str(ours.n)


def printed(line: Line, quantity: str) -> str:
    """The paper's figure on the line where it belongs, a dash where it has none, empty on a cell's further lines."""
    if not line.first:
        return ""
    return line.paper.get(quantity, "-")


def difference(line: Line, quantity: str) -> str:
    """Ours less the paper's."""
    points = line.difference(quantity)
    if points is None:
        return "-" if line.gate == "all" else ""
    return f"{points:+.2f}"


def gate(line: Line) -> str:
    """How many models passed the gate, of how many."""
    if not line.runs:
        return "-"
    return f"{line.runs - line.failed}/{line.runs}{'*' if line.failed else ''}"


def dataset(line: Line, quantity: str) -> str:
    """The data set, with how many parts an average is of where some are missing."""
    ours = line.averages[quantity]
    parts = 0 if ours is None else ours.parts
    return line.dataset if parts in (0, line.wanted) else f"{line.dataset} {parts}/{line.wanted}"


def unlearner(line: Line) -> str:
    """The unlearner, with the digest of its settings where there are several."""
    return PASSED if line.gate == "passed" else f"{line.unlearner} {line.settings}".strip()


WORD_COLUMNS = 2
MODEL_HEAD = ["unlearner", "accuracy", "n", "ours", "95 %", "paper", "diff.", "gate"]
PUBLISHED_HEAD = ["data set", "unlearner", "n", "publ.", "95 %", "const", "plac.", "paper", "diff.", "gate"]
BLIND_HEAD = ["data set", "unlearner", "n", "ASR", "95 %", "const", "exact", "bal.", "AUROC"]


def model_rows(line: Line) -> list[list[str]]:
    """A line of Table III or IV, a row per quantity."""
    return [
        [
            *(unlearner(line), WORDS[name], number(ours), rate(ours), between(ours)),
            *(printed(line, name), difference(line, name), gate(line)),
        ]
        for name, ours in line.averages.items()
    ]


def published_row(line: Line) -> list[str]:
    """A line of Tables V to VIII as the paper measures."""
    ours, constant = (line.averages[name] for name in ("asr_published", "asr_published_constant"))
    row = [dataset(line, "asr_published"), unlearner(line), number(ours), rate(ours), between(ours), rate(constant)]
    row.append(rate(line.averages["asr_published_placebo"]))
    return [*row, printed(line, "asr_published"), difference(line, "asr_published"), gate(line)]


def blind_row(line: Line) -> list[str]:
    """The same line with the blind verdict."""
    ours = line.averages["asr"]
    rest = ("asr_constant", "exact_match", "balanced_accuracy", "auroc")
    row = [dataset(line, "asr"), unlearner(line), number(ours), rate(ours), between(ours)]
    return [*row, *(rate(line.averages[name]) for name in rest)]


def sheets(lines: list[Line]) -> list[Sheet]:
    """For the terminal: Tables III and IV by data set, the others by attack, first as published, then blind."""
    found = []
    for (table, attack, screening), members in groupby(lines, lambda line: (line.table, line.attack, line.screening)):
        count, of = TABLES[table].forgotten, list(members)
        title = f"Table {table} ({count} {'class' if count == 1 else 'classes'})"
        if attack:
            title = f"{title}: {attack} / {screening}"
            found.append(sheet(f"{title}, as published", PUBLISHED_HEAD, map(published_row, of)))
            if ran := [line for line in of if line.runs]:  # the paper has nothing to be held against here
                found.append(sheet(f"{title}, blind", BLIND_HEAD, map(blind_row, ran)))
            continue
        for word, same in groupby(of, lambda line: line.dataset):
            found.append(sheet(f"{title}: {word}", MODEL_HEAD, (row for one in same for row in model_rows(one))))
    return found


def sheet(title: str, head: list[str], rows: Iterable[list[str]]) -> Sheet:
    """One table."""
    columns = [Column(name, words=index < WORD_COLUMNS, left=index < WORD_COLUMNS) for index, name in enumerate(head)]
    return Sheet(title=title, columns=columns, rows=rows, gap=1, ditto=True)


def markdown(lines: list[Line]) -> str:
    """For documents: a table each."""
    found = []
    for table, members in groupby(lines, lambda line: line.table):
        of = list(members)
        if of[0].attack:
            head = ["attack / screening", *PUBLISHED_HEAD, *BLIND_HEAD[2:]]
            rows = [[f"{one.attack} / {one.screening}", *published_row(one), *blind_row(one)[2:]] for one in of]
        else:
            head = ["data set", *MODEL_HEAD]
            rows = [[one.dataset, *row] for one in of for row in model_rows(one)]
        found.append(f"Table {table}: {TABLES[table].title}.\n\n{markdown_lines(head, rows)}")
    return "\n\n".join(found)


HEAD = ("table", "forgotten_classes", "dataset", "unlearner", "settings", "attack", "screening", "gate", "quantity")
NUMBERS = ("runs", "gate_failed", "parts", "parts_wanted", "targets", "percent", "low", "high", "paper", "difference")


def to_csv(lines: list[Line], file: TextIO) -> None:
    """A row per line and quantity, in percent and unrounded; `paper` as printed; empty where there is no number."""
    writer = csv.DictWriter(file, (*HEAD, *NUMBERS), lineterminator="\n")
    writer.writeheader()
    for line in lines:
        words = {name: getattr(line, name) for name in HEAD if hasattr(line, name)}
        words["forgotten_classes"] = TABLES[line.table].forgotten
        for quantity, ours in line.averages.items():
            row = words | {"quantity": quantity, "runs": line.runs, "gate_failed": line.failed}
            row |= {"parts": 0 if ours is None else ours.parts, "parts_wanted": line.wanted}
            row |= {"targets": 0 if ours is None else ours.n, "paper": line.paper.get(quantity) if line.first else None}
            row |= {"difference": line.difference(quantity)}
            if ours is not None:
                low, high = ours.interval or (None, None)
                row |= {"percent": 100 * ours.mean}
                row |= {} if low is None or high is None else {"low": 100 * low, "high": 100 * high}
            writer.writerow({name: spreadsheet.cell(value) for name, value in row.items()})
