"""A store with many artifacts: finding one, asking for all, listing, cleaning, and planning a sweep on it.

Small made-up artifacts under keys of their own, written as the store writes them but for the waiting on the disk
(fsync), which takes most of the time and is not asked about here.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.load.measured import Cost, heading, measured, row, sweep
from benchmarks.load.plan import grid
from unlearnleak.store import Contents, Store

LEFT = 100


def filled(store: Store, artifacts: int) -> list[dict[str, object]]:
    """Publish so many artifacts; returns their payloads."""
    waits, os.fsync = os.fsync, lambda _: None
    payloads: list[dict[str, object]] = [
        {"attack": {"target": "unlearnleak.attack.head_sum.HeadSum", "version": 1, "settings": {}}, "seed": number}
        for number in range(artifacts)
    ]
    try:
        for payload in payloads:
            store.get_or_compute("evidence", payload, lambda: Contents({"score_K": torch.rand(10)}, {"kind": "made"}))
    finally:
        os.fsync = waits
    return payloads


def seconds(work: Callable[[], object]) -> float:
    """How long something takes in this process."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def store(folder: Path, artifacts: int) -> None:
    """Print what a full store costs."""
    made = Store(folder / "store")
    print(heading("a full store", "seconds", "of processor", "ms each", "MiB"))

    def told(name: str, took: float, number: int, cost: Cost | None = None) -> None:
        busy, mib = (cost.busy, cost.mib) if cost else ("", "")
        print(row(name, took, busy, f"{1000 * (cost.busy if cost else took) / number:,.3f}", mib), flush=True)

    begin = time.perf_counter()
    payloads = filled(made, artifacts)
    told(f"{artifacts:,} artifacts published", time.perf_counter() - begin, artifacts)
    told("all asked for", seconds(lambda: [made.contains("evidence", each) for each in payloads]), artifacts)
    some = payloads[:: max(1, artifacts // 1000)]
    told(f"{len(some):,} read and checked", seconds(lambda: [made.find("evidence", each) for each in some]), len(some))
    for number in range(LEFT):  # what killed processes leave
        made.lock(f"evidence-{number:024x}").touch()
    cost = measured("-m", "unlearnleak.run", "clean", "--store", made.root)
    assert f"{LEFT} leftovers" in cost.said, cost.said
    told("clean", cost.seconds, artifacts, cost)
    cost = measured("-m", "unlearnleak.run", "clean", "--outdated", "--store", made.root)
    told("clean --outdated", cost.seconds, artifacts, cost)
    cost = measured(*sweep(folder, *grid(1000), "dry_run=true"))
    told("1,000 jobs planned on it", cost.seconds, 1000, cost)
