"""Ways to the same result, timed in turn in one process, and the ratios of their times.

A ratio is taken inside each round, where both ways met the same machine, and the median of the rounds counts. Every
second round runs the ways in reverse order. The clock is this process's CPU time unless told otherwise: with one thread
it is the time of an idle machine, and other processes on the same cores disturb it least.
"""

import argparse
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch

CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}
Took = dict[str, list[float]]


class Goal(NamedTuple):
    """What a ratio is to reach: at most or at least `bound`."""

    sign: str
    bound: float

    def reached(self, ratio: float) -> bool:
        return ratio <= self.bound if self.sign == "<=" else ratio >= self.bound


def arguments(module: str, about: str, *, repeats: int) -> argparse.ArgumentParser:
    """What every benchmark can be told."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=about)
    parser.add_argument(
        "--repeats", type=int, default=repeats, help="the median of so many rounds counts (%(default)s)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="torch's threads; with more than one use --clock wall (1)"
    )
    parser.add_argument("--clock", choices=CLOCKS, default="cpu", help="CPU time of the process, or the wall's (cpu)")
    return parser


def ready(options: argparse.Namespace) -> None:
    """Set the threads and say where this runs."""
    torch.set_num_threads(options.threads)
    print(f"{machine()}; {options.clock} clock, median of {options.repeats} rounds")


def machine() -> str:
    """The processor, its cores, torch and its threads."""
    told = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(": ")[2] for line in told if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} thread(s)"


def race(ways: Mapping[str, Callable[[], object]], options: argparse.Namespace) -> Took:
    """Seconds of each way in each round."""
    clock, took = CLOCKS[options.clock], {name: [0.0] * options.repeats for name in ways}
    for number in range(options.repeats):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            gc.collect()
            start = clock()
            ways[name]()
            took[name][number] = clock() - start
    return took


def ratio(took: Took, over: str, under: str, goal: Goal | None = None, *, scale: float = 1.0) -> bool:
    """Print how many times as long `over` takes as `under`; returns whether that reaches the goal."""
    ratios = [scale * a / b for a, b in zip(took[over], took[under], strict=True)]
    middle = statistics.median(ratios)
    reached = goal is None or goal.reached(middle)
    aim = f"goal {goal.sign} {goal.bound:g}: {'reached' if reached else 'MISSED'}" if goal else ""
    print(f"  {over + ' / ' + under:38}{middle:8.2f}  ({min(ratios):.2f} to {max(ratios):.2f})  {aim}")
    return reached


def seconds(took: Took, unit: str = "s", scale: float = 1.0) -> None:
    """Print the median time of each way."""
    for name, values in took.items():
        print(f"  {name:38}{scale * statistics.median(values):8.3f}  {unit}")
