"""One run's own section of the page."""

import shlex
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from unlearnleak.analysis.groups import WORDS, cases
from unlearnleak.figure.curves import curve_panel
from unlearnleak.figure.inverted import Thumbnail, thumbnails
from unlearnleak.figure.recovered import Sheet, sheet_of
from unlearnleak.figure.svg import inline
from unlearnleak.report.page.facts import duration
from unlearnleak.runs.recorded import recorded
from unlearnleak.runs.stages import models_of, stages_of
from unlearnleak.runs.stored import GoneError, Stores

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

Run = dict[str, Any]
CLASSES = 24
"""Classes whose scores and images the page shows of a run."""
PLACE = "@place@"
"""Stands for a drawing's name until it is known: one model's curve is drawn once and shown in many runs."""


class ClassLine(NamedTuple):
    """A class's score, its bar's length in percent, and what was said and true of it."""

    number: int
    score: float
    length: float
    judged: bool
    forgotten: bool


class StageLine(NamedTuple):
    """What a stage took when it was computed, and how many runs of the report use what it gave."""

    stage: str
    seconds: str
    memory: str
    uses: int
    device: str
    key: str


class Detail(NamedTuple):
    """Everything that the page says about one run.

    `classes` are those whose scores are shown, of `total`. `note` says why pictures are missing, where any are.
    """

    anchor: str
    run: Run
    classes: list[ClassLine]
    total: int
    stages: list[StageLine]
    command: str
    images: list[Thumbnail]
    curves: list[str]
    note: str
    sheet: Sheet | None


class Pictures:
    """Draws the curves and reads the images of chosen runs; every model's curve once."""

    def __init__(self, stores: Stores, chosen: set[int]) -> None:
        self.stores = stores
        self.chosen = chosen
        self.curves: dict[str, str] = {}

    def of(self, run: Run, anchor: str) -> tuple[list[Thumbnail], list[str], str]:
        """Images, curves, and why some are missing."""
        if id(run) not in self.chosen:
            return [], [], "Left out to keep the page small: --all-images shows the pictures of every run."
        notes = []
        images: list[Thumbnail] = []
        curves = []
        try:
            images = thumbnails(run, self.stores, CLASSES)
        except GoneError as error:
            notes.append(f"No images: {error}.")
        for stage in models_of(run):
            try:
                if curve := self.curve(run, stage):
                    curves.append(curve.replace(PLACE, f"{anchor}-{stage}"))
            except GoneError as error:
                notes.append(f"No curve: {error}.")
        return images, curves, " ".join(notes)

    def sheet(self, run: Run) -> tuple[Sheet | None, str]:
        """The contact sheet of a run that recovered images, or why it is missing."""
        if id(run) not in self.chosen or run.get("reconstruction_mse") is None:
            return None, ""
        try:
            found = sheet_of(run)
        except GoneError as error:
            return None, f"No recovered images: {error}."
        return found, "" if found else "No recovered images: the run keeps no contact sheet."

    def curve(self, run: Run, stage: str) -> str:
        """A model's training curve as SVG, under a name still to be put in; empty where it was not trained."""
        key = f"{stage} {run.get(f'key_{stage}')}"
        if key not in self.curves:
            panel = curve_panel(run, self.stores, stage)
            self.curves[key] = inline(panel, PLACE) if panel else ""
        return self.curves[key]


def choose(runs: "pd.DataFrame", limit: int | None, first: Collection[str] = ()) -> set[int]:
    """The places of the runs whose pictures are shown: all, or one of every cell, then a second one, up to `limit`.

    Runs of the attacks `first`, as those that make images, come before others.
    """
    known = cases(runs, None)  # those that recover images judge nothing
    cells = known.groupby(WORDS, sort=False)
    order = known.assign(turn=cells.cumcount(), later=~known["attack"].isin(first), cell=cells.ngroup())
    return set(order.sort_values(["turn", "later", "cell"]).index[:limit])


def uses(runs: list[Run]) -> Counter[str]:
    """How many of the runs use each artifact."""
    return Counter(run[key] for run in runs for key in (f"key_{stage}" for stage in stages_of(run)) if run.get(key))


def detail(run: Run, anchor: str, pictures: Pictures, users: Counter[str]) -> Detail:
    """One run's section; `users` are from `uses`."""
    done = run["status"] == "done"
    images, curves, note = pictures.of(run, anchor) if done else ([], [], "")
    sheet, missing = pictures.sheet(run) if done else (None, "")
    return Detail(
        anchor=anchor,
        run=run,
        classes=class_lines(run) if done else [],
        total=len(run.get("scores") or []),
        stages=[stage_line(run, stage, users) for stage in stages_of(run) if run.get(f"seconds_{stage}") is not None],
        command=command(run),
        images=images,
        curves=curves,
        note=f"{note} {missing}".strip(),
        sheet=sheet,
    )


def class_lines(run: Run) -> list[ClassLine]:
    """Each class's score with the verdict and the truth beside it; of many classes the CLASSES that say most."""
    judged = {c: score for c, score in enumerate(run.get("scores") or []) if score is not None}
    scores = judged.values()
    low, span = min(scores, default=0.0), (max(scores, default=0.0) - min(scores, default=0.0)) or 1.0
    lines = [
        ClassLine(c, score + 0.0, 100 * (score - low) / span, c in (run.get("verdict") or []), c in run["forgotten"])
        for c, score in judged.items()
    ]
    if len(lines) <= CLASSES:
        return lines
    chosen = sorted(lines, key=lambda line: (not line.forgotten, not line.judged, -line.score))[:CLASSES]
    return sorted(chosen)


def stage_line(run: Run, stage: str, users: Counter[str]) -> StageLine:
    """A stage's cost."""
    told = run.get(f"made_with_{stage}")
    made = told if isinstance(told, dict) else {}  # a CSV has text in its place
    memory = run.get(f"memory_mib_{stage}")
    return StageLine(
        stage=stage,
        seconds=duration(float(run[f"seconds_{stage}"])),
        memory="-" if memory is None else f"{memory:,.0f} MiB",
        uses=users[str(run.get(f"key_{stage}"))],
        device=f"{made['device']}, torch {made.get('torch', '-')}" if "device" in made else "-",
        key=str(run.get(f"key_{stage}", "-")),
    )


def command(run: Run) -> str:
    """The command that repeats this run alone, from the words that Hydra recorded; empty where it recorded none."""
    words = recorded(run["directory"] / ".hydra" / "overrides.yaml")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return ""
    return shlex.join(["python", "-m", "unlearnleak.run", *words])
