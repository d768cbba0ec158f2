"""Pictures from the store: inverted images, one by one and as a sheet (after the paper's Figure 3), and curves."""

import base64
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unlearnleak.analysis.groups import group
from unlearnleak.analysis.numbers import classes as classes_text
from unlearnleak.figure.chart import FORGOTTEN, ORANGE, Chart, Mark, Panel, frame
from unlearnleak.figure.evidence import PREDICTION, attacks_of
from unlearnleak.runs.stored import GoneError, Stores

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.axes import Axes

Run = Any
"""A run, or a row of the frame of runs."""
ROWS, COLUMNS = 12, 10
"""Runs and classes on a sheet."""


class Thumbnail(NamedTuple):
    """One inverted image as a data URI, and whose it is."""

    address: str
    number: int
    forgotten: bool


def inverted(run: Run, stores: Stores) -> np.ndarray | None:
    """The run's inverted images [K, H, W, C] as uint8; None where its attack makes none. Raises GoneError."""
    images_KCHW = stores.arrays(run, "evidence").get("images_KCHW")
    if images_KCHW is None:
        return None
    if images_KCHW.ndim != 4 or images_KCHW.shape[1] not in (1, 3) or 0 in images_KCHW.shape:
        raise GoneError(f"images_KCHW of evidence/{run['key_evidence']} is {list(images_KCHW.shape)}: no images")
    if isinstance(left_out := run.get("not_judged"), list):
        for c in sorted(left_out):  # of which there is no image
            images_KCHW = np.insert(images_KCHW, min(c, len(images_KCHW)), 0, axis=0)
    return (images_KCHW.clip(0, 1) * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)


def thumbnails(run: Run, stores: Stores, most: int) -> list[Thumbnail]:
    """The contact sheet of a run, class by class; of many classes `most`, forgotten ones first. Raises GoneError."""
    images_KHWC = inverted(run, stores)
    if images_KHWC is None:
        return []
    chosen = shown_classes([run], len(images_KHWC), most)
    return [Thumbnail(data_uri(images_KHWC[c]), c, c in run["forgotten"]) for c in chosen]


def data_uri(image_HWC: np.ndarray) -> str:
    """An image [H, W, C] of uint8, grey or RGB, as a PNG inside an address."""
    from PIL import Image  # noqa: PLC0415  (comes with matplotlib)

    out = io.BytesIO()
    Image.fromarray(image_HWC[..., 0] if image_HWC.shape[-1] == 1 else image_HWC).save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def sheet_chart(runs: "pd.DataFrame", stores: Stores) -> Chart:
    """Inverted images of one run per unlearner and inversion attack, a row each; for papers."""
    about = Chart(
        stem="fig3_inverted_images",
        title="Inverted images",
        caption="A row is one run, a column a class; forgotten classes are framed. Most look like noise: what leaks "
        "is what the model says about them, not what they look like. "
        f"At most {ROWS} runs and {COLUMNS} classes.",
        paper="3",
    )
    rows: dict[tuple[str, str, tuple[int, ...]], dict[str, tuple[Run, np.ndarray]]] = {}
    why = "no inversion attack was run"
    inversions = attacks_of(PREDICTION, runs, stores)
    for (dataset, attack, _, unlearner, count), members in group(runs):
        if attack not in inversions:
            continue
        first = members.iloc[0]
        try:
            images = inverted(first, stores)
        except GoneError as error:
            why = str(error)
            continue
        if images is not None:
            rows.setdefault((dataset, attack, images.shape), {}).setdefault(f"{unlearner} {count}", (first, images))
    if not rows:
        return replace(about, missing=f"No inverted images: {why}.")
    sheets = Counter((dataset, attack) for dataset, attack, _ in rows)
    panels = [
        sheet_panel(f"{dataset}, {attack}" + (f", {sizes(shape)}" if sheets[dataset, attack] > 1 else ""), of)
        for (dataset, attack, shape), of in rows.items()
    ]
    data = [
        {
            "dataset": dataset,
            "attack": attack,
            "row": label,
            "run": Path(run["directory"]).name,
            "forgotten": run["asked"],
        }
        for (dataset, attack, _), of in rows.items()
        for label, (run, _) in of.items()
    ]
    key = (Mark("forgotten class", FORGOTTEN, "s", hollow=True),)
    return replace(about, panels=panels, key=key, data=frame(data))


def sizes(shape: tuple[int, ...]) -> str:
    """The shape [K, H, W, C] of a run's images in words: images of another shape cannot stand beside them."""
    classes, height, width, channels = shape
    return f"{classes} classes, {height} x {width} {'grey' if channels == 1 else 'colour'}"


def sheet_panel(title: str, rows: dict[str, tuple[Run, np.ndarray]]) -> Panel:
    """All rows as one picture, so that a hundred images cost what one does."""
    rows = dict(list(rows.items())[:ROWS])
    first = next(iter(rows.values()))[1]
    classes, height, width = first.shape[:3]
    columns = shown_classes([run for run, _ in rows.values()], classes, COLUMNS)

    def draw(axis: "Axes") -> None:
        strips = [np.concatenate(list(images_KHWC[columns]), axis=1) for _, images_KHWC in rows.values()]
        sheet = np.concatenate(strips, axis=0)
        pixels = sheet[..., 0] if sheet.shape[-1] == 1 else sheet
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="none")
        axis.set_yticks([height * (y + 0.5) for y in range(len(rows))], list(rows))
        axis.set_xticks([width * (x + 0.5) for x in range(len(columns))], [str(c) for c in columns])
        axis.spines[:].set_visible(False)
        for y, (run, _) in enumerate(rows.values()):
            for x in (x for x, c in enumerate(columns) if c in run["forgotten"]):
                edges = {"xy": (x * width - 0.5, y * height - 0.5), "width": width, "height": height}
                axis.add_artist(frame_of(edges))  # add_patch would work out the limits anew for each
        axis.set_title(title)

    told = [f"{label} (forgotten: {classes_text(run['asked'])})" for label, (run, _) in rows.items()]
    text = "Rows: " + ", ".join(told)
    size = (0.75 + 0.44 * len(columns), 0.55 + 0.44 * len(rows) * height / width)
    return Panel(title, text, draw, size=size, margins=(0.67, 0.27))


def shown_classes(runs: list[Run], classes: int, most: int) -> list[int]:
    """At most `most` classes: those that a run forgot first, in the order of their numbers."""
    forgotten = {c for run in runs for c in run["forgotten"]}
    chosen = sorted(range(classes), key=lambda c: (c not in forgotten, c))[:most]
    return sorted(chosen)


def frame_of(edges: dict[str, Any]) -> Any:
    """The frame round a forgotten class's image."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415  (slow to import)

    return Rectangle(**edges, fill=False, ec=ORANGE, lw=1.6)
