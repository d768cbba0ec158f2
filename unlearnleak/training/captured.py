"""CapturedTraining: how a classifier is trained on a GPU, whole steps at a time.

A step of a small network is a hundred kernels, each launched by the host in more time than it takes to run. Here a
step, from the choice of its images to the optimiser's, is captured once as a CUDA graph (`machine.graphs`), and the
host replays it for a block of batches before Lightning and the callbacks are asked again. Everything that changes from
step to step lies in tensors: the samples, the learning rate, and what a callback draws (`Draws`).

What a callback does within a step runs within the captured one: its hooks of the names in WITHIN are called there, and
Lightning does not call them; `on_train_batch_end` is called once a block. That is right only where those hooks, and a
criterion that it puts in place, launch kernels and read nothing but tensors, which a class says of itself by
`captured = True` (for itself alone: a class derived from it says it anew). With any other callback training goes batch
by batch.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from unlearnleak.machine.graphs import Step, graphs_allowed, repeated
from unlearnleak.model.base import Classifier
from unlearnleak.training.augmentation import crop_flip
from unlearnleak.training.batches import Batches, Block, Blocks
from unlearnleak.training.lit import LitTraining, Sums
from unlearnleak.training.optimization import Optimization

log = logging.getLogger(__name__)

BLOCK = 128
"""Batches of a block at most: what Lightning does once a block takes as long as a few steps."""
WITHIN = ("on_train_batch_start", "on_after_backward", "on_before_optimizer_step")
"""Hooks that are called within a step."""


@runtime_checkable
class Draws(Protocol):
    """A callback whose steps depend on chance: it draws on the CPU, and finds the step's draw as `drawn`."""

    drawn: Tensor | None

    def draw(self, batch_size: int, pass_number: int) -> Tensor | None:
        """What the next step of this pass needs, in one shape and type for all steps of it; None for nothing."""


@runtime_checkable
class Keeps(Protocol):
    """A callback that changes tensors of its own in place from step to step."""

    def step_state(self) -> Iterable[Tensor]:
        """These tensors."""


@runtime_checkable
class Looks(Protocol):
    """A callback whose `on_train_batch_end` is to be called after every so many batches, counted from the first."""

    check_every: int


def overrides(callback: pl.Callback, hook: str) -> bool:
    """Whether a callback has this hook of Lightning's."""
    return getattr(type(callback), hook, None) is not getattr(pl.Callback, hook, None)


def why_not_captured(callbacks: Sequence[pl.Callback], device: torch.device) -> str | None:
    """Why steps are not captured with these callbacks on this device; None if they are."""
    if device.type != "cuda":
        return f"the device is {device}"
    if not graphs_allowed():
        return "runtime.cuda_graphs=false"
    for callback in callbacks:
        if not vars(type(callback)).get("captured"):
            return f"{type(callback).__name__} does not say captured = True"
    return None


def is_captured(callbacks: Sequence[pl.Callback], device: torch.device, label: str) -> bool:
    """Whether steps are captured; on a GPU one line in the log says why they are not."""
    why = why_not_captured(callbacks, device)
    if why is not None and device.type == "cuda":
        log.info("%s goes batch by batch: %s", label, why)
    return why is None


class Outside(pl.Callback):
    """A callback as Lightning sees it where its part within a step is captured."""

    def __init__(self, callback: pl.Callback) -> None:
        self.callback = callback

    def __getattribute__(self, name: str) -> Any:
        if name in WITHIN or name in {"callback", "log", "log_dict", "__class__", "__dict__"}:
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "callback"), name)


class CapturedTraining(LitTraining):
    """A training whose batches come in `Blocks`.

    Args:
        callbacks: all of them; their part within a step is called there.
    """

    def __init__(
        self,
        model: Classifier,
        optimization: Optimization,
        batches: Batches,
        callbacks: Sequence[pl.Callback],
    ) -> None:
        super().__init__(model, optimization)
        self.automatic_optimization = False
        self.batches, self.inside = batches, list(callbacks)
        self.steps: dict[int, PassSteps] = {}

    def configure_optimizers(self) -> Any:
        """The optimiser alone: its schedule is in the steps."""
        return self.optimization.captured_optimizer(self.model.parameters(), self.batches.data.labels.device)

    def loader(self, batches: Batches, epochs_before: int) -> Blocks:
        """The batches in blocks, each up to where a callback looks."""
        looks = [callback for callback in self.inside if overrides(callback, "on_train_batch_end")]
        every = [callback.check_every for callback in looks if isinstance(callback, Looks)]
        done = epochs_before * self.optimization.steps_per_epoch
        return Blocks(batches, BLOCK, every=min(every) if every else None, done=done)

    def training_step(self, batch: Block, batch_idx: int) -> dict[str, Sums]:  # type: ignore[override]
        """A block of steps."""
        if batch.pass_number not in self.steps:
            self.steps[batch.pass_number] = PassSteps(self, batch.pass_number)
        return {"sums": self.steps[batch.pass_number].take(batch)}

    def draws(self, count: int, batch_size: int, pass_number: int) -> Iterator[tuple["Draws", Tensor]]:
        """For each callback that draws, and has something to draw in this pass, what `count` steps need, [S, ...]."""
        for callback in self.inside:
            if isinstance(callback, Draws):
                drawn = [callback.draw(batch_size, pass_number) for _ in range(count)]
                given = [each for each in drawn if each is not None]
                if given:
                    yield callback, torch.stack(given)

    def let_go(self) -> None:
        """Free what only training needed: graphs hold their tensors."""
        self.steps.clear()
        for callback in self.inside:
            if isinstance(callback, Draws):
                callback.drawn = None


