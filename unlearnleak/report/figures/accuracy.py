"""What unlearning did to the model: accuracy on the forgotten against the retained classes."""

from typing import TYPE_CHECKING, Any

from unlearnleak.report.figures.chart import BLUE, GREY, INK, ORANGE, Chart, Mark, Panel
from unlearnleak.report.groups import distinct, forgotten_count
from unlearnleak.report.names import UNLEARNERS, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Run = dict[str, Any]
SHAPES = dict(zip(UNLEARNERS, "osD^vP", strict=True))
WORDS = ("dataset", "model", "unlearner", "asked", "seed")
NUMBERS = ("forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc", "gate", "key_unlearned")


def models(runs: list[Run]) -> list[Run]:
    """One run per unlearned model: many attacks look at the same one. The control counts per set of named classes.

    Where no key names the model, runs of the same words, seeds and accuracies have looked at the same one.
    """
    found: dict[Any, Run] = {}
    for run in distinct(runs):
        named = tuple(run.get("forget_classes") or run["forgotten"])
        words = repr([run.get(key) for key in ("dataset", "model", "unlearner", "settings", "seeds", *NUMBERS[:4])])
        found.setdefault((run.get("key_unlearned", words), named, run["gate"]), run)
    return list(found.values())


def accuracy_chart(runs: list[Run]) -> Chart:
    """Forget against retain accuracy, test data: a panel per data set, a mark per unlearned model."""
    shown = [run for run in models(runs) if run.get("forget_acc") is not None and run.get("retain_acc") is not None]
    title = "Did the model forget, and what did it cost?"
    if not shown:
        return Chart("forget_retain", title, "", missing="No finished run has accuracies.")
    rows = [
        {key: run.get(key) for key in (*WORDS, *NUMBERS)} | {"forgotten_count": forgotten_count(run)} for run in shown
    ]
    panels = [panel(dataset, [run for run in shown if run["dataset"] == dataset]) for dataset in datasets(shown)]
    words = sorted({run["unlearner"] for run in shown}, key=lambda word: place(word, UNLEARNERS))
    key = tuple(Mark(word, GREY if word == "none" else BLUE, SHAPES.get(word, "X")) for word in words)
    caption = "A mark is an unlearned model (test accuracy in %). Well unlearned is top left: nothing left of the "
    caption += "forgotten classes, everything of the others."
    gate = Mark("failed the gate", ORANGE, "s", hollow=True)
    return Chart("forget_retain", title, caption, panels=panels, key=(*key, gate), data=rows)


def datasets(runs: list[Run]) -> list[str]:
    """The data sets in the order in which the runs have them."""
    return list(dict.fromkeys(run["dataset"] for run in runs))


def panel(dataset: str, runs: list[Run]) -> Panel:
    """One data set's models."""

    def draw(axis: "Axes") -> None:
        for word in dict.fromkeys(run["unlearner"] for run in runs):
            look = {"color": GREY if word == "none" else BLUE, "alpha": 0.75, "ms": 6, "mew": 0}
            marks(axis, [run for run in runs if run["unlearner"] == word], marker=SHAPES.get(word, "X"), **look)
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
    for word in sorted({run["unlearner"] for run in runs}, key=lambda word: place(word, UNLEARNERS)):
        of = [run for run in runs if run["unlearner"] == word]
        forget, retain = (100 * sum(run[key] for run in of) / len(of) for key in ("forget_acc", "retain_acc"))
        failed = sum(run["gate"] == "failed" for run in of)
        parts.append(f"{word}: forget {forget:.1f} %, retain {retain:.1f} %, n {len(of)}, {failed} failed the gate")
    return "; ".join(parts)
