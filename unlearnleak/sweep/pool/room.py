"""How many jobs a GPU takes at once: as told, or (`hydra.launcher.jobs_per_gpu=auto`) learnt from those that have run.

The first job of a launch, such as a sweep's wave, runs alone on each GPU. What it took there says how many fit beside
each other, and the largest of all that have ended does from then on. Where enough jobs are left, a trial says whether
half as many are faster (`trial.py`). A job that finds the GPU full beside others is done again with fewer.
"""

import gc
import logging
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from unlearnleak.machine.memory import GIBIBYTE
from unlearnleak.sweep.pool.trial import FEWEST, WORTH, Trial

log = logging.getLogger(__name__)
CONTEXT = GIBIBYTE
"""Bytes that a process takes on a GPU beside its tensors: CUDA's context and its libraries' kernels, and some room."""
FILLED = 0.9
"""The share of the memory that is given away: jobs differ."""
IDLE = 2**28
"""Bytes that a worker may keep idle for its next job while others share its GPU."""


class GpuUse(NamedTuple):
    """What a worker sees of its GPU after a job, in bytes: what is free, and the most that the job reserved."""

    free: int
    reserved: int


class Idle:
    """Gives back what a job has left idle on a GPU, where that may be more than `IDLE`.

    What stays after that is needed, such as images that wait for the next job there, and counts as idle no more: a look
    for it takes a quarter of a second, as long as several short jobs.
    """

    def __init__(self) -> None:
        self.needed = 0

    def give_back(self, reserved: Callable[[], int], collect: Callable[[], None]) -> None:
        """Calls `collect` where `reserved` bytes are too many; after it, what is reserved is needed."""
        now = reserved()
        if now > self.needed + IDLE:
            collect()
            self.needed = reserved()
        self.needed = min(self.needed, now)


IDLE_HERE = Idle()
"""Of this process, which has one GPU."""


def gpu_use() -> GpuUse | None:
    """This process's use of its GPU, whose idle part is given back; None where it has opened none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    from unlearnleak.machine.device import most_reserved  # noqa: PLC0415  (torch, which a job on the CPU may not need)

    with suppress(RuntimeError):  # a job may have broken CUDA: its process is not used again
        IDLE_HERE.give_back(torch.cuda.memory_reserved, collect)
        free, _ = torch.cuda.mem_get_info()
        return GpuUse(free, most_reserved(torch.device("cuda", torch.cuda.current_device())))
    return None


def collect() -> None:
    """Give back this process's idle memory on its GPU."""
    import torch  # noqa: PLC0415  (which a job on the CPU may not need)

    gc.collect()  # what a training leaves points at itself
    torch.cuda.empty_cache()


def fitting(usable: int, reserved: int, most: int) -> int:
    """How many jobs that reserve so much fit into the usable memory, at least one and at most `most`."""
    return max(1, min(most, int(FILLED * usable) // (CONTEXT + reserved)))


class Room:
    """The room on each GPU in one launch. A job without a GPU of its own (None) always finds room."""

    def __init__(
        self, gpus: Iterable[str | None], *, most: int, auto: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.auto, self.most, self.clock = auto, most, clock
        self.jobs = {gpu: 1 if auto else most for gpu in gpus if gpu is not None}
        self.usable: dict[str, int] = {}
        self.reserved: dict[str, int] = {}
        self.trials: dict[str, Trial] = {}
        self.settled: set[str] = set()  # no other trial: its number is best, or was not worth one

    def takes(self, gpu: str | None, busy: int) -> bool:
        """Whether a GPU takes a job beside `busy` others."""
        if gpu is None:
            return True
        return busy < (self.trials[gpu].level if gpu in self.trials else self.jobs[gpu])

    def crowded(self, gpu: str | None, workers: int) -> bool:
        """Whether more of our workers live on a GPU than it takes jobs, as far as that is known."""
        return gpu in self.usable and workers > self.jobs[gpu]  # of a trial's level: they would soon come back

    def learn(self, gpu: str | None, use: GpuUse | None, workers: int) -> None:
        """A job has ended on a GPU, on which so many of our workers live."""
        if gpu is None or not self.auto:
            return
        known = gpu in self.usable
        if use is None:  # it needed no GPU
            self.jobs[gpu] = self.jobs[gpu] if known else self.most
            return
        before = self.jobs[gpu]
        self.usable.setdefault(gpu, use.free + workers * CONTEXT)
        self.reserved[gpu] = max(self.reserved.get(gpu, 0), use.reserved)
        fits = fitting(self.usable[gpu], self.reserved[gpu], self.most)
        self.jobs[gpu] = min(before, fits) if known else fits
        if self.jobs[gpu] != before or not known:
            took, there = self.reserved[gpu] / GIBIBYTE, self.usable[gpu] / GIBIBYTE
            told = "GPU %s takes %d jobs at once: one reserved %.1f GiB of %.1f, and there are cores for %d"
            log.info(told, gpu, self.jobs[gpu], took, there, self.most)
            self.trials.pop(gpu, None)  # of another number

    def begins(self, gpu: str | None, job: int) -> None:
        """A job starts on a GPU."""
        if gpu in self.trials:
            self.trials[gpu].begins(job)

    def ended(self, gpu: str | None, job: int, busy: int, left: int) -> None:
        """A job has ended on a GPU, on which `busy` others go on; `left` more wait, for all GPUs."""
        if gpu is None or gpu not in self.usable or gpu in self.settled:
            return
        if gpu not in self.trials:
            if self.jobs[gpu] == 1 or left < WORTH * max(FEWEST, self.jobs[gpu]) * len(self.jobs):
                self.settled.add(gpu)
                return
            self.trials[gpu] = Trial(self.jobs[gpu], self.clock)
        trial = self.trials[gpu]
        trial.ended(job, busy)
        if trial.over:
            del self.trials[gpu]
            log.info("GPU %s: %s; it takes %d from here", gpu, trial.told(), trial.found)
            if trial.found == self.jobs[gpu]:
                self.settled.add(gpu)
            self.jobs[gpu] = trial.found  # if fewer, a quarter may be faster still

    def found_full(self, gpu: str | None, busy: int) -> bool:
        """A job did not fit on a GPU where up to `busy` others were; returns whether it is worth another try."""
        if gpu is None or not self.auto or not busy:
            return False
        self.jobs[gpu] = max(1, min(self.jobs[gpu], busy + 1) // 2)
        self.trials.pop(gpu, None)
        log.info(
            "GPU %s was full: it takes %d jobs at once from here, and the one that failed again", gpu, self.jobs[gpu]
        )
        return True
