"""Inside a worker of the pool: a process that runs one job after another until it is told nothing more.

It leads a process group of its own, so that whatever a job starts ends with it, and it ends with its launcher: when
that is gone, even by `kill -9`, the pipe between the two closes and the whole group is killed.
"""

import faulthandler
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path

import cloudpickle  # type: ignore[import-untyped]
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, filter_overrides, run_job, setup_globals
from omegaconf import open_dict

from unlearnleak.errors import Terminated
from unlearnleak.machine.memory import offer_this_process
from unlearnleak.machine.printable import write_any_letter
from unlearnleak.machine.process import signal_at_parents_end
from unlearnleak.runs.launch import JobDied
from unlearnleak.sweep.pool import scratch
from unlearnleak.sweep.pool.room import gpu_use
from unlearnleak.sweep.pool.slots import VISIBLE, Slot

Perform = Callable[[int, Sequence[str]], JobReturn]


@dataclass(frozen=True)
class WorkerPlace:
    """All that a worker gets when it starts; `state` is what all jobs share, pickled."""

    slot: Slot
    log: Path
    folder: Path
    environment: dict[str, str]
    state: bytes


def work(channel: Connection, place: WorkerPlace, temporaries: Path) -> None:
    """Answer every (number, overrides) that comes through `channel` with a pickled JobReturn, until it closes.

    With each goes what the process then sees of its GPU.

    What its libraries keep for a while goes to the folder `temporaries`, which the launcher removes when it has ended.
    """
    enter(place, temporaries)
    perform = prepared(place)
    while True:
        try:
            number, overrides = channel.recv()
        except (EOFError, ConnectionResetError):
            return
        answer = shipped(perform(number, overrides))
        try:
            channel.send((gpu_use(), answer))
        except BrokenPipeError:  # the launcher has stopped and does not listen any more
            return


def enter(place: WorkerPlace, temporaries: Path) -> None:
    """Make the process a worker: its group, its log, its environment, its signals; before anything heavy."""
    os.setsid()
    offer_this_process()
    signal_at_parents_end(signal.SIGCONT)  # so that one that was stopped can follow its launcher, too
    multiprocessing.current_process().daemon = False  # a DataLoader in a job starts processes
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream in (1, 2):  # native code's words too
        os.dup2(log, stream)
    os.close(log)
    for text in (sys.stdout, sys.stderr):
        if isinstance(text, TextIOWrapper):
            text.reconfigure(line_buffering=True)
    write_any_letter()
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the launcher's: it stops the jobs in order
    signal.signal(signal.SIGTERM, stopped)
    threading.Thread(target=follow_launcher, args=[temporaries], name="follow launcher", daemon=True).start()
    os.environ.clear()  # the fork server's is that of the first launch
    os.environ.update(place.environment)
    scratch.keep_temporaries_in(temporaries)
    os.chdir(place.folder)
    if place.slot.gpu is not None:
        os.environ[VISIBLE] = place.slot.gpu
    share_cores(place.slot.threads)


def share_cores(threads: int) -> None:
    """Use this many threads, unless OMP_NUM_THREADS says how many; runtime.threads overrides it for a job."""
    told = os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    if "torch" in sys.modules and told.isdecimal() and int(told):  # it read the variable in the fork server
        sys.modules["torch"].set_num_threads(int(told))


def stopped(signum: int, frame: object) -> None:
    """SIGTERM ends the job in an orderly way, once: what the job then closes is not to be interrupted."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated(128 + signum)


def follow_launcher(temporaries: Path) -> None:
    """Wait for the end of the launching process, then end this one and all that it started."""
    launcher = multiprocessing.parent_process()
    assert launcher is not None
    launcher.join()
    scratch.remove(temporaries)
    os.killpg(0, signal.SIGKILL)


def terminated() -> bool:
    """Whether SIGTERM has come."""
    return signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def prepared(place: WorkerPlace) -> Perform:
    """Unpack what all jobs share; returns what runs one of them as Hydra's own launcher does."""
    singletons, context, task, master = cloudpickle.loads(place.state)
    Singleton.set_state(singletons)
    setup_globals()

    def perform(number: int, overrides: Sequence[str]) -> JobReturn:
        print(f"--- job {number}: {' '.join(filter_overrides(overrides))}")
        share_cores(place.slot.threads)  # whatever the job before has set
        try:
            config = context.config_loader.load_sweep_config(master, list(overrides))
            with open_dict(config):
                config.hydra.job.id = config.hydra.job.num = number
            done = run_job(task, config, "hydra.sweep.dir", "hydra.sweep.subdir", context)
        except SystemExit as end:
            ending = "was ended by SIGTERM" if terminated() else f"called sys.exit({end.code!r})"
            done = failed(overrides, JobDied(f"The job {ending}; see {place.log}"))
        except BaseException as error:
            done = failed(overrides, error)
        if isinstance(done._return_value, BaseException):
            traceback.print_exception(done._return_value)
        return done

    return perform


def failed(overrides: Sequence[str], reason: BaseException) -> JobReturn:
    """The return of a job that could not give its own."""
    told = list(filter_overrides(overrides))
    return JobReturn(overrides=told, status=JobStatus.FAILED, _return_value=reason)


def shipped(done: JobReturn) -> bytes:
    """A job's return as bytes, without its config, which the launcher knows.

    A value that cannot travel is dropped; of such an exception, type and words remain.
    """
    done = replace(done, cfg=None, hydra_cfg=None)
    try:
        data: bytes = cloudpickle.dumps(done)
        pickle.loads(data)  # an exception may be packed and yet not unpacked again
    except Exception:  # a foreign object may raise anything here
        traceback.print_exc()
        value = done._return_value
        kept = RuntimeError(f"{type(value).__name__}: {value}") if done.status == JobStatus.FAILED else None
        data = cloudpickle.dumps(replace(done, _return_value=kept))
    return data
