"""The paper's tables with our numbers in their cells.

The rules. An average holds every finished run of its cell, as the paper's does: to leave out models that failed the
gate would choose among them by their outcome. Where some failed, a second line gives those that passed alone, and both
say how many passed of how many. Runs of different settings are never averaged: each variant has a line, and the cell
counts as missing in the averages over data sets and unlearners. Such an average is held against the paper's only
where none of its parts is missing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from unlearnleak.analysis.estimate import Average, Part, average, by_target
from unlearnleak.analysis.names import place
from unlearnleak.analysis.variants import Cell, Variants, attacked, failures, unlearned
from unlearnleak.papers.label_leakage.cells import ACCURACIES, ALL, DATASETS, OVERALL, TABLES, Place, paper_cells

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

Cells = dict[Cell, Variants]
Value = Callable[["pd.DataFrame"], "pd.Series[float]"]


def constant_published(runs: "pd.DataFrame") -> "pd.Series[float]":
    """What a constant answer has in the as-published protocol: of as many heads of either group, half; of classes, as
    `asr_constant`. None where that protocol is not defined.
    """
    constant = runs["asr_constant"].mask(runs["attack"].str.startswith("param_"), 0.5)
    return constant.where(runs["asr_published"].notna())


def key(name: str) -> Value:
    """A number of each run, None where it has none."""
    return lambda runs: runs[name]


MODEL: dict[str, Value] = {quantity: key(name) for quantity, name in ACCURACIES.items()}
ATTACK: dict[str, Value] = {
    "asr_published": key("asr_published"),
    "asr_published_constant": constant_published,
    "asr_published_placebo": key("asr_published_placebo"),
    "asr": key("asr"),
    "asr_constant": key("asr_constant"),
    "exact_match": key("exact_match"),
    "balanced_accuracy": key("balanced_accuracy"),
    "auroc": key("auroc"),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: rates in [0, 1], the paper's figures in percent as printed.

    settings: digest of a variant where a cell has several. gate: "all" runs, or those that "passed" alone. wanted: of
    how many parts (a data set with an unlearner) the average should be. paper: what the paper has in this place, by our
    quantity; `first` on the one line where its figures are shown.
    """

    table: str
    dataset: str
    unlearner: str
    settings: str
    attack: str
    screening: str
    gate: str
    runs: int
    failed: int
    wanted: int
    averages: dict[str, Average | None]
    paper: dict[str, str]
    first: bool

    def difference(self, quantity: str) -> float | None:
        """Ours less the paper's, in percentage points; None where either is missing or ours lacks a part."""
        ours = self.averages[quantity]
        if ours is None or quantity not in self.paper or ours.parts < self.wanted or self.gate != "all":
            return None
        return 100 * ours.mean - float(self.paper[quantity])


def lines(runs: "pd.DataFrame", tables: Iterable[str] = tuple(TABLES)) -> list[Line]:
    """Every line of the tables, in the paper's order; those of data sets and unlearners that it lacks come after."""
    models, attacks = unlearned(runs), attacked(runs)
    found = []
    for table in tables:
        found += attack_lines(table, attacks) if TABLES[table].methods else model_lines(table, models)
    return found


def unused(runs: "pd.DataFrame", tables: Iterable[str] = tuple(TABLES)) -> int:
    """Finished runs whose verdict is in none of these tables' lines, as of a control or of two forgotten classes."""
    wanted = {(TABLES[table].forgotten, *method) for table in tables for method in TABLES[table].methods}
    return sum(
        len(members)
        for cell, variants in attacked(runs).items()
        for members in variants.values()
        if cell[:3] not in wanted
    )


def ordered(found: Iterable[str], known: tuple[str, ...], *, all_known: bool = True) -> list[str]:
    """The known words in their order, or those of them that were found, then what was found beside them, by name."""
    return sorted({*found, *(known if all_known else ())}, key=lambda word: place(word, known))


