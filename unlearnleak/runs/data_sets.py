"""Data sets that share a name: files of one's own may hold other classes and sizes than their name's last bearer."""

from collections import defaultdict
from typing import Any

Run = dict[str, Any]


def told_apart(runs: list[Run]) -> list[Run]:
    """The runs; where a data set's name stands for several numbers of classes or shapes of images, these follow it.

    "npz" becomes "npz (3 classes)", "npz (5 classes)". A run that does not say its number keeps the name alone.
    """
    counts: dict[str, set[Any]] = defaultdict(set)
    shapes: dict[str, set[Any]] = defaultdict(set)
    for run in runs:
        if run["status"] == "done":
            counts[run["dataset"]] |= {run["num_classes"]} if run.get("num_classes") else set()
            shapes[run["dataset"]] |= {tuple(run["image_shape"])} if run.get("image_shape") else set()

    def name(run: Run) -> str:
        said = []
        if len(counts[run["dataset"]]) > 1 and run.get("num_classes"):
            said.append(f"{run['num_classes']} classes")
        if len(shapes[run["dataset"]]) > 1 and run.get("image_shape"):
            said.append("x".join(map(str, run["image_shape"])))
        return f"{run['dataset']} ({', '.join(said)})" if said else str(run["dataset"])

    return [run | {"dataset": name(run)} if run["status"] == "done" else run for run in runs]
