"""Jobs that end in every way, for launchers; `python -m tests.sweep.pool_jobs` is a Hydra application of them."""

import os
import signal
import socket
import stat
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from tests.patience import PATIENCE
from unlearnleak.errors import GpuFull
from unlearnleak.machine.memory import GIBIBYTE
from unlearnleak.sweep.pool import worker
from unlearnleak.sweep.pool.room import GpuUse

CONFIG = """
do: answer
code: 0
many: 2  # jobs that meet
late: 0  # seconds from finding the GPU full to saying so
folder: ???
runtime: {device: cpu, threads: 1}
hydra:
  searchpath: ["file://CONF"]
  sweep: {dir: "${folder}/sweep", subdir: "${hydra.job.num}"}
"""


class Unsent(Exception):
    """Can be pickled, but not unpickled."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} for {why}")


def number() -> int:
    return int(HydraConfig.get().job.num)


def appear(paths: list[Path]) -> None:
    """Wait until all the files are there."""
    end = time.monotonic() + PATIENCE
    while not all(path.exists() for path in paths):
        if time.monotonic() > end:
            raise TimeoutError(f"not there: {[path.name for path in paths if not path.exists()]}")
        time.sleep(0.01)


def answer(config: DictConfig) -> int:
    print("a job speaks")
    return number()


def throw(config: DictConfig) -> None:
    raise ValueError("on purpose")


def throw_unsent(config: DictConfig) -> None:
    raise Unsent("fish", "supper")


def leave(config: DictConfig) -> None:
    sys.exit(config.code)


def leave_at_once(config: DictConfig) -> None:
    os._exit(config.code)


def get_killed(config: DictConfig) -> None:
    os.kill(os.getpid(), config.code)


def get_killed_as_a_parent(config: DictConfig) -> None:
    """Its child inherits everything and would live on."""
    child = os.fork()
    if child == 0:
        time.sleep(PATIENCE)
        os._exit(0)
    (Path(config.folder) / "child").write_text(str(child))
    os.kill(os.getpid(), signal.SIGKILL)


def get_killed_while_answering(config: DictConfig) -> None:
    """The launcher sees the beginning of a long message, and then no more."""
    for open_file in list(Path("/proc/self/fd").iterdir()):
        if open_file.exists() and stat.S_ISSOCK(open_file.stat().st_mode):
            with socket.socket(fileno=os.dup(int(open_file.name))) as channel:
                channel.send(struct.pack("!i", 1000) + b"some of it")
    os.kill(os.getpid(), signal.SIGKILL)


def give_what_cannot_be_sent(config: DictConfig) -> Any:
    return threading.Lock()


def look(config: DictConfig) -> dict[str, Any]:
    import torch

    names = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TOLD", "CUDA_MPS_PIPE_DIRECTORY")
    return {"pid": os.getpid(), "threads": torch.get_num_threads(), "cwd": str(Path.cwd())} | {
        name: os.environ.get(name) for name in names
    }


def leave_files(config: DictConfig) -> str:
    """What a library leaves that tidies up at the end of its process, which a worker has not; `code` kills it."""
    folder = tempfile.mkdtemp(prefix=f"{os.environ['TMPDIR']}/left")
    Path(config.folder, f"left-{number()}").write_text(folder)
    if config.code:
        os.kill(os.getpid(), config.code)
    return folder


def take_threads(config: DictConfig) -> dict[str, Any]:
    import torch

    torch.set_num_threads(5)
    return look(config)


def meet(config: DictConfig) -> int:
    """Come together with the `many - 1` other jobs of the same group: possible only if all run at the same time."""
    folder, group = Path(config.folder), number() // config.many
    (folder / f"here-{number()}").touch()
    appear([folder / f"here-{group * config.many + index}" for index in range(config.many)])
    return os.getpid()


def fill(config: DictConfig) -> int:
    """Need the GPU for itself: fail beside the `many - 1` others that begin with it, and do well alone or later."""
    folder = Path(config.folder)
    (folder / f"here-{number()}-{os.getpid()}").touch()
    beside = folder / "full"
    if number() == 1 and not beside.exists():
        appear([folder / f"waits-{each}" for each in range(2, config.many + 1)])
        beside.touch()
        time.sleep(config.late)
        raise GpuFull("the GPU is full")
    if 1 < number() <= config.many and not beside.exists():
        (folder / f"waits-{number()}").touch()
        appear([beside])
    return number()


def use_gpu(config: DictConfig) -> int:
    """Say what a job says that has used a GPU of 80 GiB."""
    worker.gpu_use = lambda: GpuUse(78 * GIBIBYTE, GIBIBYTE)
    return number()


def note(config: DictConfig) -> None:
    """Leave the process's number."""
    (Path(config.folder) / f"pid-{number()}").write_text(str(os.getpid()))


def load(config: DictConfig) -> list[int]:
    """Let another process read the data."""
    from torch.utils.data import DataLoader

    return [int(batch.sum()) for batch in DataLoader(range(6), batch_size=3, num_workers=1)]


def hang(config: DictConfig) -> None:
    """Never end by itself, and have a child; say so, and say when it was interrupted."""
    folder = Path(config.folder)
    child = os.fork()
    if child:
        (folder / f"new-{number()}").write_text(f"{os.getpid()} {os.getppid()} {child}")
        (folder / f"new-{number()}").rename(folder / f"pids-{number()}")
    try:
        while True:
            time.sleep(0.1)
    finally:
        if child:
            (folder / f"interrupted-{number()}").touch()


JOBS: list[Callable[[DictConfig], Any]] = [
    answer, throw, throw_unsent, leave, leave_at_once, get_killed, get_killed_as_a_parent, get_killed_while_answering,
    give_what_cannot_be_sent, look, leave_files, take_threads, meet, fill, use_gpu, note, load, hang,
]  # fmt: skip


def task(config: DictConfig) -> Any:
    """Do what `do` says."""
    return next(job for job in JOBS if job.__name__ == config.do)(config)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
    hydra.main(config_path=None, config_name="jobs", version_base="1.3")(task)()
