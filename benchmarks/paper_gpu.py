"""The paper's whole evaluation, Tables III to VIII: python -m benchmarks.paper_gpu --data DIR [--out DIR] [-- WORDS...]

Four data sets from DIR/NAME.npz (arrays as dataset=npz reads them), five unlearners, 20 single classes and 20 draws of
three classes over two seeds, every attack with every screening: the sweeps single_class and multi_class through the
ordinary command line. All data sets run at the same time, one command each with its part of the jobs that share the
GPU, so that one's planning and the ends of its waves fall into another's work. Run again, it goes on from what is
stored. At the end: minutes by the clock, and for each kind of stage the minutes that computing it took, what several
runs share once.

WORDS go to every command, such as unlearner=rt,ft. `unlearnleak paper` then prints the tables.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from benchmarks.stages import spent
from unlearnleak.papers.label_leakage.cells import DATASETS
from unlearnleak.runs.loading import load_runs
from unlearnleak.sweep.pool import mps
from unlearnleak.sweep.pool.slots import cores

RESNETS = ("svhn", "cifar10")
"""Those that ResNet18 is trained on."""
GRIDS = ("single_class", "multi_class")
MINUTES = 15.0
"""What all of it is to take on one H100."""


def present(data: Path, wanted: Sequence[str]) -> list[str]:
    """The data sets whose file is there; says which is not."""
    found = []
    for name in wanted:
        if (path := data / f"{name}.npz").is_file():
            found.append(name)
        else:
            print(f"left out: {name}, as there is no {path}", flush=True)
    return found


def command(grid: str, name: str, options: argparse.Namespace, each: int, launcher: Sequence[str] = ()) -> list[str]:
    """The command line of one sweep of one data set, with so many jobs at once and these words for its launcher."""
    share = "workers" if options.device == "cpu" else "jobs_per_gpu"
    limit = [] if options.limit is None else [f"dataset.train_limit={options.limit}"]
    return [
        *(sys.executable, "-m", "unlearnleak.run", "-m", f"+sweep={grid}"),
        *(f"dataset={name}", f"dataset.path={options.data.absolute() / name}.npz"),
        *(f"seed={','.join(map(str, options.seeds))}", "logger=none", f"runtime.device={options.device}"),
        *(f"store={options.out.absolute() / 'artifacts'}", f"runs={options.out.absolute() / 'runs'}"),
        *(f"hydra.launcher.{share}={each}", *launcher),
        *(*limit, *options.words, *(["dry_run=true"] if options.dry_run else [])),
    ]


def minutes(runs: Sequence[dict[str, Any]]) -> dict[str, tuple[int, float]]:
    """Of each kind of stage, how many there are and the minutes that computing them took; the most costly first."""
    took = spent([run for run in runs if run.get("status") == "done"])
    found = {kind: (len(each), sum(each) / 60) for kind, each in took.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def together(found: dict[str, tuple[int, float]]) -> dict[str, tuple[int, float]]:
    """The same by stage."""
    sums: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for kind, (count, took) in found.items():
        stage = kind.partition(",")[0].partition(" ")[0]
        sums[stage] = (sums[stage][0] + count, sums[stage][1] + took)
    return dict(sums)


def table(found: dict[str, tuple[int, float]], clock: float) -> list[str]:
    """Lines for the terminal; `clock` is minutes on the wall."""
    whole = sum(took for _, took in found.values())
    lines = [f"{'stage':40}{'number':>8}{'minutes':>10}{'share':>8}"]
    for kind, (count, took) in (together(found) | found).items():
        lines.append(f"{kind:40}{count:8}{took:10.1f}{took / whole if whole else 0.0:8.1%}")
    lines.append(f"{'all, by the stages (several at once)':40}{'':8}{whole:10.1f}")
    lines.append(f"{'all, by the clock of this call':40}{'':8}{clock:10.1f}   goal on one H100: {MINUTES:g}")
    return lines


def one_mps(options: argparse.Namespace) -> tuple[mps.Mps | None, list[str]]:
    """An MPS for all commands, and words that keep each of them from starting another.

    There is none where it is not wanted or cannot be started: then no command tries. Where one is in use here already,
    the commands find it.
    """
    never = ["hydra.launcher.mps=false"]
    if options.mps == "false":
        return None, never
    if options.device == "cpu" or options.dry_run or not torch.cuda.is_available():
        return None, []
    service = mps.started(options.mps == "true" or "auto")
    return service, [] if service or mps.control_in_use() else never


def run(
    name: str, options: argparse.Namespace, each: int, environment: dict[str, str], launcher: Sequence[str]
) -> dict[str, float]:
    """Run the sweeps of a data set one after the other; returns the minutes of those that ended well."""
    took = {}
    for grid in options.grids:
        start, told = time.monotonic(), options.out / f"{grid}-{name}.log"
        line = command(grid, name, options, each, launcher)
        print(f"{grid}, {name}: {' '.join(line[1:])} > {told}", flush=True)
        with told.open("wb") as output:
            code = subprocess.run(line, env=environment, stdout=output, stderr=output, check=False).returncode
        minutes = (time.monotonic() - start) / 60
        print(f"{grid}, {name}: {minutes:.1f} minutes{f', exit status {code}, see {told}' if code else ''}", flush=True)
        if options.dry_run or code:
            print(told.read_text(errors="replace"), end="", flush=True)
        if code == 0:
            took[f"{grid}, {name}"] = minutes
    return took


def shared(names: Sequence[str], jobs: int) -> dict[str, int]:
    """How many of the jobs at once each data set has: at least one, and those of ResNet18 three of LeNet's one.

    Shares stand for the whole run, so a data set that has more to do would otherwise end alone, with the others' places
    empty.
    """
    parts = {name: 3 if name in RESNETS else 1 for name in names}
    return {name: max(1, jobs * part // sum(parts.values())) for name, part in parts.items()}


def run_all(names: Sequence[str], options: argparse.Namespace) -> dict[str, float]:
    """Run all data sets at the same time, under one MPS where it can be had."""
    options.out.mkdir(parents=True, exist_ok=True)
    shares = shared(names, options.jobs_per_gpu or cores())
    service, launcher = one_mps(options)
    try:
        environment = os.environ | (service.environment if service else {})
        with ThreadPoolExecutor(len(names)) as pool:
            parts = pool.map(lambda name: run(name, options, shares[name], environment, launcher), names)
            return {what: minutes for part in parts for what, minutes in part.items()}
    finally:
        if service:
            service.stop()


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.paper_gpu", description="Run the paper's whole evaluation and time it."
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="has mnist.npz, cifar10.npz and so on")
    parser.add_argument("--out", type=Path, default=Path("outputs/paper"), metavar="DIR", help="(%(default)s)")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS, help="(all four)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1], help="(0 1)")
    parser.add_argument("--grids", nargs="+", choices=GRIDS, default=GRIDS, help="(both)")
    parser.add_argument("--limit", type=int, help="at most so many training images of each data set (all)")
    parser.add_argument("--jobs-per-gpu", type=int, help="of all data sets together (as many as cores)")
    parser.add_argument("--mps", default="auto", choices=("auto", "true", "false"), help="(%(default)s)")
    parser.add_argument("--device", default="auto", help="runtime.device (%(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be computed, and stop")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the minutes there too")
    parser.add_argument("words", nargs="*", metavar="WORDS", help="more words for both sweeps, after --")
    return parser


def main(told: Sequence[str] | None = None) -> None:
    options = arguments().parse_args(told)
    names = present(options.data, options.datasets)
    if not names:
        sys.exit(f"No data set was found in {options.data}.")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    begin = time.monotonic()
    clocks = run_all(names, options)
    took = (time.monotonic() - begin) / 60
    if not options.dry_run:
        runs = load_runs([path for grid in GRIDS if (path := options.out / "runs" / grid).is_dir()])
        found = minutes(runs)
        print("\n".join(table(found, took)))
        if options.json:
            told_of = {"clock": clocks, "stages": found, "runs": len(runs), "datasets": names}
            options.json.write_text(json.dumps(told_of, indent=1))
    if len(clocks) < len(names) * len(options.grids):
        sys.exit("Not all is well, see above. The same command goes on.")


if __name__ == "__main__":
    main()
