"""What unlearning did to the model: accuracy on the forgotten against the retained classes."""

from typing import TYPE_CHECKING, Any

from unlearnleak.analysis.groups import models, rank
from unlearnleak.analysis.names import UNLEARNERS
from unlearnleak.figure.chart import GREY, INK, ORANGE, Chart, Mark, Panel
from unlearnleak.figure.looks import Look, looks

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.axes import Axes

WORDS = ("dataset", "model", "unlearner", "defense", "forget_level", "forget_share", "asked", "seed")
LATER = ("defense", "forget_level", "forget_share")
"""Words that older results lack."""
NUMBERS = ("forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc", "gate", "key_unlearned")


def accuracy_chart(runs: "pd.DataFrame") -> Chart:
    """Forget against retain accuracy, test data: a panel per data set, a mark per unlearned model."""
    shown = models(runs).dropna(subset=["forget_acc", "retain_acc"])
    title = "Did the model forget, and what did it cost?"
    if shown.empty:
        return Chart("forget_retain", title, "", missing="No finished run has accuracies.")
    words = [key for key in WORDS if key not in LATER or (key in shown and shown[key].notna().any())]
    rows = shown.reindex(columns=[*words, *NUMBERS]).assign(forgotten_count=shown["count"])
    known = method_looks(shown)
    panels = [panel(str(dataset), of, known) for dataset, of in shown.groupby("dataset", sort=False)]
    key = tuple(Mark(word, *look) for word, look in known.items())
    caption = "A mark is an unlearned model (test accuracy in %). Well unlearned is top left: nothing left of the "
    caption += "forgotten classes, everything of the others."
    gate = Mark("failed the gate", ORANGE, "s", hollow=True)
    return Chart("forget_retain", title, caption, panels=panels, key=(*key, gate), data=rows)


def method_looks(runs: "pd.DataFrame") -> dict[str, Look]:
    """Colour and marker of each method (`runs.words.method`), in order; grey where nothing is forgotten."""
    return {
        word: (GREY, marker) if word.partition(" ")[0] == "none" else (colour, marker)
        for word, (colour, marker) in looks(set(runs["method"]), UNLEARNERS).items()
    }


def panel(dataset: str, runs: "pd.DataFrame", looks: dict[str, Look]) -> Panel:
    """One data set's models."""

    def draw(axis: "Axes") -> None:
        for word, of in runs.groupby("method", sort=False):
            colour, marker = looks[str(word)]
            marks(axis, of, color=colour, marker=marker, alpha=0.75, ms=6, mew=0)
        marks(axis, runs[runs["gate"] == "failed"], marker="s", mfc="none", mec=ORANGE, mew=1.4, ms=11)
        bottom = max(0.0, 10 * (100 * float(runs["retain_acc"].min()) // 10) - 5)
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


def marks(axis: "Axes", runs: "pd.DataFrame", **look: Any) -> None:
    """All marks of one look in one call: a thousand calls take seconds."""
    if runs.empty:
        return  # matplotlib's layout takes an unclipped series of nothing for a mark at (0, 0), far outside the axes
    x, y = (100 * runs[key].to_numpy(float) for key in ("forget_acc", "retain_acc"))
    axis.plot(x, y, ls="", clip_on=False, **look)


def spoken(runs: "pd.DataFrame") -> str:
    """Means per unlearner in words."""
    parts = []
    for word, of in sorted(runs.groupby("method"), key=lambda pair: rank(str(pair[0]))):
        forget, retain = (100 * of[key].mean() for key in ("forget_acc", "retain_acc"))
        failed = (of["gate"] == "failed").sum()
        parts.append(f"{word}: forget {forget:.1f} %, retain {retain:.1f} %, n {len(of)}, {failed} failed the gate")
    return "; ".join(parts)
