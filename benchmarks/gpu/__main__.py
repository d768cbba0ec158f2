"""What a GPU takes for the project's work, and what it could take: python -m benchmarks.gpu [--only PART] [--json FILE]

Random images of MNIST's and CIFAR-10's shapes, batches of 128; medians of 3, warm-up and capture left out, in under
four minutes: what the time does not reach is named. Each part runs in a process of its own, so that one that fails
takes no other along:

- step: one model alone, ms a step: `fit` (fp32, bf16, with runtime.cuda_graphs=false), a bare loop, the same with its
  network as graphs (make_graphed_callables), and the whole step captured as one CUDA graph, which is the floor
- streams, vmap: models at once in one process: captured steps on streams of their own; LeNets as one program
- ledger: AU's ledger against the same training without it
- processes: models at once, ms a model's step, through `fit`: processes that take turns, and under MPS
- attacks: seconds of each attack's evidence, with graphs and without, as far as the time goes

Asked for by --only:

- literature: a step of the unlearning literature's training (`conf/recipe/cifar10_resnet18_cifar.yaml`), and how long
  its whole schedule is at that rate

and in a quarter of an hour:

- compile: torch.compile of the network, what compiling takes, and after how many steps it pays against the captured
  step
"""

import argparse
import multiprocessing
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.gpu import steps
from benchmarks.gpu.parts import ASKED, COMPILED, PARTS, SECONDS, rows_from, seconds_for
from benchmarks.gpu.rows import Row, line, write
from benchmarks.race import machine
from benchmarks.training import MODELS


def main(told: Sequence[str] | None = None) -> None:
    about = "Time steps, ledgers, several models at once and attacks on a GPU."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=about)
    parser.add_argument(
        "--only", choices=(*PARTS, *ASKED), action="append", help=f"one part or more ({', '.join(PARTS)})"
    )
    parser.add_argument("--model", choices=MODELS, action="append", help="one or more (all)")
    parser.add_argument("--attack-seconds", type=float, default=15.0, help="for all attacks on one model (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, help=f"for all parts together ({SECONDS:g}; with compile {COMPILED:g})"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rows there, after every part")
    parser.add_argument("--device", default="cuda:0", help=argparse.SUPPRESS)
    options = parser.parse_args(told)
    if options.device != "cpu" and not torch.cuda.is_available():
        print("Nothing was timed: there is no GPU that PyTorch can use here.")
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(["benchmarks.gpu.parts"])
    parts = options.only or PARTS
    card = torch.cuda.get_device_name(0) if options.device != "cpu" else "no GPU"
    print(f"{card}; {machine()}; batches of {steps.BATCH}, medians of {steps.REPEATS}")
    begin, rows = time.monotonic(), list[Row]()
    deadline = begin + (options.seconds or seconds_for(parts))
    for part in parts:
        print(f"{part} ({time.monotonic() - begin:.0f} s):", flush=True)
        for row in rows_from(part, options, deadline):
            print(line(row, rows), flush=True)
            rows.append(row)
        if options.json:
            write(options.json, f"{card}; {machine()}", rows, time.monotonic() - begin)
    print(f"{time.monotonic() - begin:.0f} s in all")


if __name__ == "__main__":
    main()
