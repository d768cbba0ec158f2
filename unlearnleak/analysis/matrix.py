"""The headline: per data set, what each attack with its screening made of each unlearner, with n and intervals."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unlearnleak.analysis.groups import FEW, cases, group
from unlearnleak.analysis.groups import rank as by_method
from unlearnleak.metric.interval import bootstrap_mean, wilson

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

STEPS = 3
"""Shades on either side of the constant answer's."""


class Cell(NamedTuple):
    """Runs that differ in nothing but seeds and classes. Rates are in [0, 1]; an interval is 95 %, None below FEW runs.

    asr: mean, with BCa bootstrap interval over runs. constant: the mean ASR of "nothing was forgotten".
    hits: verdicts that name the forgotten set itself, with Wilson's interval of their share.
    published: mean as-published ASR over the `n_published` runs where it is defined.
    gain: what the attack adds to the constant answer, as a share of what could be added (negative: it takes away).
    failed: runs whose model did not pass the gate. They count above.
    """

    n: int
    asr: float
    asr_interval: tuple[float, float] | None
    constant: float
    hits: int
    exact_interval: tuple[float, float] | None
    published: float | None
    n_published: int
    gain: float
    failed: int

    @property
    def step(self) -> int:
        """The shade, from -3 (far below the constant answer) over 0 (no better) to 3 (everything found)."""
        return int(np.sign(self.gain) * np.ceil(STEPS * min(1.0, abs(self.gain)) - 1e-9))


def cell(runs: "pd.DataFrame") -> Cell:
    """What a group of finished runs says."""
    hits, n, published = int(runs["exact_match"].sum()), len(runs), runs["asr_published"].dropna()
    asr, constant = float(runs["asr"].mean()), float(runs["asr_constant"].mean())
    room = 1 - constant if asr > constant else constant
    enough = n >= FEW
    return Cell(
        n=n,
        asr=asr,
        asr_interval=bootstrap_mean(runs["asr"].to_numpy(float)) if enough else None,
        constant=constant,
        hits=hits,
        exact_interval=wilson(hits, n) if enough else None,
        published=float(published.mean()) if len(published) else None,
        n_published=len(published),
        gain=(asr - constant) / room if room else 0.0,
        failed=int((runs["gate"] == "failed").sum()),
    )


class Matrix(NamedTuple):
    """One data set's cells: `lines` are (unlearner, classes forgotten), `columns` (attack, screening)."""

    dataset: str
    lines: list[tuple[str, str]]
    columns: list[tuple[str, str]]
    cells: dict[tuple[tuple[str, str], tuple[str, str]], Cell]

    def constant(self, line: tuple[str, str]) -> float:
        """The constant answer's ASR over all runs of a line."""
        cells = [one for (of, _), one in self.cells.items() if of == line]
        return sum(one.constant * one.n for one in cells) / sum(one.n for one in cells)


def matrices(runs: "pd.DataFrame") -> list[Matrix]:
    """A matrix per data set; the control last, the paper's order otherwise."""
    found: dict[str, dict[tuple[tuple[str, str], tuple[str, str]], Cell]] = defaultdict(dict)
    for (dataset, attack, screening, unlearner, count), members in group(runs):
        found[dataset][(unlearner, count), (attack, screening)] = cell(members)
    return [
        Matrix(
            dataset,
            sorted({line for line, _ in cells}, key=rank),
            list(dict.fromkeys(column for _, column in cells)),  # `group` has them in order
            cells,
        )
        for dataset, cells in found.items()
    ]


def rank(line: tuple[str, str]) -> tuple[Any, ...]:
    """Sort key of a matrix's line."""
    unlearner, count = line
    return (int(count) == 0, int(count), *by_method(unlearner))


class Summary(NamedTuple):
    """One attack over all unlearners of a data set: hits among models that passed the gate, failed it, and controls."""

    dataset: str
    attack: str
    screening: str
    passed: tuple[int, int]
    failed: tuple[int, int]
    silent: tuple[int, int]
    gain_points: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's interval of the share of hits among models that passed; None below FEW."""
        return wilson(*self.passed) if self.passed[1] >= FEW else None


def summaries(runs: "pd.DataFrame") -> list[Summary]:
    """Every attack and screening, the one that surely finds most first.

    Unlearners and numbers of forgotten classes are pooled here and nowhere else; models that failed the gate are
    counted apart. Defended models, and those that forgot a part of a class, are other models: they are left out.
    """
    known = cases(runs)
    plain = known[(known["method"] == known["unlearner"])]
    plain = plain.assign(gain=100 * (plain["asr"] - plain["asr_constant"]))
    found = []
    for words, members in plain.groupby(["dataset", "attack", "screening"], sort=False):
        gates = dict(list(members.groupby("gate")))
        hits = [gates[gate]["exact_match"] if gate in gates else [] for gate in ("passed", "failed", "control")]
        passed, failed, silent = ((int(sum(of)), len(of)) for of in hits)
        gain = float(gates["passed"]["gain"].mean()) if "passed" in gates else None
        dataset, attack, screening = map(str, words)
        found.append(Summary(dataset, attack, screening, passed, failed, silent, gain))
    return sorted(found, key=lambda line: (line.dataset, -at_least(line.passed), -at_least(line.silent)))


def at_least(counts: tuple[int, int]) -> float:
    """The lower end of the share's interval: 1 of 1 must not come before 19 of 20."""
    return wilson(*counts)[0]
