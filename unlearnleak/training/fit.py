"""Training through Lightning on images that stay on the device."""

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment

from unlearnleak.config.variables import ignored_variables
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.machine.device import quiet_lightning
from unlearnleak.model.base import Classifier
from unlearnleak.training.batches import Batches, Blocks, Pass, Passes, ResidentBatches
from unlearnleak.training.captured import CapturedTraining, Outside, is_captured
from unlearnleak.training.checkpoint import Checkpoints
from unlearnleak.training.curve import Curve, FrozenStatistics, Row
from unlearnleak.training.lit import LitTraining
from unlearnleak.training.optimization import Optimization

VERSION = 1
"""Of what every training shares and decides numbers: the batches' order and size (batches.py), the step (lit.py), the
optimiser and its schedule (optimization.py), precision, clipping, and the modes that layers are in. Raise it when one
of these gives other numbers under the same settings."""


def fit(
    model: Classifier,
    data: LabeledImages | Sequence[Pass],
    optimization: Optimization,
    *,
    test: LabeledImages,
    generator: torch.Generator,
    label: str,
    callbacks: Sequence[pl.Callback] = (),
    checkpoints: Checkpoints | None = None,
    captured: bool | None = None,
) -> list[Row]:
    """Train `model` in place on `data` (both on one device already) and return its curve, one row per epoch.

    Args:
        data: what an epoch goes through; several passes are gone through one after the other, in batches of their own.
        test: accuracy on these images is part of the curve; nothing is chosen by it.
        generator: draws the batches' order, and how images are moved where the settings augment them.
        label: the progress bar's name.
        callbacks: unlearners and ledgers, called before the curve is recorded.
        checkpoints: if given, a training that was killed goes on from its last checkpoint, and ends (on a CPU) in
            the bits, rows and callbacks' states of one that was not. That holds for callbacks that return all they
            change from `state_dict`; `model`, `data`, `generator` and `callbacks` are to be handed over as at first.
        captured: whether batches are trained on in blocks (`training.captured`); None does so on a GPU where all
            callbacks allow it, and says in the log where one does not.

    With `optimization.epochs` 0 the hooks on_fit_start and on_fit_end are called and nothing is trained.

    Raises:
        UserError: batches hold one image, which the model cannot be trained on; or a checkpoint has lost a part.
    """
    batches: Batches
    if isinstance(data, LabeledImages):
        batches = ResidentBatches(data, optimization.batch_size, generator, optimization.augmentation)
    else:
        batches = Passes(data, generator, optimization.augmentation)
    if optimization.freeze_statistics:
        callbacks = [*callbacks, FrozenStatistics()]
    frozen = any(getattr(callback, "freezes_statistics", False) for callback in callbacks)
    if optimization.epochs and batches.batch_size == 1 and not frozen:
        check_single(model, batches.data.image_shape, f"Batches of one ({label})")
    curve = Curve(test, label)
    every, device = [*callbacks, curve], batches.data.labels.device
    if captured is None:
        captured = is_captured(every, device, label)
    settings = replace(optimization, steps_per_epoch=len(batches))
    model.train()
    if optimization.precision == "bf16":
        model.to(memory_format=torch.channels_last)  # a tenth faster still, for convolutions in bfloat16
    lit = CapturedTraining(model, settings, batches, every) if captured else LitTraining(model, settings)
    before, epochs_before = None, 0
    if checkpoints:
        if captured:
            checkpoints.made_with["steps"] = "captured"  # their optimiser keeps other things
        before = checkpoints.find(lit, generator, every)
        epochs_before = checkpoints.files.epochs
    trainer = make_trainer(settings, device, every, checkpoints, captured=captured)
    try:
        _run(trainer, lit, lit.loader(batches, epochs_before), before)
    except Exception as error:
        told = isinstance(error, (UserError, torch.OutOfMemoryError))  # neither says anything against the checkpoint
        if checkpoints is None or before is None or checkpoints.training or told:
            raise
        raise checkpoints.give_up(error) from error
    finally:
        lit.let_go()
    _leave(model, callbacks, checkpoints, device)
    return curve.rows


def _leave(
    model: Classifier, callbacks: Sequence[pl.Callback], checkpoints: Checkpoints | None, device: torch.device
) -> None:
    """Take away what a training has left behind."""
    model.to(memory_format=torch.contiguous_format)
    model.to(device).eval()  # Lightning leaves it on the CPU
    for callback in filter(None, [*callbacks, checkpoints]):
        for name in ("log", "log_dict"):  # Lightning's, bound to the model: who keeps a callback would keep that too
            vars(callback).pop(name, None)


def check_single(model: Classifier, image_shape: tuple[int, int, int], what: str) -> None:
    """Raises UserError, beginning with `what`, where batch normalisation would see a single value per channel."""
    trial = copy.deepcopy(model).train()  # which keeps the model's own statistics as they are
    image = torch.zeros((1, *image_shape), dtype=torch.uint8, device=trial.mean.device)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            trial(trial.normalize(image))
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        side = "x".join(map(str, image_shape[1:]))
        raise UserError(
            f"{what} are not possible with a {type(model).__name__} and images of {side}: its batch normalisation "
            "needs two images or more. Raise batch_size, or take model=lenet."
        ) from error


def make_trainer(
    optimization: Optimization,
    device: torch.device,
    callbacks: Sequence[pl.Callback],
    checkpoints: Checkpoints | None = None,
    *,
    captured: bool = False,
) -> pl.Trainer:
    """A Lightning trainer on one device that prints nothing and writes no files but `checkpoints`.

    Captured steps clip gradients and choose their precision themselves.
    """
    if captured:
        optimization = replace(optimization, clip_norm=None, precision="fp32")
        callbacks = [Outside(callback) for callback in callbacks]
    quiet_lightning()
    plugins: list[Any] = [LightningEnvironment()]  # on SLURM, Lightning must not requeue jobs by itself
    with ignored_variables():
        return pl.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index or 0] if device.type == "cuda" else 1,
            max_epochs=optimization.epochs,
            min_epochs=0,
            callbacks=[*callbacks, *([checkpoints] if checkpoints else [])],
            gradient_clip_val=optimization.clip_norm,
            precision="bf16-mixed" if optimization.precision == "bf16" else "32-true",
            logger=False,
            enable_checkpointing=checkpoints is not None,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            plugins=[*plugins, *([checkpoints.files] if checkpoints else [])],
        )


def _run(trainer: pl.Trainer, lit: LitTraining, batches: Batches | Blocks, checkpoint: Path | None) -> None:
    """Fit, and let Ctrl-C arrive as KeyboardInterrupt: Lightning makes an exit with status 1 of it."""
    try:
        trainer.fit(lit, train_dataloaders=batches, ckpt_path=checkpoint)
    except SystemExit as exit:
        if not isinstance(exit.__context__, KeyboardInterrupt):
            raise
        raise KeyboardInterrupt from exit


def check_finite(model: Classifier, curve: list[dict[str, float]]) -> None:
    """Raises UserError where a training has run away: neither the store nor an attack could use its numbers."""
    numbers = [row["train_loss"] for row in curve]
    if math.isfinite(sum(numbers)) and all(weight.isfinite().all() for weight in model.state_dict().values()):
        return
    if not numbers:
        raise UserError(
            "The weights are infinite or no numbers, though nothing was trained: the method's own settings."
        )
    raise UserError(
        f"The training has diverged: its mean losses per epoch were {numbers}. "
        "Lower the learning rate: training.lr, or unlearner.lr where the original model was still sound."
    )
