"""How long the command line takes to start, and what it imports: python -m benchmarks.start

Whole processes, by the wall's clock and in CPU seconds: where other work shares the cores, the wall says how long it
waited, the CPU how long it worked. The first training step is seen by a hook of PyTorch's, and ends the process.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.race import Goal, machine

HEAVY = ("torch", "torchvision", "pytorch_lightning", "wandb", "sklearn", "matplotlib", "pandas", "submitit")
LIGHT = (
    ["--help"],
    ["--cfg", "job"],
    ["unlearner=misspelt"],
    ["misspelt"],
    ["status", "nothing"],
    ["table", "--help"],
    ["report", "--help"],
)
"""Command lines that have no use for any of them."""
IMPORTED = f"""
import atexit, sys
atexit.register(lambda: print("imported", *[name for name in {HEAVY} if name in sys.modules]))
from unlearnleak.run import main
main()
"""
FIRST_STEP = """
import os
from torch.optim.optimizer import register_optimizer_step_post_hook
register_optimizer_step_post_hook(lambda *_: os._exit(0))
from unlearnleak.run import main
main()
raise SystemExit("no step was taken")
"""
HELP, STEP = Goal("<=", 1), Goal("<=", 6)


def took(*command: str) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""

    def cpu() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before, start = cpu(), time.perf_counter()
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start, cpu() - before


def line(name: str, command: list[str], repeats: int, goal: Goal) -> bool:
    """Print the medians of one command; returns whether its wall time reaches the goal."""
    walls, cpus = zip(*(took(*command) for _ in range(repeats)), strict=True)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    said = "reached" if goal.reached(wall) else "MISSED"
    spread = f"({min(walls):.2f} to {max(walls):.2f})"
    print(f"  {name:38}{wall:8.2f} s {spread}, CPU {cpu:.2f} s  goal <= {goal.bound}: {said}")
    return goal.reached(wall)


def imported(words: list[str]) -> list[str]:
    """Which heavy modules one command line imports."""
    done = subprocess.run([sys.executable, "-c", IMPORTED, *words], capture_output=True, text=True, check=False)
    said = [text for text in done.stdout.splitlines() if text.startswith("imported")]
    assert said, done.stderr
    return said[-1].split()[1:]


def job(folder: Path) -> list[str]:
    """A job on made-up images of MNIST's shape."""
    draw, arrays = np.random.default_rng(0), {}
    for part, size in (("train", 12800), ("test", 1000)):
        arrays |= {f"{part}_images": draw.integers(256, size=(size, 28, 28), dtype=np.uint8)}
        arrays |= {f"{part}_labels": np.arange(size) % 10}
    np.savez(folder / "images.npz", **arrays)
    places = [f"store={folder / 'store'}", f"runs={folder / 'runs'}", f"dataset.path={folder / 'images.npz'}"]
    return ["dataset=npz", "training.batch_size=128", "runtime.device=cpu", *places]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description="Time the command line's start.")
    parser.add_argument("--repeats", type=int, default=5, help="the median of so many processes counts (5)")
    repeats = parser.parse_args().repeats
    print(f"{machine()}; median of {repeats}")
    line("--help", ["-m", "unlearnleak.run", "--help"], repeats, HELP)
    with tempfile.TemporaryDirectory() as name:
        words = job(Path(name))
        line("first training step, logger=none", ["-c", FIRST_STEP, *words, "logger=none"], repeats, STEP)
        line("first training step, W&B offline", ["-c", FIRST_STEP, *words], repeats, STEP)
    wrong = {" ".join(words): heavy for words in LIGHT if (heavy := imported(words))}
    print(f"light command lines: {len(LIGHT) - len(wrong)} of {len(LIGHT)} import none of {', '.join(HEAVY)}")
    for words, heavy in wrong.items():
        print(f"  {words}: {', '.join(heavy)}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
