"""The table of recovered images: how close they come, beside a retained image and the class mean."""

from typing import TYPE_CHECKING

from unlearnleak.analysis.numbers import of, percent
from unlearnleak.analysis.recovered import BESIDE, MEASURES, Recovery, recoveries
from unlearnleak.figure.chart import frame
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.report.tables.table import Table
from unlearnleak.report.tables.terminal import Column, Sheet

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

LEGEND = (
    "images: how many were forgotten. MSE, PSNR (dB), SSIM: recovered images against the forgotten ones, the mean over "
    "runs. retained, mean: the same of a random retained image of the class, and of the class mean. closer: runs whose "
    "MSE is below both. labels: images searched for with the right label, orig.: the original's accuracy, in %."
)
DIGITS = {"mse": 4, "psnr": 1, "ssim": 2}
HEAD = ("unlearner", "classes", "images")
COLUMNS = (
    "n",
    "closer",
    *(
        name
        for measure in MEASURES.values()
        for name in (measure, *(f"{measure} {word}" for word in BESIDE.values() if word))
    ),
    "labels",
    "orig.",
)


def cells(one: Recovery) -> list[str]:
    """The cells of COLUMNS."""
    told = [shown(one.numbers[f"{measure}{beside}"], DIGITS[measure]) for measure in MEASURES for beside in BESIDE]
    return [str(one.n), of((one.closer, one.n)), *told, percent(one.labels), percent(one.original)]


def shown(value: float | None, digits: int) -> str:
    """A number; a dash where it is not defined."""
    return "-" if value is None else f"{value:.{digits}f}"


def recovered_table(found: list[Recovery]) -> Table:
    """For the report's files."""
    head = [
        {"data set": one.dataset, "attack": one.attack, "unlearner": one.unlearner}
        | {"classes": one.classes, "images": one.images}
        for one in found
    ]
    lines = [told | dict(zip(COLUMNS, cells(one), strict=True)) for told, one in zip(head, found, strict=True)]
    data = [
        {"dataset": one.dataset, "attack": one.attack, "unlearner": one.unlearner, "classes": one.classes}
        | {
            "images": one.images,
            "n": one.n,
            "closer": one.closer,
            "original_retain_acc": one.original,
            "reconstruction_labels": one.labels,
        }
        | {f"reconstruction_{name}": value for name, value in one.numbers.items()}
        for one in found
    ]
    return Table("recovered", f"Recovered images. {LEGEND}", frame(lines), frame(data))


def sheets(runs: "pd.DataFrame") -> list[Sheet]:
    """For the terminal: a table per data set and attack."""
    found = recoveries(runs)
    columns = [Column(name, words=True, left=name == "unlearner") for name in HEAD]
    columns += [Column(name) for name in COLUMNS]
    return [
        Sheet(
            title=f"{dataset}: {attack}",
            columns=columns,
            rows=[
                [one.unlearner, one.classes, one.images, *cells(one)]
                for one in found
                if (one.dataset, one.attack) == (dataset, attack)
            ],
        )
        for dataset, attack in dict.fromkeys((one.dataset, one.attack) for one in found)
    ]


def markdown(runs: "pd.DataFrame") -> str:
    """For documents."""
    body = [[one.dataset, one.attack, one.unlearner, one.classes, one.images, *cells(one)] for one in recoveries(runs)]
    return markdown_lines(["data set", "attack", *HEAD, *COLUMNS], body)
