"""Where and how things run: device, threads, library noise. No key in the store sees any of it."""

import logging
import warnings

import torch

from unlearnleak.errors import UserError

MEBIBYTE = 2**20


def resolve_device(name: str) -> torch.device:
    """The device called `name`: "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:N".

    Raises:
        UserError: no such device here; the message lists those that are.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda:0" if count else "cpu")
    there = ["cpu", *(f"cuda:{index}" for index in range(count))]
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in there:
        raise UserError(
            f"runtime.device={name} is not there: this machine has {', '.join(there)}. "
            "Use runtime.device=auto to take a GPU where there is one and the CPU otherwise."
        )
    return torch.device(wanted)


def runs_behind(device: torch.device) -> bool:
    """Whether the device works through what it is told while the host goes on: then each question to it is a wait."""
    return device.type == "cuda"


def count_memory_anew(device: torch.device) -> None:
    """Let a GPU's peak memory count from here. CUDA is opened first: it cannot count before, and says so badly."""
    if device.type == "cuda":
        torch.cuda.init()
        note_reserved(device)
        torch.cuda.reset_peak_memory_stats(device)


_reserved: dict[int, int] = {}


def note_reserved(device: torch.device) -> None:
    """Remember the most that PyTorch had reserved on a GPU, before its counts begin anew."""
    _reserved[device.index or 0] = max(_reserved.get(device.index or 0, 0), torch.cuda.max_memory_reserved(device))


def most_reserved(device: torch.device) -> int:
    """The most bytes that PyTorch had reserved on a GPU since this was asked last, however often it counted anew."""
    note_reserved(device)
    torch.cuda.reset_peak_memory_stats(device)
    return _reserved.pop(device.index or 0)


def peak_memory(device: torch.device) -> dict[str, float]:
    """`device_memory_mib`, a GPU's peak since `count_memory_anew`; nothing on the CPU."""
    return {"device_memory_mib": torch.cuda.max_memory_allocated(device) / MEBIBYTE} if device.type == "cuda" else {}


def set_threads(threads: int | None) -> None:
    """Let PyTorch use this many CPU threads; None leaves its own choice (all cores, or OMP_NUM_THREADS)."""
    if threads is None:
        return
    if threads < 1:
        raise UserError(f"runtime.threads={threads} is not possible: at least 1, or null for all cores.")
    torch.set_num_threads(threads)


def quiet_lightning() -> None:
    """Keep Lightning's hints (devices found, tips, workers advised) out of the terminal; its errors stay."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"pytorch_lightning.*")
    warnings.filterwarnings("ignore", message=r"The `srun` command is available")  # jobs are launched without it
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")
