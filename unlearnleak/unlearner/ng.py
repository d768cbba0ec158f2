"""ng: gradient ascent on the forget set, stopped before the model collapses."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.training.augmentation import crop_flip, drawn_moves
from unlearnleak.training.curve import FrozenStatistics
from unlearnleak.training.predict import predict
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import TrainingUnlearner


def bounded_ascent(logits_NK: Tensor, labels_N: Tensor, bound: float) -> Tensor:
    """-mean_i min(l_i, bound): descending it raises the cross-entropy l_i of each sample up to `bound` nats.

    The gradient of an unbounded ascent is largest for the samples that are forgotten already. With several
    forgotten classes these drag everything, the retained classes too, into whichever forgotten class is left.
    """
    losses_N = cross_entropy(logits_NK, labels_N, reduction="none")
    return -losses_N.clamp(max=bound).mean()


class NegativeGradient(FrozenStatistics, TrainingUnlearner):
    """Raises the loss on D_f step by step until its accuracy there has fallen to the goal (paper, V-C).

    Liu et al. 2022, Backdoor Defense with Machine Unlearning, IEEE INFOCOM. Differences: each sample's loss
    is bounded, the gradient's norm is clipped (`clip_norm`), batch normalisation keeps the original's
    statistics, and after every `check_every` steps the accuracy on D_f decides whether to go on. `report`
    says what ended it: `stopped_by` ("forget_acc_goal" or "epochs"), after how many `steps`, and with which
    `forget_acc_train`.

    Args:
        forget_acc_goal: stop once the accuracy on D_f (training samples) is at most this, in [0, 1].
        loss_bound: nats at which a sample counts as forgotten and is left alone; above log K, or it
            could not be.
        retain_weight: 0 is ascent on D_f alone, as in the paper. Above 0, that many times the cross-entropy
            of a batch of D_r is descended along with it, which Kurmanji et al. 2023 call NegGrad+
            (https://arxiv.org/abs/2302.09880): on small data sets ascent alone takes the retained classes
            along.
        check_every: steps from one look at the accuracy on D_f to the next.

    Raises `UserError` for values that cannot be meant.
    """

    version = 1
    captured = True
    drawn: Tensor | None = None
    moved = False

    def __init__(
        self,
        *,
        forget_acc_goal: float,
        loss_bound: float,
        retain_weight: float,
        check_every: int,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        self.forget_acc_goal, self.check_every = forget_acc_goal, check_every
        self.loss_bound, self.retain_weight = loss_bound, retain_weight
        allowed = {
            "forget_acc_goal": (0 <= forget_acc_goal <= 1, "from 0 to 1"),
            "retain_weight": (retain_weight >= 0, "0 or more"),
            "check_every": (check_every >= 1, "1 or more"),
        }
        for name, (good, what) in allowed.items():
            if not good:
                raise UserError(f"unlearner.{name}={getattr(self, name)!r} must be {what}.")

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """D_f alone; batches of D_r, where `retain_weight` asks for them, are drawn beside its own."""
        self.generator = generator
        return split.forget

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where a sample's loss could be at the bound though its class is predicted."""
        chance = math.log(num_classes)
        if self.loss_bound <= chance:
            raise UserError(
                f"unlearner.loss_bound={self.loss_bound} is too low: a sample of {num_classes} "
                f"classes can be predicted rightly up to a loss of {chance:.2f} nats. Set it higher, "
                f"for example to {2 * chance:.1f}."
            )

    def prepare(self, task: Task) -> None:
        """Keeps D_f to measure the accuracy on."""
        self.forget, self.retain = task.split.forget, task.split.retain
        self.moved = task.training.augmentation != "none"
        self.check_classes(self.forget.num_classes)
        self.report = {"stopped_by": "epochs", "steps": 0}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Puts the bounded ascent in the place of the cross-entropy."""
        model, descend = pl_module.model, pl_module.criterion
        self.criterion = descend

        def criterion(logits_NK: Tensor, labels_N: Tensor) -> Tensor:
            loss = bounded_ascent(logits_NK, labels_N, self.loss_bound)
            if not self.retain_weight:
                return loss
            index_B = self.draw(len(labels_N), 0) if self.drawn is None else self.drawn
            assert index_B is not None
            images, labels = self.retained(index_B.to(labels_N.device))
            retain_loss: Tensor = descend(model(model.normalize(images)), labels)
            return loss + self.retain_weight * retain_loss

        pl_module.criterion = criterion

    def draw(self, batch_size: int, pass_number: int) -> Tensor | None:
        """Which samples of D_r a step descends on beside its batch of D_f, [B]; with how each is moved, [B, 4]."""
        if not self.retain_weight:
            return None
        index_B = torch.randint(len(self.retain), (batch_size,), generator=self.generator)
        if not self.moved:
            return index_B
        return torch.cat([index_B[:, None], drawn_moves((batch_size,), self.generator)], 1)

    def retained(self, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """The images and labels that were drawn."""
        index_B = drawn[:, 0] if self.moved else drawn
        batch = self.retain.select(index_B)
        return crop_flip(batch.images, drawn[:, 1:]) if self.moved else batch.images, batch.labels

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Gives the training its own criterion back."""
        pl_module.criterion = self.criterion

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stops at the goal, which is looked at every `check_every` steps and after the last."""
        self.report["steps"] += outputs["sums"].batches if "sums" in outputs else 1
        last = self.report["steps"] == pl_module.optimization.steps
        if self.report["steps"] % self.check_every and not last:
            return
        hits_N = predict(pl_module.model, self.forget.images) == self.forget.labels
        self.report["forget_acc_train"] = hits_N.float().mean().item()
        if self.report["forget_acc_train"] <= self.forget_acc_goal:
            self.report["stopped_by"] = "forget_acc_goal"
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """The report, and the generator that draws the batches of D_r."""
        return {**super().state_dict(), "generator": self.generator.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes them back."""
        super().load_state_dict(state_dict)
        self.generator.set_state(state_dict["generator"])
