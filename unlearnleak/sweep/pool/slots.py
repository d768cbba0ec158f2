"""Where the jobs of one launch run: how many workers there are, on which GPUs, with how many CPU threads each."""

import logging
import os
from dataclasses import dataclass
from typing import Any, Literal

from unlearnleak.errors import UserError, require
from unlearnleak.machine.memory import GIBIBYTE, free_memory
from unlearnleak.sweep.pool.mps import MOST_CLIENTS

log = logging.getLogger(__name__)
VISIBLE = "CUDA_VISIBLE_DEVICES"
CUDA_GIB = 1.5
"""Main memory that a worker takes for CUDA's libraries, beside what it takes on the CPU."""


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """The settings of conf/hydra/launcher/pool.yaml, which says what each means.

    Raises:
        UserError: a value that is not possible.
    """

    workers: int | Literal["auto"]
    gpus: list[int | str] | Literal["auto"] | None
    jobs_per_gpu: int | Literal["auto"]
    memory_gib: float
    mps: bool | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        workers = self.workers == "auto" or int(self.workers) > 0
        require(workers, "hydra.launcher.workers", self.workers, "a number of workers from 1, or auto")
        several = self.jobs_per_gpu == "auto" or self.jobs_per_gpu > 0
        require(several, "hydra.launcher.jobs_per_gpu", self.jobs_per_gpu, "at least 1, or auto")
        require(self.memory_gib > 0, "hydra.launcher.memory_gib", self.memory_gib, "GiB per worker, more than 0")
        if isinstance(self.gpus, list):
            whole = bool(self.gpus) and len(set(map(str, self.gpus))) == len(self.gpus)
            require(whole, "hydra.launcher.gpus", self.gpus, "each GPU once; for several jobs on one see jobs_per_gpu")


@dataclass(frozen=True)
class Slot:
    """One worker's place: its GPU as CUDA_VISIBLE_DEVICES names it (None: as it finds it) and its CPU threads."""

    number: int
    gpu: str | None
    threads: int


def slots(settings: PoolSettings, runtime: dict[str, Any], jobs: int | None) -> list[Slot]:
    """The slots, at least one, for `jobs` jobs (None: many) whose config's group `runtime` has these settings.

    Raises:
        UserError: a GPU that is not there, or more workers than the GPUs are allowed.
    """
    gpus = chosen_gpus(settings.gpus, str(runtime.get("device", "auto")))
    places = gpus * most_per_gpu(settings, len(gpus))  # one job on every GPU before any gets its second
    if settings.workers == "auto":
        number = len(places) or workers_for(runtime.get("threads", 1), settings.memory_gib)
    else:
        number = settings.workers
        allowed = f"at most {len(places)} ({len(gpus)} GPUs x hydra.launcher.jobs_per_gpu={settings.jobs_per_gpu})"
        require(not places or number <= len(places), "hydra.launcher.workers", number, allowed)
    number = max(1, number)
    threads = max(1, cores() // number)  # also where there are fewer jobs: a model's last bits depend on its threads
    wanted = number if jobs is None else max(1, min(number, jobs))
    return [Slot(index, places[index] if places else None, threads) for index in range(wanted)]


def most_per_gpu(settings: PoolSettings, gpus: int) -> int:
    """The most jobs at once on each of so many GPUs: as told, or by auto what cores, main memory and MPS allow."""
    if settings.jobs_per_gpu != "auto":
        return settings.jobs_per_gpu
    free = free_memory()
    by_memory = MOST_CLIENTS if free is None else int(free / GIBIBYTE / (settings.memory_gib + CUDA_GIB))
    return max(1, min(min(cores(), by_memory) // max(1, gpus), MOST_CLIENTS))


def workers_for(threads: int | None, memory_gib: float) -> int:
    """How many workers with this many threads each the cores and the free memory allow."""
    there = cores()
    by_cores = there // (threads or there)  # null means all cores: one worker
    free = free_memory()
    if free is None:
        return by_cores
    if free < memory_gib * GIBIBYTE:
        told = (
            "Only %d MiB of memory are free, and hydra.launcher.memory_gib=%g is asked for each worker: there is one."
        )
        log.warning(told + " A job that finds too little is killed, and fails alone.", free // 2**20, memory_gib)
    return min(by_cores, int(free / GIBIBYTE / memory_gib))


def cores() -> int:
    """The cores that this process may use: its affinity and its container's quota are respected."""
    from joblib import cpu_count  # type: ignore[import-untyped]  # noqa: PLC0415  (Hydra imports this at every start)

    return int(cpu_count())


def chosen_gpus(wanted: list[int | str] | Literal["auto"] | None, device: str) -> list[str]:
    """One CUDA_VISIBLE_DEVICES entry per GPU that the workers share out; none where they share the CPU.

    Numbers count among the GPUs that this process sees, as in `cuda:1`. A UUID is taken as it is.

    Raises:
        UserError: a number beyond them, or a job's device that names one GPU where every worker sees one only.
    """
    if wanted is None or (wanted == "auto" and device == "cpu"):
        return []
    there = gpus_here()
    if wanted == "auto":
        gpus = there
    else:
        missing = [gpu for gpu in wanted if isinstance(gpu, int) and not 0 <= gpu < len(there)]
        known = f"PyTorch finds {len(there)} GPUs here, counted from 0; gpus=null shares the CPU"
        require(not missing, "hydra.launcher.gpus", missing, known)
        gpus = [there[gpu] if isinstance(gpu, int) else gpu for gpu in wanted]
    if gpus and device.startswith("cuda:") and device != "cuda:0":
        raise UserError(
            f"runtime.device={device} is not possible where every worker sees one GPU only: use runtime.device=cuda "
            f"with hydra.launcher.gpus=[{device.removeprefix('cuda:')}], or hydra.launcher.gpus=null."
        )
    return gpus


def gpus_here() -> list[str]:
    """The GPUs that PyTorch may use, as CUDA_VISIBLE_DEVICES names them; counted without a CUDA context."""
    import torch  # noqa: PLC0415  (seconds, and a launch on the CPU needs it in its workers only)

    count = torch.cuda.device_count()  # asks the driver's management library, not CUDA
    named = os.environ.get(VISIBLE)
    entries = map(str, range(count)) if named is None else (entry.strip() for entry in named.split(","))
    return list(entries)[:count]
