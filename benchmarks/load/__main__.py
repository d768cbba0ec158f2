"""What large grids, many runs and full stores cost: python -m benchmarks.load [PART ...] [--small]

plan    1,000, 10,000 and 100,000 jobs planned
found   10,000 finished jobs found again; files and inodes of a run
page    the page of 1,000 and 10,000 runs
worker  memory and open files of one worker over 1,000 jobs
store   a store with 50,000 artifacts

Seconds are of whole processes on the wall, imports included, and beside them those of the processor, which other work
on the machine lengthens less; a job's are of the processor. MiB is the largest resident set. n = 1: what is asked is
whether it grows with the number, not how quick a machine is. --small takes a fiftieth of each number.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.load.found import found
from benchmarks.load.page import page
from benchmarks.load.plan import plan
from benchmarks.load.store import store
from benchmarks.load.worker import worker

PLANNED, SHOWN, FOUND, WORKED, STORED = (1_000, 10_000, 100_000), (1_000, 10_000), 10_000, 1_000, 50_000


def parts(divided: int) -> dict[str, Callable[[Path], None]]:
    """Each part by its name, with its numbers divided by this."""
    return {
        "plan": partial(plan, jobs=[each // divided for each in PLANNED]),
        "found": partial(found, jobs=FOUND // divided),
        "page": partial(page, runs=[each // divided for each in SHOWN]),
        "worker": partial(worker, jobs=WORKED // divided),
        "store": partial(store, artifacts=STORED // divided),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="Measure what large numbers cost.")
    parser.add_argument("parts", nargs="*", choices=[*parts(1), []], default=[], help="all of them, if none is named")
    parser.add_argument("--small", action="store_true", help="a fiftieth of each number: does it still run")
    options = parser.parse_args()
    chosen = parts(50 if options.small else 1)
    print(f"{os.cpu_count()} cores, torch {torch.__version__}")
    for name in options.parts or chosen:
        print()
        with tempfile.TemporaryDirectory() as folder:
            chosen[name](Path(folder))


if __name__ == "__main__":
    main()