class PassSteps:
    """The steps of one pass: the tensors that they read and the graph that is replayed.

    Attributes:
        at_1: which batch of the block is next.
        sums: what the curve adds up over a block.
    """

    def __init__(self, lit: CapturedTraining, number: int) -> None:
        self.lit, self.number = lit, number
        part = lit.batches.parts[number]
        self.data, self.batch_size, self.moved = part.data, part.batch_size, part.augmentation != "none"
        self.device = self.data.labels.device
        optimizer: Any = lit.optimizers(use_pl_optimizer=False)  # there is one
        self.optimizer = optimizer
        for group in optimizer.param_groups:  # a rate from a checkpoint lies on the CPU
            group["lr"] = torch.as_tensor(group["lr"], dtype=torch.float32, device=self.device)
        self.index_SB = torch.zeros(BLOCK, self.batch_size, dtype=torch.int64, device=self.device)
        self.moves_SB3 = torch.zeros(BLOCK, self.batch_size, 3, dtype=torch.int64, device=self.device)
        self.rate_S = torch.zeros(BLOCK, device=self.device)
        self.at_1 = torch.zeros(1, dtype=torch.int64, device=self.device)
        self.loss, self.correct = (torch.zeros((), device=self.device) for _ in range(2))
        self.drawn: dict[Any, Tensor] = {}
        self.again: Step | None = None

    def take(self, block: Block) -> Sums:
        """Train on a block of batches of this pass."""
        count = len(block.index_SB)
        self.index_SB[:count].copy_(block.index_SB)
        if block.moves_SB3 is not None:
            self.moves_SB3[:count].copy_(block.moves_SB3)
        done = self.lit.current_epoch * self.lit.optimization.steps_per_epoch + block.first
        rates = [self.lit.optimization.lr * self.lit.optimization.rate_at(done + each) for each in range(count)]
        self.rate_S[:count].copy_(torch.tensor(rates))
        for callback, drawn in self.lit.draws(count, self.batch_size, self.number):
            if callback not in self.drawn:
                self.drawn[callback] = torch.zeros((BLOCK, *drawn.shape[1:]), dtype=drawn.dtype, device=self.device)
            self.drawn[callback][:count].copy_(drawn)
        for sum_ in (self.at_1, self.loss, self.correct):
            sum_.zero_()
        if self.again is None:
            self.first = block.first
            times = self.lit.optimization.steps
            self.again = repeated(self.step, self.state, self.device, "a training step", times=times)
        for _ in range(count):
            self.again()
        return Sums(self.loss, self.correct, count, count * self.batch_size)

    def state(self) -> list[Tensor]:
        """Everything that a step changes and reads again."""
        momenta = [value for state in self.optimizer.state.values() for value in state.values()]
        own = [
            tensor for callback in self.lit.inside if isinstance(callback, Keeps) for tensor in callback.step_state()
        ]
        model = self.lit.model
        mine = [self.at_1, self.loss, self.correct]
        return [*model.parameters(), *model.buffers(), *filter(torch.is_tensor, momenta), *own, *mine]

    def step(self) -> None:
        """One step, the batch of which `at_1` says."""
        lit, model = self.lit, self.lit.model
        index_B = self.index_SB.index_select(0, self.at_1)[0]
        images_BCHW, labels_B = self.data.images.index_select(0, index_B), self.data.labels.index_select(0, index_B)
        if self.moved:
            images_BCHW = crop_flip(images_BCHW, self.moves_SB3.index_select(0, self.at_1)[0])
        batch = images_BCHW, labels_B
        rate = self.rate_S.index_select(0, self.at_1)[0]
        for group in self.optimizer.param_groups:
            group["lr"].copy_(rate)
        for callback, drawn in self.drawn.items():
            callback.drawn = drawn.index_select(0, self.at_1)[0]
        self._call("on_train_batch_start", batch, self.first)
        self.optimizer.zero_grad(set_to_none=True)
        bf16 = lit.optimization.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16, cache_enabled=False):
            logits_BK = model(model.normalize(batch[0]))
            loss = lit.criterion(logits_BK, batch[1])
        loss.backward()
        self._call("on_after_backward")
        self._call("on_before_optimizer_step", self.optimizer)
        if lit.optimization.clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), lit.optimization.clip_norm)
        self.optimizer.step()
        self.loss += loss.detach()
        self.correct += (logits_BK.detach().argmax(1) == batch[1]).sum()
        self.at_1 += 1

    def _call(self, hook: str, *words: Any) -> None:
        for callback in self.lit.inside:
            act: Callable[..., None] = getattr(callback, hook)
            act(self.lit.trainer, self.lit, *words)
