"""Training curves of models."""

from typing import TYPE_CHECKING, Any

from unlearnleak.figure.chart import BLUE, ORANGE, Panel
from unlearnleak.runs.stored import GoneError, Stores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Run = dict[str, Any]


def curve_panel(run: Run, stores: Stores, stage: str) -> Panel | None:
    """A model's training curve; None where it was not trained. Raises GoneError."""
    curve = stores.meta(run, stage).get("curve") or []
    if not curve:
        return None
    if not is_curve(curve):
        raise GoneError(f"what {stage}/{run[f'key_{stage}']} has for a curve is none")
    last_epoch = curve[-1]["epoch"]
    title = {"original": "original model", "unlearned": f"unlearning, {run['unlearner']}"}.get(stage, stage)
    series = [(key, label, colour) for key, label, colour in CURVES if key in curve[-1]]

    def draw(axis: "Axes") -> None:
        for (key, label, colour), dash in zip(series, ("-", "--"), strict=False):
            points = [(row["epoch"], 100 * row[key]) for row in curve if key in row]  # short epochs end without a test
            epochs, values = zip(*points, strict=True)
            axis.plot(epochs, values, dash, color=colour, label=label, marker="." if len(epochs) < 3 else None)
        axis.set_ylim(0, 103)
        axis.grid(axis="y")
        axis.set_xlabel("epoch")
        axis.locator_params(axis="x", nbins=8, integer=True)
        axis.set_ylabel("accuracy in %")
        axis.set_title(title)
        if series:
            axis.legend(loc="lower right", fontsize=8)

    last = "; ".join(f"{label} {100 * curve[-1][key]:.1f} % after {last_epoch} epochs" for key, label, _ in series)
    return Panel(title, last, draw)


def is_curve(rows: Any) -> bool:
    """Whether these are rows of numbers, each with its epoch."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "epoch" in row for row in rows):
        return False
    names = ("epoch", *(key for key, _, _ in CURVES))
    return all(isinstance(row[name], int | float) for row in rows for name in names if name in row)


CURVES = (("train_acc", "training images", BLUE), ("test_acc", "test images", ORANGE))
