"""How close recovered images come to the forgotten ones, beside what nobody would have to recover."""

from typing import TYPE_CHECKING, NamedTuple

from unlearnleak.analysis.groups import group

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

MEASURES = {"mse": "MSE", "psnr": "PSNR", "ssim": "SSIM"}
BESIDE = {"": "", "_placebo": "retained", "_class_mean": "mean"}
"""What stands beside a number, and its word: that of a random retained image of the class, and of the class's mean."""


class Recovery(NamedTuple):
    """Runs that differ in nothing but seeds and classes.

    images: how many were forgotten, "1" or "6-7" where that differs.
    original: the original model's mean accuracy on retained classes: how well it was trained.
    numbers: the mean of `reconstruction_mse` and its like over the runs, by what follows `reconstruction_`; None where
        it is not defined.
    closer: runs whose mean squared error is below the retained image's and the class mean's.
    labels: the mean share of images that were searched for with the right label.
    """

    dataset: str
    attack: str
    unlearner: str
    classes: str
    images: str
    n: int
    original: float | None
    numbers: dict[str, float | None]
    closer: int
    labels: float | None


def recoveries(runs: "pd.DataFrame") -> list[Recovery]:
    """A line for each group of runs that recovered images, in the reports' order."""
    found = []
    for (dataset, attack, _, unlearner, count), members in group(runs, "reconstruction_mse"):
        numbers = {
            f"{measure}{beside}": mean(members, f"reconstruction_{measure}{beside}")
            for measure in MEASURES
            for beside in BESIDE
        }
        error = members["reconstruction_mse"]
        closer = (error < members["reconstruction_mse_placebo"]) & (error < members["reconstruction_mse_class_mean"])
        found.append(
            Recovery(
                dataset=dataset,
                attack=attack,
                unlearner=unlearner,
                classes=count,
                images=span(members),
                n=len(members),
                original=mean(members, "original_retain_acc"),
                numbers=numbers,
                closer=int(closer.fillna(False).sum()),
                labels=mean(members, "reconstruction_labels"),
            )
        )
    return found


def mean(runs: "pd.DataFrame", name: str) -> float | None:
    """The mean of a column where it is defined; None where it is nowhere."""
    values = runs[name].dropna()
    return float(values.mean()) if len(values) else None


def span(runs: "pd.DataFrame") -> str:
    """How many images were forgotten in each of the runs."""
    counts = runs["forget_samples"].dropna() if "forget_samples" in runs else []
    if not len(counts):
        return "-"
    low, high = int(min(counts)), int(max(counts))
    return str(low) if low == high else f"{low}-{high}"
