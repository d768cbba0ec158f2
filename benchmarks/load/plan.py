"""Grids of many jobs, planned and not run: seconds and memory of whole processes.

Ten classes, five unlearners and four attacks, and as many seeds as it takes: originals, unlearned models and evidence
that many jobs share. The data's facts are computed while a grid is planned, for each seed.
"""

from pathlib import Path

from benchmarks.load.measured import heading, measured, row, sweep

CHOICES = [
    "forget_classes=[0],[1],[2],[3],[4],[5],[6],[7],[8],[9]",
    "unlearner=rt,ft,rl,au,ng",
    "attack=param_dot,param_diff,head_sum,aux_confidence",
]
PER_SEED = 200


def grid(jobs: int) -> list[str]:
    """The words of a grid of so many jobs: a multiple of 200."""
    assert jobs % PER_SEED == 0
    return [f"seed=range({jobs // PER_SEED})", *CHOICES]


def plan(folder: Path, jobs: list[int]) -> None:
    """Print what planning costs for each number of jobs."""
    print(heading("planned", "seconds", "of processor", "ms a job", "MiB", "goal"))
    goals = {10_000: "60 s", 100_000: "2,048 MiB"}
    for number in jobs:
        cost = measured(*sweep(folder, *grid(number), "dry_run=true"))
        assert f"jobs {number}:" in cost.said, cost.said
        each = 1000 * cost.busy / number
        print(row(f"{number:,} jobs", cost.seconds, cost.busy, each, cost.mib, goals.get(number, "")), flush=True)
