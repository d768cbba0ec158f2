"""CheckpointFiles: a checkpoint on the disk, whole or not at all, and known again if it was damaged.

A folder holds one training's newest checkpoint, `<SHA-256 of the file>.ckpt`: in Lightning's own format, under a name
that says what must be in it. (torch.load checks no checksum: a flipped bit in a weight would go unnoticed.)
"""

import hashlib
import logging
import os
import pickle
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from unlearnleak.data.archive import unfolds
from unlearnleak.store.cleaning import CHECKPOINT
from unlearnleak.store.disk import remove
from unlearnleak.store.temporary import temporary

log = logging.getLogger(__name__)

PARTS: dict[str, type] = {
    "state_dict": dict,
    "callbacks": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
    "loops": dict,
    "epoch": int,
    "global_step": int,
    "pytorch-lightning_version": str,
}
"""What Lightning writes of a training and reads again without looking."""
LOOPS = (
    "epoch_progress",
    "epoch_loop.state_dict",
    "epoch_loop.batch_progress",
    "epoch_loop.scheduler_progress",
    "epoch_loop.automatic_optimization.optim_progress",
)
"""What it must know of where the training stood: without, it would begin at the first epoch with later weights."""


class CheckpointFiles(TorchCheckpointIO):
    """How Lightning reads and writes checkpoints here: paths are folders, and no code is ever unpickled.

    Any number of processes may use one folder: a file is moved into it in one step, and taken only if it is whole.
    """

    def __init__(self) -> None:
        self.found: dict[str, Any] | None = None

    @property
    def epochs(self) -> int:
        """How many epochs of a training are in what `find` found; 0 where that is nothing."""
        return int(self.found["epoch"]) + 1 if self.found else 0

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Put the checkpoint into the folder `path`, then remove the older ones there.

        Raises:
            OSError: the disk is full, read-only or failing. What the folder held stays.
        """
        folder = Path(path)
        with temporary(folder) as beside:
            written = beside / "whole"
            _write(written, checkpoint)
            place = folder / f"{_digest(written)}.ckpt"
            folder.mkdir(exist_ok=True)
            written.replace(place)
        for other in _ours(folder):
            if _written(other) < _written(place):  # never a newer one: two processes would remove each other's
                remove(other)

    def find(self, folder: Path, states: Collection[str] = ()) -> dict[str, Any] | None:
        """The newest sound checkpoint in `folder`, on the CPU; others are warned of and set aside.

        `states` names the callbacks whose states must be among its parts.
        """
        for file in sorted(_ours(folder), key=_written, reverse=True):
            try:
                reason = "it is not what was written" if _digest(file) != file.stem else unfolds(file)
                if not reason:
                    found = torch.load(file, map_location="cpu", weights_only=True)
                    reason = _lacking(found, states)
                    if not reason:
                        self.found = found
                        return self.found
            except FileNotFoundError:
                continue  # another process has removed it meanwhile
            except OSError as error:
                log.warning("the checkpoint %s cannot be used and is left out: %s", file, error)
                continue
            except pickle.UnpicklingError:
                reason = "it holds more than tensors and plain values"
                log.debug("torch refused it.", exc_info=True)
            except Exception as error:  # whatever torch makes of a file that was no checkpoint
                reason = f"it cannot be read: {error}"
            log.warning("the checkpoint %s cannot be used and is set aside: %s", file, reason)
            set_aside(file)
        return None

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """What `find` found. Not read again: another process may have removed it since."""
        assert self.found is not None, "find() comes before Trainer.fit(ckpt_path=...)"
        found, self.found = self.found, None
        return found

    def discard(self, folder: Path) -> None:
        """Remove the checkpoints in `folder`, and it, unless somebody else's files lie there.

        Raises:
            OSError: the disk refuses.
        """
        if folder.is_symlink():
            remove(folder)
            return
        for file in _ours(folder, "*"):
            remove(file)
        with suppress(FileNotFoundError):
            if not any(folder.iterdir()):
                folder.rmdir()


def _ours(folder: Path, names: str = "*.ckpt") -> list[Path]:
    return [path for path in folder.glob(names) if CHECKPOINT.fullmatch(path.name)]


def set_aside(file: Path) -> None:
    """Rename a checkpoint so that it is not found again. It goes with its folder when the training has ended."""
    try:
        file.replace(file.with_suffix(".unusable"))
    except OSError as error:
        log.info("%s cannot be renamed: %s", file, error)


def _negative(values: Any) -> bool:
    """Whether a number below zero stands anywhere among nested values: a training that counts so would not end."""
    if isinstance(values, dict | list):
        return any(map(_negative, values.values() if isinstance(values, dict) else values))
    return isinstance(values, int | float) and values < 0


def _lacking(found: Any, states: Collection[str]) -> str:
    """What a checkpoint lacks of what a training goes on from, in words; "" for nothing."""
    if not isinstance(found, dict):
        return "it is no checkpoint of Lightning's"
    if missing := [name for name, kind in PARTS.items() if not isinstance(found.get(name), kind)]:
        return f"it lacks {', '.join(missing)}"
    loops = found["loops"].get("fit_loop")
    if not isinstance(loops, dict) or not all(loops.get(name) for name in LOOPS) or _negative([loops, found["epoch"]]):
        return "it lacks where the training stood"
    if not found["optimizer_states"]:
        return "it lacks the optimiser's state"
    if missing := [name for name in states if not isinstance(found["callbacks"].get(name), dict)]:
        return f"it lacks the state of {', '.join(missing)}"
    return ""


def _write(path: Path, checkpoint: dict[str, Any]) -> None:
    with path.open("xb") as file:
        try:
            torch.save(checkpoint, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # torch.save hides a full disk behind an error of its own
                raise error.__context__ from error
            raise
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _written(path: Path) -> int:
    """When, in nanoseconds; 0 for a file that has gone away."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
