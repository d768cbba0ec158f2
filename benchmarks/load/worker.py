"""One worker over many jobs: is its memory flat, and how many files does it hold open."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.load.found import SMALL
from benchmarks.load.measured import heading, row, sweep

LOOK_SECONDS = 0.2


def looked_at(process: psutil.Popen, folder: Path) -> list[tuple[int, float, int]]:
    """Of every look at the worker: how many of its tasks had ended, its resident MiB, its open files."""
    seen = []
    while process.poll() is None:
        done = len(list(folder.glob("runs/adhoc/*/result.json")))
        for worker in process.children(recursive=True):
            try:
                mib, files, parent = worker.memory_info().rss / 2**20, worker.num_fds(), worker.ppid()
            except psutil.Error:
                continue
            if parent != process.pid:  # the pool's server is the parent of its workers
                seen.append((done, mib, files))
        time.sleep(LOOK_SECONDS)
    return seen


def worker(folder: Path, jobs: int) -> None:
    """Print memory and open files of a worker by how many jobs it has done."""
    words = [*SMALL, f"seeds.attack=range({jobs})", "hydra/launcher=pool", "hydra.launcher.workers=1"]
    with (folder / "said").open("w") as output:
        process = psutil.Popen([sys.executable, *sweep(folder, *words)], stdout=output, stderr=subprocess.STDOUT)
        seen = looked_at(process, folder)
    if process.returncode:
        sys.exit((folder / "said").read_text())
    print(heading("worker after jobs", "MiB, median", "MiB, most", "files, most"))
    for part in range(5):
        low, high = part * jobs // 5, (part + 1) * jobs // 5
        here = [each for each in seen if low < each[0] <= high]
        if here:
            memory = sorted(mib for _, mib, _ in here)
            print(row(f"{low:,} to {high:,}", memory[len(memory) // 2], memory[-1], max(files for *_, files in here)))
