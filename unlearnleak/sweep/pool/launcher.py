"""The pool: several jobs at once on one machine, in warm worker processes with a device each.

Every worker has a pipe of its own and shares nothing with the others, so that one may be killed at any instant without
harm to them. Workers are forked from one server process that has imported PyTorch once. A pool from a library was tried
first: pebble 5.2 waits for ever where a job calls `os._exit(0)`, and where a worker dies in the middle of its answer.
"""

import atexit
import inspect
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing import forkserver
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

import unlearnleak
from unlearnleak.errors import GpuFull, UserError
from unlearnleak.machine.memory import free_memory
from unlearnleak.runs.launch import JobDied, launch_folder, request_stop
from unlearnleak.sweep.pool import mps, scratch
from unlearnleak.sweep.pool.room import GpuUse, Room
from unlearnleak.sweep.pool.slots import PoolSettings, Slot, chosen_gpus, most_per_gpu, slots
from unlearnleak.sweep.pool.worker import WorkerPlace, failed, work

GRACE = 5.0
"""Seconds that a job which is told to stop may take to say so in its status; then it is killed."""

Job = tuple[int, Sequence[str]]


class Worker:
    """One slot's process, seen from the launching process."""

    def __init__(self, place: WorkerPlace) -> None:
        context = multiprocessing.get_context("forkserver")
        self.place = place
        self.job: Job | None = None
        self.beside = 0  # the most other jobs that were on its GPU at once since its last one began
        self.use: GpuUse | None = None  # of its GPU, after its last job
        self.channel, theirs = context.Pipe()
        self.scratch = scratch.worker_folder()
        name = f"unlearnleak worker {place.slot.number}"
        self.process = context.Process(target=work, args=(theirs, place, self.scratch), name=name, daemon=True)
        self.process.start()
        theirs.close()  # so that the end of the process is the end of its channel

    def give(self, job: Job) -> None:
        """Start a job; one that the worker did not live to read ends as one that died."""
        self.job, self.beside = job, 0
        with suppress(BrokenPipeError, ConnectionResetError):
            self.channel.send(job)

    def finish(self) -> tuple[int, JobReturn]:
        """The number and the return of the job, whose answer or whose process's end has come."""
        assert self.job is not None
        (number, overrides), self.job = self.job, None
        if not self.process.is_alive():
            self.kill()  # what the job left running would hold the channel open
        try:
            self.use, answer = self.channel.recv()
        except (EOFError, OSError):  # nothing came, or not all of it
            end([self])
            return number, failed(overrides, JobDied(exit_reason(self.process.exitcode, self.place.log)))
        try:
            return number, pickle.loads(answer)
        except Exception as error:  # unpacking runs code of the job's own classes
            return number, failed(
                overrides, RuntimeError(f"its answer cannot be read: {type(error).__name__}: {error}")
            )

    def is_there(self) -> bool:
        """Whether the worker lives; asked while it is idle, when all that can come through its channel is the end."""
        return self.process.is_alive() and not self.channel.poll()

    def kill(self) -> None:
        """Kill the process and all that it started."""
        assert self.process.pid is not None
        self.process.kill()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def end(workers: Sequence[Worker]) -> None:
    """Let idle workers go, interrupt busy ones, and after a while kill what is left of any."""
    for worker in workers:
        worker.channel.close()
        if worker.job is not None:
            worker.process.terminate()
    deadline = time.monotonic() + GRACE
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        worker.kill()
        worker.process.join(GRACE)
        scratch.remove(worker.scratch)


def exit_reason(exitcode: int | None, log: Path) -> str:
    """What is known about a process that ended in the middle of a job."""
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        how = f"was killed by signal {-exitcode} ({name})" + (": perhaps out of memory" if name == "SIGKILL" else "")
    else:
        how = f"ended with exit status {exitcode}"
    return f"The job's process {how}; see {log}"


def ready_worker(workers: dict[int, Worker], slot: int, place: WorkerPlace) -> Worker:
    """The slot's idle worker; a new one where there is none yet, or it died while it waited, or was told other things.

    Raises:
        UserError: no process can be started.
    """
    if slot in workers and not (workers[slot].is_there() and workers[slot].place == place):
        end([workers.pop(slot)])
    if slot not in workers:
        try:
            workers[slot] = Worker(place)
        except (OSError, EOFError) as error:
            free = free_memory()
            memory = "" if free is None else f"; {free // 2**20} MiB of memory are free"
            raise UserError(
                f"No worker process can be started ({error or type(error).__name__}{memory}). Where that is too "
                "little, end what else runs, or raise the limit; the same command goes on from what is stored."
            ) from error
    return workers[slot]


def answering(workers: Iterable[Worker]) -> list[Worker]:
    """Wait until busy workers have answered or ended; returns these."""
    ends: dict[Any, Worker] = {}
    for worker in workers:
        if worker.job is not None:
            ends |= {worker.channel: worker, worker.process.sentinel: worker}
    return list({id(ends[ready]): ends[ready] for ready in wait(list(ends))}.values())


def start_server(task: TaskFunction) -> None:
    """Start the server process, which imports what workers need: PyTorch for this project's jobs only."""
    modules = ["unlearnleak.sweep.pool.server", "unlearnleak.sweep.pool.worker"]
    code = getattr(inspect.unwrap(task), "__code__", None)
    if code and Path(code.co_filename).is_relative_to(Path(unlearnleak.__file__).parent):
        modules += ["unlearnleak.pipeline.job", "unlearnleak.screening.kmeans"]  # the second for scikit-learn
    multiprocessing.get_context("forkserver").set_forkserver_preload(modules)
    scratch.make_socket_folder()
    heard = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if main:  # Ctrl-C is the launching process's to deal with, also while the server imports
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        if main:
            signal.signal(signal.SIGINT, heard)


