"""How far models are from retraining, beside the distance that two retrained models have from each other."""

from typing import TYPE_CHECKING, Any

from unlearnleak.analysis.evaluated import Measured
from unlearnleak.figure.bars import classes, tick
from unlearnleak.figure.chart import BLUE, GREY, INK, ORANGE, TEAL, Chart, Mark, Panel, frame, wide_enough

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = {
    "js_forget_test": "JS divergence of answers, nats",
    "tv_forget_test": "TV distance of shares",
    "cka_forget_test": "CKA of features (1: alike)",
    "relearn_steps": "steps to relearn",
}
"""What is drawn, and the word at its axis."""
STEM, TITLE = "distance_to_retraining", "Distance to retraining"
CAPTION = (
    "Of the forgotten classes' test images (steps: on the forget set). A mark is one model, a line the mean. The band "
    "is what two retrained models have between them: who lies in it is as near as retraining itself. Dashes: the model "
    "before unlearning."
)
KEY = (
    Mark("model (line: mean)", BLUE, "o"),
    Mark("control: nothing was forgotten", ORANGE, "o"),
    Mark("two retrained models", TEAL, "bar"),
    Mark("the original model", GREY, "dashes"),
)
SPREAD = 0.22
"""How far marks of one unlearner stand beside each other."""


def distance_chart(found: list[Measured]) -> Chart | None:
    """A panel per data set, number of classes and measure; None where no distance was measured."""
    found = [one for one in found if one.evaluation == "distance"]
    if not found:
        return None
    panels, rows = [], []
    for dataset in dict.fromkeys(one.dataset for one in found):
        here = [one for one in found if one.dataset == dataset]
        controls = [one for one in here if one.classes == "0"]
        for count in dict.fromkeys(one.classes for one in here if one.classes != "0") or ["0"]:
            lines = [one for one in here if one.classes == count and count != "0"] + controls
            for name, label in MEASURES.items():
                panels.append(panel(f"{dataset}, {classes(count)}", name, label, lines))
                rows += [row(one, name) for one in lines]
    return Chart(STEM, TITLE, CAPTION, panels=panels, key=KEY, data=frame(rows))


def row(one: Measured, name: str) -> dict[str, Any]:
    """A line as a row of the data behind the figure."""
    words: dict[str, Any] = {
        "dataset": one.dataset,
        "unlearner": one.unlearner,
        "classes": one.classes,
        "measure": name,
    }
    pair = one.values(f"retrained_{name}")
    band = {"retrained_low": min(pair, default=None), "retrained_high": max(pair, default=None)}
    told = {"n": len(one.runs), "mean": one.mean(name), "retrained": one.mean(f"retrained_{name}")} | band
    return words | told | {"original": one.mean(f"original_{name}")}


def panel(title: str, name: str, label: str, lines: list[Measured]) -> Panel:
    """One measure: a column per unlearner."""
    pairs, before = (each(lines, f"{which}_{name}") for which in ("retrained", "original"))

    def draw(axis: "Axes") -> None:
        if pairs:
            axis.axhspan(min(pairs), max(pairs), color=TEAL, alpha=0.18, lw=0)
            axis.axhline(sum(pairs) / len(pairs), color=TEAL, lw=1.2)
        if before:
            axis.axhline(sum(before) / len(before), color=GREY, lw=1.2, ls="--")
        for place, one in enumerate(lines):
            values, colour = one.values(name), ORANGE if one.classes == "0" else BLUE
            wide = SPREAD * min(1.0, len(values) / 4)
            x = [place + wide * (2 * i / max(1, len(values) - 1) - 1) for i in range(len(values))]
            axis.plot(x, values, "o", ms=4.2, mfc="none", mec=colour, mew=1.1, clip_on=False)
            if values:
                axis.hlines(sum(values) / len(values), place - 0.3, place + 0.3, colors=INK, lw=1.6)
        axis.set_xticks(range(len(lines)), [f"{tick(one.unlearner)}\nn {counted(one, name)}" for one in lines])
        axis.set_xlim(-0.5, max(len(lines), 4) - 0.4)
        axis.set_ylim(bottom=0)
        axis.set_ylabel(label)
        axis.grid(axis="y")
        axis.spines["left"].set_visible(False)
        axis.set_title(title)

    told = [f"{one.unlearner}: {spoken(one.values(name))} (n {counted(one, name)})" for one in lines]
    told += [f"two retrained models: {spoken(pairs)}"] if pairs else []
    told += [f"the original: {spoken(before)}"] if before else []
    height = max((tick(one.unlearner).count("\n") for one in lines), default=0)
    size = wide_enough([tick(one.unlearner) for one in lines])
    return Panel(title, f"{label}. {'; '.join(told)}", draw, size=size, margins=(0.62, 0.5 + 0.14 * height))


def each(lines: list[Measured], name: str) -> list[float]:
    """A number that all unlearners of an original's forgotten set have in common: once, however many these are."""
    column = f"evaluation.{name}"
    there = [one.runs[["original", column]].dropna() for one in lines if column in one.runs]
    told = {(str(original), float(value)) for of in there for original, value in of.itertuples(index=False)}
    return [value for _, value in sorted(told)]


def counted(one: Measured, name: str) -> str:
    """How many models the number is defined for, of how many."""
    known, count = len(one.values(name)), len(one.runs)
    return str(count) if known == count else f"{known}/{count}"


def spoken(values: list[float]) -> str:
    """A mean in words."""
    return f"{sum(values) / len(values):.3g}" if values else "not defined"
