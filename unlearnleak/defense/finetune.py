"""finetune: a few more epochs on the retained images before the model is shipped."""

import torch

from unlearnleak.data import ForgetSplit
from unlearnleak.defense.base import Defense
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization


class FineTune(Defense):
    """theta <- SGD on the cross-entropy of D_r, from the unlearned model on.

    Hu et al. 2024, Learn What You Want to Unlearn, https://arxiv.org/abs/2404.03233, on fine-tuning, who use data
    that were held out. Whoever defends here holds the training images that are retained, and nothing else: test images
    measure, auxiliary ones are the attacker's. It is a training of its own, in fp32, whose batches are drawn by the
    generator; one that is killed starts over and ends in the same bits. A control is trained on as well, on all of D.

    Args:
        epochs: passes over D_r; 0 changes nothing.
        lr, batch_size, momentum, weight_decay, schedule, clip_norm: as for an unlearner that trains. Batches hold two
            images or more, which batch normalisation needs.

    Raises `UserError` for settings that no training can have.
    """

    version = 1
    needs_truth = True

    def __init__(
        self,
        *,
        epochs: int,
        lr: float,
        batch_size: int,
        momentum: float,
        weight_decay: float,
        schedule: str,
        clip_norm: float | None,
    ) -> None:
        require(batch_size >= 2, "defense.batch_size", batch_size, "2 or more, since batch normalisation needs two")
        self.optimization = Optimization(
            epochs=epochs,
            lr=lr,
            batch_size=batch_size,
            momentum=momentum,
            weight_decay=weight_decay,
            schedule=schedule,
            clip_norm=clip_norm,
        )

    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The model after training."""
        if self.optimization.epochs:
            one = split.retain.select(torch.arange(1, device=split.retain.labels.device))  # the curve is not kept
            fit(model, split.retain, self.optimization, test=one, generator=generator, label="defense (finetune)")
        return model
