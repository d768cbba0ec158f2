"""Checkpoints: what lets a training that was killed go on from the end of an epoch, to the same bits.

Lightning keeps the weights, the optimiser with its momentum, the learning rate's schedule, the loops, and what each
callback's `state_dict` returns. `Checkpoints` is such a callback, and adds the batches' generator.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from unlearnleak.errors import UserError
from unlearnleak.training.checkpoint_files import CheckpointFiles, set_aside

log = logging.getLogger(__name__)

FOLDER = ".checkpoints"
"""Where they lie in a store: FOLDER/<stage>/<key>. No stage can be called so."""


class Checkpoints(Checkpoint):
    """Saves one training's state at the end of an epoch, and finds it again. One object serves one `fit`.

    Args:
        folder: of this training alone, but any number of processes may share it; made when first needed.
        seconds: that must have passed since the last checkpoint, or since the training began. A shorter training
            writes none, and none is written where the training ends anyway.
        made_with: versions, device, threads: whatever decides the bits and is not in the training's key. A
            checkpoint that was made with anything else is not taken.
        clock: the time in seconds.

    Attributes:
        resumed_from_epoch: after how many epochs this training went on, 0 where it began anew.
        seconds_before: what these epochs had taken.
    """

    def __init__(
        self, *, folder: Path, seconds: float, made_with: Mapping[str, Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.seconds, self.clock = folder, seconds, clock
        own = {"lightning": version("pytorch-lightning"), **made_with}
        self.made_with = {name: str(value) for name, value in own.items()}  # torch.__version__ is no plain str
        self.files = CheckpointFiles()
        self.generator: torch.Generator
        self.began = self.last = clock()
        self.training = False
        self.resumed_from_epoch, self.seconds_before = 0, 0.0

    def find(
        self, model: torch.nn.Module, generator: torch.Generator, callbacks: Sequence[pl.Callback] = ()
    ) -> Path | None:
        """The folder, if a checkpoint in it fits `model` and has the states of all `callbacks` that keep one.

        One that is damaged, lacks a part, or fits no longer, is warned of: the training then starts over. `generator`,
        which draws the batches' order, is kept too.
        """
        self.generator = generator
        keeping = [each for each in (*callbacks, self) if type(each).state_dict is not pl.Callback.state_dict]
        found = self.files.find(self.folder, [each.state_key for each in keeping])
        if found is None:
            return None
        if self._fits(found, model):
            return self.folder
        self.files.found = None
        log.warning("the checkpoint in %s was made with another version or device and is left out", self.folder)
        return None

    def _fits(self, found: dict[str, Any], model: torch.nn.Module) -> bool:
        kept, own = (
            {name: getattr(value, "shape", None) for name, value in weights.items()}
            for weights in (found["state_dict"], model.state_dict())
        )
        made_with = found["callbacks"].get(self.state_key, {}).get("made_with")
        return kept == own and made_with == self.made_with

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Starts the clock."""
        self.training = True
        self.began = self.last = self.clock()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Saves if it is time. Lightning calls this after every other callback has ended the epoch."""
        ends = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        if ends or self.clock() - self.last < self.seconds:
            return
        try:
            trainer.save_checkpoint(self.folder)
        except OSError as error:  # the training itself can still end well
            log.warning("no checkpoint could be written to %s: %s", self.folder, error)
        self.last = self.clock()

    def state_dict(self) -> dict[str, Any]:
        """The batches' generator, and where the training stood."""
        return {
            "generator": self.generator.get_state(),
            "made_with": self.made_with,
            "seconds": self.seconds_before + self.clock() - self.began,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes them back."""
        self.generator.set_state(state_dict["generator"])
        self.seconds_before = state_dict["seconds"]

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Says so: this is called only where a training goes on."""
        self.resumed_from_epoch = checkpoint["epoch"] + 1
        log.info(
            "the training goes on from epoch %d of %s (%s)", self.resumed_from_epoch, trainer.max_epochs, self.folder
        )

    def give_up(self, error: Exception) -> UserError:
        """What to say where Lightning could not go on from what was found, which is set aside."""
        for file in self.folder.glob("*.ckpt"):
            set_aside(file)
        return UserError(
            f"The checkpoint in {self.folder} cannot be gone on from ({type(error).__name__}: {error}) and is set "
            "aside. The same command trains anew."
        )

    def discard(self) -> None:
        """Remove what the training no longer needs. Another process may still write there, or have done it."""
        try:
            self.files.discard(self.folder)
        except OSError as error:
            log.info("the checkpoint in %s stays: %s", self.folder, error)
