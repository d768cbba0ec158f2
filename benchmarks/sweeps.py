"""What a sweep costs beside its work: python -m benchmarks.sweeps [--repeats N]

Whole processes of the command line, imports included, in a temporary folder:
- planning: `dry_run=true` on a grid of 1,000 jobs, nothing stored but the data's facts.
- finished jobs: a sweep of which every job is done, against the same sweep of a single job: seconds per further job.
- two workers: LeNet on digits retrained without each class, one thread each; from the first launch to the last job's
  end, worker start-up included.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

GRID = ["seed=range(50)", "forget_classes=[0],[1],[2],[3],[4]", "unlearner=rt,ft", "attack=param_dot,param_diff"]
JOBS = 1000
SMALL = ["training.epochs=1", "attack=head_sum", "screening=kmeans", "unlearner=none", "seeds.data=0"]
FINISHED = 40
TARGETS = ["unlearner=rt", "forget_classes=[0],[1],[2],[3],[4],[5],[6],[7],[8],[9]", "seed=0,1", "attack=head_sum"]


def run(folder: Path, *words: str) -> float:
    """Seconds of one command, to its end."""
    place = [f"store={folder / 'store'}", f"runs={folder / 'runs'}", "logger=none", "runtime.device=cpu"]
    command = [sys.executable, "-m", "unlearnleak.run", "-m", *place, *words]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def planning(folder: Path) -> float:
    return run(folder, *GRID, "dry_run=true")


def per_finished_job(folder: Path) -> float:
    many, one = [*SMALL, f"seed=range({FINISHED + 1})"], [*SMALL, "seed=0"]
    if not (folder / "runs").exists():
        run(folder, *many)
    return (run(folder, *many) - run(folder, *one)) / FINISHED


def launched_seconds(folder: Path, workers: int) -> float:
    """From the launch to the end of its last job."""
    run(folder, *TARGETS, f"hydra.launcher.workers={workers}", "hydra/launcher=pool")
    (plan,) = folder.glob("runs/adhoc/.launches/*/plan.json")
    told = json.loads(plan.read_text())
    return float(told["ended"] - told["time"])


def two_workers(folder: Path, repeat: int) -> float:
    """How many times the jobs per hour of one worker two have."""
    one, two = (launched_seconds(folder / f"{repeat}-{workers}", workers) for workers in (1, 2))
    return one / two


def line(name: str, values: Sequence[float], unit: str, goal: str) -> str:
    low, high = min(values), max(values)
    return f"{name:34}{statistics.median(values):10.3f}{low:10.3f}{high:10.3f}  {unit:8}{goal}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps", description="Time what sweeps add.")
    parser.add_argument("--repeats", type=int, default=3, help="the median of so many runs counts (3)")
    options = parser.parse_args()
    repeats = range(options.repeats)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = platform.processor() or platform.machine()
        print(f"{model}, {os.cpu_count()} cores, torch {torch.__version__}; median of {options.repeats}\n")
        print(f"{'':34}{'median':>10}{'min':>10}{'max':>10}  {'':8}goal")
        print(line(f"planning {JOBS} jobs", [planning(folder / "plan") for _ in repeats], "s", "<= 20"))
        finished = [per_finished_job(folder / "finished") for _ in repeats]
        print(line("a job that is finished already", finished, "s", "<= 0.050"))
        print(line("2 workers against 1, jobs per hour", [two_workers(folder, r) for r in repeats], "times", ">= 1.7"))


if __name__ == "__main__":
    main()
