"""What unlearning did to the model: accuracy on the forgotten against the retained classes."""

from typing import TYPE_CHECKING, Any

from unlearnleak.analysis.groups import forgotten_count, method, models, rank
from unlearnleak.analysis.names import UNLEARNERS
from unlearnleak.figure.chart import GREY, INK, ORANGE, Chart, Mark, Panel
from unlearnleak.figure.looks import Look, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Run = dict[str, Any]
WORDS = ("dataset", "model", "unlearner", "defense", "forget_level", "forget_share", "asked", "seed")
LATER = ("defense", "forget_level", "forget_share")
"""Words that older results lack."""
NUMBERS = ("forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc", "gate", "key_unlearned")


def accuracy_chart(runs: list[Run]) -> Chart:
    """Forget against retain accuracy, test data: a panel per data set, a mark per unlearned model."""
    shown = [run for run in models(runs) if run.get("forget_acc") is not None and run.get("retain_acc") is not None]
    title = "Did the model forget, and what did it cost?"
    if not shown:
        return Chart("forget_retain", title, "", missing="No finished run has accuracies.")
    words = [key for key in WORDS if key not in LATER or any(key in run for run in shown)]
    rows = [
        {key: run.get(key) for key in (*words, *NUMBERS)} | {"forgotten_count": forgotten_count(run)} for run in shown
    ]
    known = method_looks(shown)
    panels = [panel(dataset, [run for run in shown if run["dataset"] == dataset], known) for dataset in datasets(shown)]
    key = tuple(Mark(word, *look) for word, look in known.items())
    caption = "A mark is an unlearned model (test accuracy in %). Well unlearned is top left: nothing left of the "
    caption += "forgotten classes, everything of the others."
    gate = Mark("failed the gate", ORANGE, "s", hollow=True)
    return Chart("forget_retain", title, caption, panels=panels, key=(*key, gate), data=rows)


def datasets(runs: list[Run]) -> list[str]:
    """The data sets in the order in which the runs have them."""
    return list(dict.fromkeys(run["dataset"] for run in runs))


def method_looks(runs: list[Run]) -> dict[str, Look]:
    """Colour and marker of each method (`groups.method`), in order; grey where nothing is forgotten."""
    return {
        word: (GREY, marker) if word.partition(" ")[0] == "none" else (colour, marker)
        for word, (colour, marker) in looks({method(run) for run in runs}, UNLEARNERS).items()
    }


def panel(dataset: str, runs: list[Run], looks: dict[str, Look]) -> Panel:
    """One data set's models."""

    def draw(axis: "Axes") -> None:
        for word in dict.fromkeys(map(method, runs)):
            colour, marker = looks[word]
            look = {"color": colour, "marker": marker, "alpha": 0.75, "ms": 6, "mew": 0}
            marks(axis, [run for run in runs if method(run) == word], **look)
        failed = [run for run in runs if run["gate"] == "failed"]
        marks(axis, failed, marker="s", mfc="none", mec=ORANGE, mew=1.4, ms=11)
        lowest = min(100 * run["retain_acc"] for run in runs)
        bottom = max(0.0, 10 * (lowest // 10) - 5)
        axis.set_ylim(bottom, 101)
        axis.set_xlim(-3, 103)
        axis.grid()
        axis.set_xlabel("accuracy on the forgotten classes in %")
        axis.locator_params(axis="y", nbins=6, integer=True)
        axis.set_ylabel("retained classes in %")
        if bottom:
            axis.annotate("the scale does not start at 0", (1, 0.02), xycoords="axes fraction", ha="right", color=INK)
        axis.set_title(f"{dataset}, n {len(runs)} models")

    return Panel(f"{dataset}: accuracy after unlearning", spoken(runs), draw)


def marks(axis: "Axes", runs: list[Run], **look: Any) -> None:
    """All marks of one look in one call: a thousand calls take seconds."""
    if not runs:
        return  # matplotlib's layout takes an unclipped series of nothing for a mark at (0, 0), far outside the axes
    x, y = ([100 * run[key] for run in runs] for key in ("forget_acc", "retain_acc"))
    axis.plot(x, y, ls="", clip_on=False, **look)


def spoken(runs: list[Run]) -> str:
    """Means per unlearner in words."""
    parts = []
    for word in sorted(set(map(method, runs)), key=rank):
        of = [run for run in runs if method(run) == word]
        forget, retain = (100 * sum(run[key] for run in of) / len(of) for key in ("forget_acc", "retain_acc"))
        failed = sum(run["gate"] == "failed" for run in of)
        parts.append(f"{word}: forget {forget:.1f} %, retain {retain:.1f} %, n {len(of)}, {failed} failed the gate")
    return "; ".join(parts)