def model_lines(table: str, cells: Cells) -> list[Line]:
    """Table III or IV: a line per data set and unlearner."""
    paper = TABLES[table]
    ours = {cell: variants for cell, variants in cells.items() if cell.forgotten == paper.forgotten}
    found = []
    for dataset in ordered((cell.dataset for cell in ours), DATASETS):
        words = (cell.unlearner for cell in ours if cell.dataset == dataset)
        for unlearner in ordered(words, paper.unlearners, all_known=dataset in DATASETS):
            where = Place(table, dataset, unlearner, "", "", "")
            found += variant_lines(where, ours.get(Cell(paper.forgotten, "", "", dataset, unlearner), {}), MODEL)
    return found


def attack_lines(table: str, cells: Cells) -> list[Line]:
    """Table V to VIII: for each method the averages over the four data sets, then each data set that was run."""
    paper = TABLES[table]
    found = []
    for attack, screening in paper.methods:
        ours = {cell: of for cell, of in cells.items() if cell[:3] == (paper.forgotten, attack, screening)}
        unlearners = ordered((cell.unlearner for cell in ours), paper.unlearners)
        for dataset in (ALL, *ordered((cell.dataset for cell in ours), DATASETS, all_known=False)):
            where = Place(table, dataset, OVERALL, attack, screening, "")
            for unlearner in unlearners:
                here = where._replace(unlearner=unlearner)
                if dataset == ALL:
                    found += average_lines(here, ours, product(DATASETS, [unlearner]))
                    continue
                cell = Cell(paper.forgotten, attack, screening, dataset, unlearner)
                if cell in ours or unlearner in paper.unlearners:
                    found += variant_lines(here, ours.get(cell, {}), ATTACK)
            found += average_lines(where, ours, product(DATASETS if dataset == ALL else [dataset], paper.unlearners))
    return found


def average_lines(where: Place, cells: Cells, wanted: Iterable[Part]) -> list[Line]:
    """The average over parts, of which those with several variants count as missing."""
    parts = list(wanted)
    by_part = {(cell.dataset, cell.unlearner): variants for cell, variants in cells.items()}
    members = {part: next(iter(by_part[part].values())) for part in parts if len(by_part.get(part, {})) == 1}
    return gate_lines(where, members, ATTACK, wanted=len(parts))


def variant_lines(where: Place, variants: Variants, values: dict[str, Value]) -> list[Line]:
    """A cell's lines; one of dashes where it has no run."""
    part = (where.dataset, where.unlearner)
    if not variants:
        return gate_lines(where, {}, values)
    found = []
    for number, (settings, members) in enumerate(sorted(variants.items())):
        found += gate_lines(where, {part: members}, values, settings=settings, first=number == 0)
    return found


def gate_lines(
    where: Place,
    parts: dict[Part, "pd.DataFrame"],
    values: dict[str, Value],
    *,
    wanted: int = 1,
    settings: str = "",
    first: bool = True,
) -> list[Line]:
    """One line over all runs and, where some failed the gate, one over those that passed."""

    def line(members: dict[Part, "pd.DataFrame"], gate: str) -> Line:
        return Line(
            **{field: getattr(where, field) for field in ("table", "dataset", "unlearner", "attack", "screening")},
            settings=settings,
            gate=gate,
            runs=sum(map(len, members.values())),
            failed=sum(map(failures, members.values())),
            wanted=wanted,
            averages={
                name: average({part: by_target(of, value(of)) for part, of in members.items()})
                for name, value in values.items()
            },
            paper=in_paper(where),
            first=first and gate == "all",
        )

    found = [line(parts, "all")]
    if found[0].failed:
        passed = {part: of[of["gate"] != "failed"] for part, of in parts.items()}
        found.append(line(passed, "passed"))
    return found


def in_paper(where: Place) -> dict[str, str]:
    """The paper's figures in a place, by our quantity."""
    quantities = {"asr_published": "asr"} if where.attack else {name: name for name in ACCURACIES}
    cells = {ours: paper_cells().get(where._replace(quantity=theirs)) for ours, theirs in quantities.items()}
    return {ours: printed for ours, printed in cells.items() if printed is not None}
