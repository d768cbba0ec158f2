"""What the page says first, in sentences, and what it warns of."""

from typing import TYPE_CHECKING, NamedTuple

from unlearnleak.analysis.committed import fooled
from unlearnleak.analysis.groups import FEW
from unlearnleak.analysis.matrix import Summary
from unlearnleak.analysis.names import BASELINES
from unlearnleak.runs.rows import lost
from unlearnleak.runs.words import unproven

if TYPE_CHECKING:
    from unlearnleak.analysis.recovered import Recovery
    from unlearnleak.report.gathered import Report


class Finding(NamedTuple):
    """The best attack of a data set, and the best baseline where one was run."""

    dataset: str
    best: Summary
    baseline: Summary | None


def findings(summaries: list[Summary]) -> list[Finding]:
    """One per data set: the attack that surely finds most (`matrix.summaries`), and the best baseline."""
    found = []
    for dataset in dict.fromkeys(one.dataset for one in summaries):
        attacks = [one for one in summaries if one.dataset == dataset and one.passed[1] and one.attack not in BASELINES]
        baselines = [one for one in summaries if one.dataset == dataset and one.passed[1] and one.attack in BASELINES]
        if attacks:
            found.append(Finding(dataset, attacks[0], baselines[0] if baselines else None))
    return found


class Recoverer(NamedTuple):
    """An attack that recovers images: runs in which they come closer than nobody would have to recover, of all."""

    dataset: str
    attack: str
    counts: tuple[int, int]


def recoverers(recoveries: "list[Recovery]") -> list[Recoverer]:
    """One per data set and attack, over all unlearners."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for one in recoveries:
        closer, n = counts.get((one.dataset, one.attack), (0, 0))
        counts[one.dataset, one.attack] = closer + one.closer, n + one.n
    return [Recoverer(*words, of) for words, of in counts.items()]


def warnings(report: "Report") -> list[str]:
    """What a reader must know before believing any number here."""
    said = [*lost(report.runs), *unproven(report.runs)]
    cells = [cell for matrix in report.matrices for cell in matrix.cells.values()]
    small = sum(cell.n < FEW for cell in cells)
    if small:
        said.append(
            f"{small} of {len(cells)} cells hold fewer than {FEW} runs: examples, not rates, and without an interval."
        )
    if cells and not any(one.silent[1] for one in report.summaries):
        said.append(
            "There is no control among these runs. An attack that always raises an alarm looks good here; "
            "unlearner=none shows it."
        )
    if sentence := fooled((one.attack, one.screening) for one in report.summaries):
        said.append(sentence)
    failed = sum(cell.failed for cell in cells)
    if failed:
        said.append(
            f"{failed} runs attacked a model that failed the gate. They are marked, and left out of the count above."
        )
    unfinished = sum(run["status"] in ("running", "waiting") for run in report.runs)
    if unfinished:
        said.append(f"{unfinished} runs are not finished: this is a look at a sweep that goes on.")
    return said