class Pool:
    """The pool launcher's work; see `hydra_plugins.unlearnleak.pool`.

    Workers stay from one launch to the next, such as a sweep's waves, until `close` or the end of the process.
    """

    def __init__(
        self, settings: PoolSettings, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.settings, self.auto = settings, False
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config
        self.slots: list[Slot] | None = None
        self.workers: dict[int, Worker] = {}  # by slot
        self.state: bytes | None = None  # what all jobs share, packed
        self.service: mps.Mps | None = None
        self.service_tried = False
        atexit.register(self.close)

    def close(self) -> None:
        """End the workers, and then what they shared their GPUs by."""
        end(list(self.workers.values()))
        self.workers.clear()
        if self.service:
            self.service.stop()
            self.service, self.service_tried = None, False

    def launch(self, job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
        """Run the jobs, numbered from `first`, and return one JobReturn each, in order.

        Raises:
            UserError: settings that this machine does not allow.
        """
        setup_globals()
        self.slots = self.slots_for(len(job_overrides))
        start_server(self.task_function)
        jobs: deque[Job] = deque(enumerate(job_overrides, start=first))
        done: dict[int, JobReturn] = {}
        gpus = {slot.gpu for slot in self.slots}
        assert self.settings.jobs_per_gpu != "auto", "slots_for has found a number"
        room = Room(gpus, most=self.settings.jobs_per_gpu, auto=self.auto)
        try:
            worker_places = self.worker_places(self.slots)
            self.dismiss(lambda slot, gpu: slot >= len(worker_places))
            while len(done) < len(job_overrides):
                for slot, place in enumerate(worker_places):
                    idle = slot not in self.workers or self.workers[slot].job is None
                    if jobs and idle and room.takes(place.slot.gpu, len(self.on(place.slot.gpu, busy=True))):
                        room.begins(place.slot.gpu, jobs[0][0])
                        ready_worker(self.workers, slot, place).give(jobs.popleft())
                        self.count_beside(place.slot.gpu)
                for worker in answering(self.workers.values()):
                    job, gpu = worker.job, worker.place.slot.gpu
                    number, returned = worker.finish()
                    if returned.status is not JobStatus.COMPLETED:  # a CUDA error, say, stays with its process
                        end([self.workers.pop(worker.place.slot.number)])
                        full = isinstance(returned._return_value, GpuFull)
                        if full and job and room.found_full(gpu, worker.beside):
                            jobs.append(job)
                            continue
                        if OmegaConf.select(self.config, "fail_fast"):
                            request_stop(f"fail_fast=true, and a job had failed: {returned._return_value}")
                    else:
                        room.learn(gpu, worker.use, len(self.on(gpu)))
                    room.ended(gpu, number, len(self.on(gpu, busy=True)), len(jobs))
                    done[number] = returned
                self.dismiss(lambda _, gpu: room.crowded(gpu, len(self.on(gpu))))
        except BaseException:
            self.close()
            raise
        return [done[number] for number in sorted(done)]

    def on(self, gpu: str | None, *, busy: bool = False) -> list[Worker]:
        """The workers on a GPU; those that have a job."""
        return [each for each in self.workers.values() if each.place.slot.gpu == gpu and (each.job or not busy)]

    def count_beside(self, gpu: str | None) -> None:
        """A job has begun on a GPU: remember of each that runs there beside how many it does.

        Not asked when a job fails: those that took its room may have ended by then.
        """
        together = self.on(gpu, busy=True)
        for each in together:
            each.beside = max(each.beside, len(together) - 1)

    def dismiss(self, superfluous: Callable[[int, str | None], bool]) -> None:
        """End idle workers, the last first, which would only hold memory."""
        for slot in sorted(self.workers, reverse=True):
            worker = self.workers[slot]
            if worker.job is None and superfluous(slot, worker.place.slot.gpu):
                end([self.workers.pop(slot)])

    def slots_for(self, jobs: int | None) -> list[Slot]:
        """The slots that a launch of so many jobs has; None: of as many as can be."""
        runtime = OmegaConf.select(self.config, "runtime")
        plain: Any = OmegaConf.to_container(runtime, resolve=True) if OmegaConf.is_config(runtime) else {}
        # Once: workers that are there already hold memory, which is theirs to use.
        if self.settings.jobs_per_gpu == "auto":
            gpus = chosen_gpus(self.settings.gpus, str(plain.get("device", "auto")))
            self.auto, self.settings = True, replace(self.settings, jobs_per_gpu=most_per_gpu(self.settings, len(gpus)))
        if self.settings.workers == "auto":
            self.settings = replace(self.settings, workers=len(slots(self.settings, plain, None)))
        return slots(self.settings, plain, jobs)

    def worker_places(self, places: Sequence[Slot]) -> list[WorkerPlace]:
        """What the worker of each slot gets; what all jobs share is packed once."""
        folder = launch_folder() or Path(str(self.config.hydra.sweep.dir)) / ".launches" / "default"
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if self.state is None:
            parts = (Singleton.get_state(), self.hydra_context, self.task_function, self.config)
            self.state = cloudpickle.dumps(parts)
        here, environment, state = Path.cwd(), os.environ | self.shared(places), self.state
        return [WorkerPlace(slot, folder / f"worker-{slot.number}.log", here, environment, state) for slot in places]

    def shared(self, places: Sequence[Slot]) -> dict[str, str]:
        """What lets workers share a GPU at the same time, started with the first launch where several do."""
        gpus = {slot.gpu for slot in places} - {None}
        if gpus and len(places) > len(gpus) and not self.service_tried:
            self.service, self.service_tried = mps.started(self.settings.mps), True
        return self.service.environment if self.service else {}
