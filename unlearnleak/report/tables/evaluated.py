"""The tables of what `evaluation=` measured."""

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from unlearnleak.analysis.destinations import RETRAINED, SHARES, parts, told
from unlearnleak.analysis.evaluated import BESIDE, Measured, measured, numbers
from unlearnleak.figure.chart import frame
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.report.tables.table import Table
from unlearnleak.report.tables.terminal import Column, Sheet

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

HEAD = ("unlearner", "classes")
MEMBERSHIP = {
    "AUC": "auc",
    "TPR 1/100": "tpr_at_1_in_100",
    "TPR 1/1000": "tpr_at_1_in_1000",
    "forgotten": "n_forgotten",
    "held out": "n_held_out",
}
SHOWN: dict[str, dict[str, str]] = {
    "distance": {
        "JS": "js_forget_test",
        "TV": "tv_forget_test",
        "goes to": SHARES,
        "CKA": "cka_forget_test",
        "JS retained": "js_retain_test",
        "probe": "probe_forget",
        "relearn": "relearn_steps",
        "seconds": "seconds",
    },
    "loss_threshold": MEMBERSHIP,
    "u_lira": MEMBERSHIP,
    "ruli": MEMBERSHIP | {"efficacy": "efficacy_auc"},
}
"""The columns of an evaluation; of one that is not named here, its first numbers."""
MOST = 7
COARSE = ("steps", "seconds")
TELLING = (
    "AUC: how well forgotten samples are told from held-out ones of the same classes, 0.5 is chance; in brackets the "
    "mean ends of each model's own 95 % interval over samples; TPR: forgotten ones that are found where 1 in 100, or "
    "1000, of the held-out ones is taken for one; - where there are too few of these to say; forgotten, held out: how "
    "many samples."
)
LEGENDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("loss_threshold", "u_lira"), (TELLING,)),
    "ruli": (
        TELLING,
        "efficacy: AUC of forgotten samples, answered by the unlearned model, against held-out ones, answered by the "
        "model before; 0.5 where forgotten ones look as if never seen.",
    ),
    "distance": (
        "JS: Jensen-Shannon divergence (nats) of the answers to the forgotten classes' test images from those "
        "of retrained models; TV: total variation distance of where the images go; goes to: how many percent of them "
        "are taken for the three retained classes that retrained models say most often, in that order; CKA: likeness "
        "of features, 1 is alike; JS retained: on the retained classes; probe: accuracy of a linear probe there; "
        "relearn: steps until the forget set is known again; seconds: of unlearning. In parentheses the same of two "
        "retrained models: a distance means something beside that alone. -: not defined for every model, as where one "
        "was not relearned.",
    ),
}
"""What the columns of an evaluation mean, in parts, of which several may have the same."""
Lines = list[Measured]


def columns(of: Lines) -> dict[str, str]:
    """The columns of lines of one evaluation: what they are called, and the number's name."""
    return SHOWN.get(of[0].evaluation) or {name: name for name in numbers(of)[:MOST]}


def cells(one: Measured, shown: dict[str, str]) -> list[str]:
    """A line's cells: how many models, and what they have of each column."""
    return [str(len(one.runs)), *(destinations(one) if name == SHARES else mean(one, name) for name in shown.values())]


def mean(one: Measured, name: str) -> str:
    """A number's mean over the models, with the ends of its interval or with the number between retrained ones."""
    beside, ends = f"{BESIDE[0]}{name}", [one.mean(f"{name}{end}") for end in ("_low", "_high")]
    more = f" ({text(one.mean(beside), name)})" if one.has(beside) else ""
    if None not in ends:
        more = f" [{', '.join(text(end) for end in ends)}]"
    return f"{text(one.mean(name), name)}{more}"


def destinations(one: Measured) -> str:
    """Which percentages of the forgotten classes' images go to retraining's first, second and third class."""
    if not told(one) or one.classes == "0":
        return "-"
    models = [parts([one]), parts([one], RETRAINED)]
    if any(len(of) < len(one.runs) for of in models):
        return "-"
    own, retrained = ("/".join(f"{100 * share:.0f}" for share in of.mean(0)[1:4]) for of in models)
    return f"{own} ({retrained})"


