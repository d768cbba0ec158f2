"""What sweeps leave behind: what their log files say was computed, and what they found."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from unlearnleak.runs.status import RESULT, STATUS

ROOT = Path(__file__).resolve().parents[2]
TRAP = """
import os, signal, sys
import torch
from unlearnleak.attack.head_sum import HeadSum


class Trap(HeadSum):
    version = 1

    def __init__(self, *, bait: str) -> None:
        self.bait = bait

    def __call__(self, view, generator):
        if self.bait == "raise":
            raise FloatingPointError("seven is no number")
        if self.bait == "exit":
            sys.exit(3)
        if self.bait == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.bait.startswith("say"):  # and a number, so that jobs differ
            print(f"asked on GPU {os.environ.get('CUDA_VISIBLE_DEVICES')}")
        if self.bait == "fill":
            torch.empty(2**42, dtype=torch.uint8, device=view.target.device)
        return super().__call__(view, generator)
"""


def install_trap(folder: Path) -> dict[str, str]:
    """An installed plugin whose attack fails as its setting `bait` says; the environment that finds it."""
    info, package = folder / "trap-1.0.dist-info", folder / "trap"
    info.mkdir(parents=True)
    package.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: trap\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[unlearnleak.plugins]\ntrap = trap\n")
    (package / "__init__.py").write_text("")
    (package / "attack.py").write_text(TRAP)
    return {"PYTHONPATH": f"{folder}:{ROOT}"}


def events(runs: Path) -> list[tuple[str, str, str]]:
    """(time, "computing" or "published", stage-key) from all jobs' log files, in the order of time."""
    found = []
    for path in runs.rglob("run.log"):
        for line in path.read_text().splitlines():
            if event := re.match(r"\[([^\]]+)\]\[unlearnleak\.store\]\[DEBUG\] (computing|published) (\S+)", line):
                found.append(event.groups())
    return sorted(found)


def computed(runs: Path) -> Counter[str]:
    """How often each stage was computed."""
    return Counter(name for _, what, name in events(runs) if what == "computing")


def statuses(runs: Path) -> dict[str, dict[str, Any]]:
    """What every job below `runs` says, by its sweep and folder."""
    return {str(path.parent.relative_to(runs)): json.loads(path.read_text()) for path in runs.glob(f"*/[!.]*/{STATUS}")}


def results(runs: Path) -> dict[str, dict[str, Any]]:
    """Every result below `runs`, without what says how it was computed; by sweep and name.

    A folder's name ends in a digest of the whole config, the data file's place included: it is left out here.
    """
    changing = re.compile(r"seconds|memory|stored|made_with|resumed|sweep_name|identity|revision|digest")
    found = {}
    for path in runs.glob(f"*/[!.]*/{RESULT}"):
        result = json.loads(path.read_text())
        name = str(path.parent.relative_to(runs)).rpartition("-")[0]
        found[name] = {key: value for key, value in result.items() if not changing.search(key)}
    return found
