"""Reads offline W&B runs back through W&B's own reader, which `wandb leet inspect` starts after a second."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from wandb.util import get_core_path

from tests.patience import PATIENCE


@dataclass
class OfflineRun:
    """One W&B run as its file tells it; W&B's own keys, which begin with an underscore, are left out."""

    file: Path
    id: str = ""
    sweep: str = ""
    name: str = ""
    project: str = ""
    group: str = ""
    job_type: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)  # one per log call; media are dicts with _type
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)  # what define_metric said, by name or glob
    media: dict[str, Any] = field(default_factory=dict)  # what the summary says of tables, histograms and images
    summary: dict[str, Any] = field(default_factory=dict)  # all else in the summary
    exit_code: int | None = None  # None: never finished

    def curve(self, name: str) -> list[dict[str, float]]:
        """The rows that were given to `RunLogger.curve`."""
        prefix = f"{name}/"
        picked = [{key.removeprefix(prefix): row[key] for key in row if key.startswith(prefix)} for row in self.rows]
        return [row for row in picked if row]

    def table(self, name: str) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows of a table, from the file that W&B would upload."""
        content = json.loads((self.file.parent / "files" / self.media[name]["path"]).read_text())
        return content["columns"], content["data"]

    def histogram(self, name: str) -> tuple[list[float], list[int]]:
        """Bin edges and counts."""
        return self.media[name]["bins"], self.media[name]["values"]

    def images(self, name: str) -> list[tuple[str, np.ndarray]]:
        """Captions and pixels, HW or HWC."""
        entry = self.media[name]
        paths = [self.file.parent / "files" / path for path in entry["filenames"]]
        return [(caption, np.asarray(Image.open(path))) for caption, path in zip(entry["captions"], paths, strict=True)]


def read_offline(directory: Path) -> list[OfflineRun]:
    """Every offline W&B run below `directory`, the oldest first."""
    files = sorted(directory.rglob("run-*.wandb"), key=lambda file: file.stat().st_ctime_ns)
    return [read_file(file) for file in files]


def read_file(file: Path) -> OfflineRun:
    """One `.wandb` file; also that of a run that was killed."""
    words = ["leet", "inspect", "--no-observability", "--json", "--run-file", str(file), str(file.parents[1])]
    printed = subprocess.run(
        [get_core_path(), *words], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
    run = OfflineRun(file)
    for record in map(json.loads, printed.splitlines()):
        _apply(run, record["type"], record.get(record["type"], {}))
    run.media = {key: value for key, value in run.summary.items() if isinstance(value, dict) and "_type" in value}
    run.summary = {key: value for key, value in run.summary.items() if key not in run.media}
    return run


def _apply(run: OfflineRun, kind: str, body: dict[str, Any]) -> None:
    if kind == "run":
        run.id, run.sweep = body["run_id"], body.get("sweep_id", "")
        run.name, run.project = body.get("display_name", ""), body["project"]
        run.group, run.job_type = body.get("run_group", ""), body.get("job_type", "")
        run.tags, run.config = body.get("tags", []), _nested(body["config"]["update"])
    elif kind == "metric":
        run.metrics[body.get("name") or body["glob_name"]] = body
    elif kind == "history":
        run.rows.append(_nested(body["item"]))
    elif kind == "summary":
        run.summary |= _nested(body["update"])
    elif kind == "exit":
        run.exit_code = body["exit_code"]


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """`{"a._type": 1}` as `{"a": {"_type": 1}}`, without W&B's own keys."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        if path.startswith("_"):
            continue
        *parents, leaf = path.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value
    return tree