def text(value: float | None, name: str = "") -> str:
    """A number; a dash where it is not defined for every model. Counts have no decimals where they are whole.

    Numbers of one column are read against each other, so steps and seconds have one decimal whatever their size.
    """
    if value is None:
        return "-"
    if name.endswith(COARSE):
        return f"{value:.1f}"
    if value == round(value) and abs(value) != 1:
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"


def apart(found: Lines) -> list[tuple[str, str, Lines]]:
    """The lines by evaluation and data set."""

    def words(one: Measured) -> tuple[str, str]:
        return one.evaluation, one.dataset

    return [(*key, list(of)) for key, of in groupby(sorted(found, key=words), key=words)]


def by_evaluation(found: Lines) -> list[tuple[str, Lines]]:
    """The lines by evaluation, of all data sets."""
    return [(name, [one for one in found if one.evaluation == name]) for name in sorted({o.evaluation for o in found})]


class Section(NamedTuple):
    """The table of one evaluation on one data set: each line with its cells."""

    name: str
    dataset: str
    legend: tuple[str, ...]
    columns: list[str]
    lines: list[tuple[Measured, list[str]]]


def sections(found: Lines) -> list[Section]:
    """A table per evaluation and data set."""
    return [
        Section(
            name, dataset, LEGENDS.get(name, ()), ["n", *columns(of)], [(one, cells(one, columns(of))) for one in of]
        )
        for name, dataset, of in apart(found)
    ]


def sheets(runs: "pd.DataFrame") -> list[Sheet]:
    """For the terminal: a table per evaluation and data set."""
    return [
        Sheet(
            title=f"{one.dataset}: evaluation={one.name}",
            columns=[
                *(Column(word, words=True, left=word == "unlearner") for word in HEAD),
                *(Column(word) for word in one.columns),
            ],
            rows=[[line.unlearner, line.classes, *told] for line, told in one.lines],
        )
        for one in sections(measured(runs))
    ]


def legends(runs: "pd.DataFrame") -> list[str]:
    """What the columns mean, of each evaluation."""
    return list(dict.fromkeys(part for one in sections(measured(runs)) for part in one.legend))


def markdown(runs: "pd.DataFrame") -> str:
    """For documents: a table per evaluation."""
    parts = []
    for name, lines in by_evaluation(measured(runs)):
        body = [[one.dataset, one.unlearner, one.classes, *cells(one, columns(lines))] for one in lines]
        parts.append(f"`evaluation={name}`\n\n" + markdown_lines(["data set", *HEAD, "n", *columns(lines)], body))
    return "\n\n".join(parts)


def evaluation_tables(found: Lines) -> list[Table]:
    """For the report's files: what is shown, and every number of every model behind it."""
    tables = []
    for name, lines in by_evaluation(found):
        shown = columns(lines)
        rows = [
            {"data set": one.dataset, "unlearner": one.unlearner, "classes": one.classes}
            | dict(zip(("n", *shown), cells(one, shown), strict=True))
            for one in lines
        ]
        caption = " ".join([f"evaluation={name}.", *LEGENDS.get(name, ())])
        tables.append(Table(f"evaluation_{name}", caption, frame(rows), every(lines)))
    return tables


def every(lines: Lines) -> "pd.DataFrame":
    """A row per model with all of its numbers."""
    import pandas as pd  # noqa: PLC0415  (half a second)

    parts = []
    for one in lines:
        told = [name for name in one.runs if str(name).startswith("evaluation.")]
        named = one.runs[told].rename(columns=lambda name: str(name).removeprefix("evaluation."))
        head = {"dataset": one.dataset, "unlearner": one.unlearner, "classes": one.classes}
        parts.append(named.drop(columns="name").assign(**head)[[*head, *(n for n in named if n != "name")]])
    return pd.concat(parts, ignore_index=True)
