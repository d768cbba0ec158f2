"""How much memory new processes may take, and who goes first where there is not enough."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unlearnleak.errors import GpuFull, UserError
from unlearnleak.machine.printable import first_line

GIBIBYTE = 2**30
RAN_OUT = (
    "can't allocate memory",
    "out of memory",
    "not enough memory",
    "Cannot allocate memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate",  # so cuBLAS where its handle finds no room
)
"""How PyTorch and CUDA's libraries say it, on CPUs and GPUs."""
GPU = re.compile(r"CUDA|CUBLAS|CUDNN|GPU")
ASKED, FREE = re.compile(r"Tried to allocate ([\d.]+ \w+)"), re.compile(r"of which ([\d.]+ \w+) is free")
LESS = ("dataset.train_limit", "training.batch_size", "attack.chunk", "unlearner.ledger_classes")
"""Settings of which a smaller value takes less memory, where nothing more is known."""


@dataclass(frozen=True)
class Kind:
    """The files of one version of control groups: limits, what is used, and the cached part of it, which can go."""

    limits: tuple[str, ...]
    used: str
    cached: str


KINDS = {
    "cgroup2": Kind(("memory.max", "memory.high"), "memory.current", "inactive_file"),
    "cgroup": Kind(("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"),
}


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes that new processes may take without swapping, in the container too; None where that is not told.

    Args:
        root: where /proc and the control groups are looked for.
    """
    free = list(left_by_limits(root))
    with suppress(OSError):
        rows = (root / "proc/meminfo").read_text().splitlines()
        free += [1024 * int(row.split()[1]) for row in rows if row.startswith("MemAvailable:")]
    return min(free, default=None)


@contextmanager
def shortage_told(stage: str | None = None, less: Sequence[str] = LESS) -> Iterator[None]:
    """Raises UserError in the place of what Python, NumPy and PyTorch raise where memory runs out; GpuFull of a GPU's.

    Args:
        stage: the stage that is computed meanwhile.
        less: the settings of which a smaller value takes less memory there.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        told = first_line(error)
        if not isinstance(error, MemoryError) and not any(words in told for words in RAN_OUT):
            raise
        on_gpu = bool(GPU.search(told))
        raise (GpuFull if on_gpu else UserError)(shortage(told, stage, less, on_gpu)) from error


def shortage(told: str, stage: str | None, less: Sequence[str], on_gpu: bool) -> str:
    """The message for people, from the first line of an error."""
    asked, free = ASKED.search(told), FREE.search(told)
    known = [f"{asked[1]} more were asked for"] if asked else []
    known += [f"{free[1]} are free"] if free else []
    said = f" ({', and '.join(known) or told})" if told else ""
    what = (
        "The GPU has not" if on_gpu else "There is not"
    ) + f" enough memory{f' for the stage {stage}' if stage else ''}"
    ways = [f"with a smaller {' or '.join(less)}"] if less else []
    ways += ["with fewer jobs at once (hydra.launcher.jobs_per_gpu)"] if on_gpu else ["with smaller images"]
    ways += [] if on_gpu else ["with fewer workers (hydra.launcher.workers)"]
    return f"{what}{said}. Less is taken {', '.join(ways)}; or take a larger {'GPU' if on_gpu else 'machine'}."


def left_by_limits(root: Path) -> Iterator[int]:
    """What each control group that this process is in leaves, its own and those around it."""
    for kind, folder in own_groups(root):
        with suppress(OSError, ValueError):
            told = [(folder / name).read_text().strip() for name in kind.limits if (folder / name).exists()]
            if limits := [int(text) for text in told if text != "max"]:
                rows = (row.split() for row in (folder / "memory.stat").read_text().splitlines())
                cached = next((int(row[1]) for row in rows if row[0] == kind.cached), 0)
                yield max(0, min(limits) - int((folder / kind.used).read_text()) + cached)


def own_groups(root: Path) -> Iterator[tuple[Kind, Path]]:
    """The folders of the groups that bound this process's memory, from its own outwards, in either version."""
    try:
        members = [row.split(":", 2) for row in (root / "proc/self/cgroup").read_text().splitlines()]
        mounts = [row.split() for row in (root / "proc/self/mountinfo").read_text().splitlines()]
    except OSError:
        return
    paths: dict[str, str] = {}
    for _, names, path in members:
        if not names or "memory" in names.split(","):
            paths["cgroup" if names else "cgroup2"] = path
    for fields in mounts:  # man 5 proc_pid_mountinfo: "id parent device root place options ... - type source options"
        kind = fields[fields.index("-") + 1]
        if kind not in paths or (kind == "cgroup" and "memory" not in fields[-1].split(",")):
            continue
        own, top = PurePosixPath(paths[kind]), PurePosixPath(fields[3])
        inner = own.relative_to(top) if own.is_relative_to(top) else PurePosixPath()  # a container sees its own as /
        place = root / fields[4].lstrip("/")
        for folder in (inner, *inner.parents):
            yield KINDS[kind], place / folder


def offer_this_process(path: Path = Path("/proc/self/oom_score_adj")) -> None:
    """Let the kernel end this process, and what it starts, before the one that started it where memory runs out."""
    with suppress(OSError, ValueError):  # not Linux, or not ours to say
        path.write_text(str(min(1000, int(path.read_text()) + 250)))
