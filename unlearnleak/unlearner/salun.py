"""salun: random labels, learnt by those weights alone that matter to the forget set."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from unlearnleak.data import LabeledImages
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.training.batches import Pass
from unlearnleak.training.predict import EVALUATION_BATCH
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import TrainingUnlearner
from unlearnleak.unlearner.base.labels import draw_others, others


def saliency(model: Classifier, data: LabeledImages) -> list[Tensor]:
    """|gradient of the summed cross-entropy on `data`|, in the order of `model.parameters()` and in their shapes."""
    parameters = list(model.parameters())
    total = [torch.zeros_like(parameter) for parameter in parameters]
    batches = zip(data.images.split(EVALUATION_BATCH), data.labels.split(EVALUATION_BATCH), strict=True)
    for images_BCHW, labels_B in batches:
        loss = cross_entropy(model(model.normalize(images_BCHW)), labels_B, reduction="sum")
        for sum_, slope in zip(total, torch.autograd.grad(loss, parameters), strict=True):
            sum_.add_(slope)
    return [sum_.abs_() for sum_ in total]


def largest(values: list[Tensor], share: float) -> list[Tensor]:
    """Masks in the shapes of `values`: 1.0 at the largest of all entries, of which there are `share`, 0.0 elsewhere."""
    flat_P = torch.cat([value.flatten() for value in values])
    chosen_P = torch.zeros_like(flat_P)
    chosen_P[flat_P.argsort(descending=True, stable=True)[: round(share * len(flat_P))]] = 1
    parts = chosen_P.split([value.numel() for value in values])
    return [part.view_as(value) for part, value in zip(parts, values, strict=True)]


class SaliencyUnlearning(TrainingUnlearner):
    """In each epoch a pass over D_f under random labels, then one over D_r, with the gradients masked by saliency.

    Fan et al. 2024, SalUn: Empowering Machine Unlearning via Gradient-based Weight Saliency, ICLR 2024,
    https://arxiv.org/abs/2310.12508. Salient are the weights with the largest gradients of the original's loss on D_f.
    Labels are drawn anew for each batch. One difference: they are never those of a forgotten class (of the sample's
    own, where samples are forgotten). Weight decay moves the other weights too. `report` says how many weights are
    salient (`salient`).

    Args:
        share: of all weights that are salient, above 0 and at most 1; 1 masks none.

    Raises `UserError` for another share.
    """

    version = 1
    captured = True
    drawn: Tensor | None = None

    def __init__(self, *, share: float, **training: Any) -> None:
        super().__init__(**training)
        require(0 < share <= 1, "unlearner.share", share, "above 0 and at most 1")
        self.share = float(share)

    def unlearn(self, task: Task) -> Classifier:
        """Finds the salient weights of the original, then trains them."""
        model, split = task.start().eval(), task.split
        self.split, self.generator = split, task.generator("labels")
        self.masks = largest(saliency(model, split.forget), self.share)
        self.report = {"salient": int(sum(mask.sum() for mask in self.masks))}
        task.fit(
            model,
            [Pass(part, self.settings.batch_size) for part in (split.forget, split.retain)],
            self.settings,
            [self],
        )
        return model

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Puts random labels in the place of those of D_f."""
        pl_module.criterion = self.criterion

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Looks whether the batch is of D_f."""
        self.forgetting = trainer.train_dataloader.number_of(batch_idx) == 0  # type: ignore[union-attr]

    def criterion(self, logits_BK: Tensor, labels_B: Tensor) -> Tensor:
        """The cross-entropy to the labels, which are random ones on D_f."""
        if self.forgetting:
            drawn_B = self.draw(len(labels_B), 0) if self.drawn is None else self.drawn
            assert drawn_B is not None
            labels_B = others(labels_B, drawn_B.to(labels_B.device), self.split.level, logits_BK.shape[1])
        return cross_entropy(logits_BK, labels_B)

    def draw(self, batch_size: int, pass_number: int) -> Tensor | None:
        """Which labels the next batch of D_f gets."""
        if pass_number:
            return None
        return draw_others(
            batch_size, self.split.classes, self.split.level, self.split.forget.num_classes, self.generator
        )

    def on_after_backward(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Lets the salient weights' gradients through."""
        for parameter, mask in zip(pl_module.model.parameters(), self.masks, strict=True):
            if parameter.grad is not None:
                parameter.grad.mul_(mask)

    def state_dict(self) -> dict[str, Any]:
        """The report, and the generator that draws labels."""
        return {**super().state_dict(), "generator": self.generator.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes them back."""
        super().load_state_dict(state_dict)
        self.generator.set_state(state_dict["generator"])
