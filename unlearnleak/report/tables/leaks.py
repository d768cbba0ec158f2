"""The table at the end of a sweep: what leaked, by unlearner, attack and screening."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unlearnleak.analysis.detection import detections
from unlearnleak.analysis.groups import FEW, group
from unlearnleak.analysis.groups import rank as by_method
from unlearnleak.analysis.luck import luck_of
from unlearnleak.analysis.numbers import bounds, percent
from unlearnleak.metric.interval import wilson
from unlearnleak.report.tables.markdown import markdown_table
from unlearnleak.report.tables.terminal import Column, Sheet

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

Run = dict[str, Any]


def mean(runs: "pd.DataFrame", key: str) -> str:
    """Mean of a rate in percent over the runs where it is defined; a dash where it is nowhere."""
    return percent(runs[key].mean() if runs[key].notna().any() else None)


def exact(runs: "pd.DataFrame") -> str:
    """How many verdicts named the forgotten set itself, of how many, with the 95 % Wilson interval of that share."""
    hits, count = int(runs["exact_match"].sum()), len(runs)
    return f"{hits}/{count} {bounds(wilson(hits, count) if count >= FEW else None)}".strip()


def gates(runs: "pd.DataFrame") -> str:
    """How many models passed the gate, of how many; "control" where nothing was to be forgotten."""
    if (runs["gate"] == "control").all():
        return "control"
    return f"{(runs['gate'] == 'passed').sum()}/{len(runs)}"


def against_luck(runs: "pd.DataFrame") -> str:
    """How many models had what they forgot ranked first, how many by luck, and the p value; a dash without scores."""
    found = luck_of(runs)
    return "-" if found is None else f"{found.first}/{found.n} ({found.expected:.1f}; {found.p:.2g})"


COLUMNS: "dict[str, Callable[[pd.DataFrame], str]]" = {
    "ASR": lambda runs: mean(runs, "asr"),
    "const": lambda runs: mean(runs, "asr_constant"),
    "publ.": lambda runs: mean(runs, "asr_published"),
    "exact": exact,
    "rank": lambda runs: mean(runs, "forgotten_ranked_first"),
    "forget": lambda runs: mean(runs, "forget_acc"),
    "retain": lambda runs: mean(runs, "retain_acc"),
    "gate": gates,
}
PIVOTS = COLUMNS | {"placebo": lambda runs: mean(runs, "asr_published_placebo"), "luck": against_luck}
"""What can be shown as a matrix."""
PADDED = 16
"""Letters of the longest label below each other's counts."""
WIDTHS = (5, 5, 5, 16, 5, 6, 6, 7)
LEGEND = (
    "classes: the unlearner and how many were forgotten. ASR: classes judged rightly, blind, in %. const: ASR of the "
    'answer "nothing was forgotten". publ.: as the paper measures it. exact: verdicts that name the forgotten set '
    "itself. rank: runs in which all forgotten classes score highest, in %. forget, retain: test accuracy of the "
    "unlearned model, in %. gate: models that count as unlearned."
)


HEAD = ["data set", "attack", "screening", "unlearner", "classes"]


def table(runs: "pd.DataFrame") -> "pd.DataFrame":
    """A line per group: its five words, then COLUMNS."""
    import pandas as pd  # noqa: PLC0415

    lines = [(*words, *(column(members) for column in COLUMNS.values())) for words, members in group(runs)]
    return pd.DataFrame(lines, columns=[*HEAD, *COLUMNS])


def sheets(runs: "pd.DataFrame") -> list[Sheet]:
    """For the terminal: a table per data set, attack and screening, a line per unlearner."""
    found = table(runs)
    longest = int(found["unlearner"].str.len().max()) if len(found) else 0
    wide = max(4, longest) if longest <= PADDED else 0  # longer ones are broken where the terminal is narrow
    label = found["unlearner"].str.ljust(wide) + " " + found["classes"].str.rjust(4 if wide else 0)
    columns = [Column("classes", 9, words=True, left=True)]
    columns += [Column(name, width) for name, width in zip(COLUMNS, WIDTHS, strict=True)]
    return [
        Sheet(
            title=f"{dataset}: {attack} / {screening}", columns=columns, rows=lines[["label", *COLUMNS]].values.tolist()
        )
        for (dataset, attack, screening), lines in found.assign(label=label).groupby(HEAD[:3], sort=False)
    ]


def markdown(runs: "pd.DataFrame") -> str:
    """For documents."""
    return markdown_table(table(runs))


def pivot(runs: "pd.DataFrame", column: str) -> str:
    """One of PIVOTS as a matrix for documents: a line per unlearner and count, a column per attack and screening."""
    import pandas as pd  # noqa: PLC0415

    cells = [(*words, f"{words[1]} / {words[2]}", PIVOTS[column](members)) for words, members in group(runs)]
    long = pd.DataFrame(cells, columns=[*HEAD, "pair", "cell"])
    wide = long.pivot(index=[HEAD[0], *HEAD[3:]], columns="pair", values="cell")[long["pair"].unique()]
    lines = sorted(wide.index, key=lambda line: (line[0], int(line[2]) == 0, int(line[2]), *by_method(line[1])))
    return markdown_table(wide.reindex(lines).fillna("").reset_index())


def detection_sheets(runs: "pd.DataFrame") -> list[Sheet]:
    """For the terminal: was anything forgotten at all? Of models and controls below FEW nothing is said."""
    found = detections(runs)
    found = found[(found["n"] >= FEW) & (found["n_control"] >= FEW)]
    names = ("AUROC", "95 %", "n", "controls", "orig.")
    columns = [Column("attack / screening", words=True, left=True), Column("classes", words=True, left=True)]
    return [
        Sheet(f"{dataset}: was anything forgotten?", [*columns, *map(Column, names)], map(detected, lines), ditto=True)
        for dataset, of in found.groupby("dataset", sort=False)
        for lines in [of.to_dict("records")]
    ]


def detected(line: dict[str, Any]) -> list[str]:
    """A line's cells."""
    return [
        *(f"{line['attack']} / {line['screening']}", f"{line['label']} {line['count']}"),
        *(percent(line["auroc"]), bounds((line["low"], line["high"])), str(line["n"]), str(line["n_control"])),
        f"{line['originals']}/{line['originals_control']}",
    ]


DETECTION = (
    "AUROC: how surely a run's highest score tells models that forgot something from controls, in %; 50 is chance. n, "
    "controls: models; orig.: of how many original models, by which the interval goes."
)


def counts(runs: list[Run]) -> str:
    """How the runs ended: every one is counted, also those without a result."""
    return ", ".join(f"{count} {status}" for status, count in sorted(Counter(run["status"] for run in runs).items()))
