"""Contact sheets of recovered images: of one run in the page, and of one run per unlearner and attack for papers."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unlearnleak.analysis.groups import group
from unlearnleak.figure.chart import Chart, Panel, frame
from unlearnleak.figure.inverted import data_uri
from unlearnleak.runs.sheet import COLUMNS, read_sheet
from unlearnleak.runs.stored import GoneError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.axes import Axes

Run = Any
"""A run, or a row of the frame of runs."""
IMAGES = 8
"""Forgotten images of a run that are shown."""
WHITE = 255


class Sheet(NamedTuple):
    """A run's contact sheet as a data URI, the images it shows, and all there are, where that is known."""

    address: str
    shown: int
    total: int


def rows_of(run: Run) -> np.ndarray | None:
    """A run's contact sheet as uint8 [P, H, 3 W, C]; None where it has none. Raises GoneError.

    An image's height is known from the run's number of images where it says so; else they are taken for squares.
    """
    picture = read_sheet(Path(run["directory"]))
    if picture is None:
        return None
    picture_HWC = picture[..., None] if picture.ndim == 2 else picture
    height, side = len(picture_HWC), picture_HWC.shape[1] // len(COLUMNS)
    shape = run.get("image_shape")
    each = int(shape[1]) if isinstance(shape, list) and len(shape) == 3 and shape[1] else side
    if height % each:
        raise GoneError(f"the contact sheet in {run['directory']} has {height} lines, which are no images of {each}")
    return picture_HWC.reshape(height // each, each, *picture_HWC.shape[1:])


def sheet_of(run: Run) -> Sheet | None:
    """A run's contact sheet for the page; None where it has none. Raises GoneError."""
    rows_PHWC = rows_of(run)
    if rows_PHWC is None:
        return None
    shown = rows_PHWC[:IMAGES]
    return Sheet(data_uri(np.concatenate(list(shown), axis=0)), len(shown), len(rows_PHWC))


def recovered_chart(runs: "pd.DataFrame") -> Chart:
    """Forgotten images beside recovered ones: of the first run of each unlearner, a panel each."""
    about = Chart(
        stem="recovered_images",
        title="Recovered images",
        caption=f"A panel is one run, a row one forgotten image: {', '.join(COLUMNS)} image of its class. What looks "
        f"less like the first than the third does was not recovered. At most {IMAGES} images of a run.",
    )
    panels, data, why = [], [], "no run has recovered images"
    for (dataset, attack, _, unlearner, count), members in group(runs, "reconstruction_mse"):
        first = members.iloc[0]
        try:
            rows_PHWC = rows_of(first)
        except GoneError as error:
            why = str(error)
            continue
        if rows_PHWC is None:
            why = f"there is no contact sheet in {first['directory']}"
            continue
        panels.append(sheet_panel(f"{dataset}, {attack}", f"{unlearner}, {count}", first, rows_PHWC[:IMAGES]))
        words = {"dataset": dataset, "attack": attack, "unlearner": unlearner, "classes": count}
        data.append(words | {"run": Path(first["directory"]).name, "images": len(rows_PHWC)})
    return replace(about, panels=panels, data=frame(data), missing="" if panels else f"No recovered images: {why}.")


def sheet_panel(title: str, label: str, run: Run, rows_PHWC: np.ndarray) -> Panel:
    """A run's rows as one picture."""
    images, height, across, _ = rows_PHWC.shape
    width = across // len(COLUMNS)

    def draw(axis: "Axes") -> None:
        sheet = np.concatenate(list(rows_PHWC), axis=0)
        pixels = sheet[..., 0] if sheet.shape[-1] == 1 else sheet
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=WHITE, aspect="auto", interpolation="none")
        axis.set_xticks([width * (x + 0.5) for x in range(len(COLUMNS))], ["forgotten", "recovered", "nearest"])
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
        for x in range(1, len(COLUMNS)):
            axis.axvline(width * x - 0.5, color="white", lw=2)
        for y in range(1, images):
            axis.axhline(height * y - 0.5, color="white", lw=2)
        axis.set_xlabel(title)
        axis.set_title(label)

    told = [
        f"{word} {run[f'reconstruction_mse{of}']:.4f}"
        for word, of in (("recovered", ""), ("a retained image", "_placebo"), ("the class mean", "_class_mean"))
        if isinstance(run.get(f"reconstruction_mse{of}"), float)  # a CSV may lack it
    ]
    size = (2.6, 0.9 + 0.75 * images * height / width)
    return Panel(title, f"{label}. Mean squared error: {', '.join(told)}.", draw, size=size, margins=(0.1, 0.5))
