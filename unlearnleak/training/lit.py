"""LitTraining: how Lightning trains a classifier."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytorch_lightning as pl
from torch import Tensor
from torch.nn.functional import cross_entropy

from unlearnleak.model.base import Classifier
from unlearnleak.training.batches import Batches, Blocks
from unlearnleak.training.optimization import Optimization


class Sums(NamedTuple):
    """What a curve adds up: the sum of the batches' losses, hits and their numbers; the first two on the device."""

    loss: Tensor
    correct: Tensor
    batches: int
    samples: int


class LitTraining(pl.LightningModule):
    """One training of `model`, in place. Callbacks (unlearners, recorders) find the classifier as `pl_module.model`.

    Attributes:
        criterion: logits [B, K] and labels [B] to a loss: the mean cross-entropy unless an unlearner has put another
            in its place.
    """

    def __init__(self, model: Classifier, optimization: Optimization) -> None:
        super().__init__()
        self.model, self.optimization = model, optimization
        self.criterion: Callable[[Tensor, Tensor], Tensor] = cross_entropy

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """The criterion on one batch of uint8 images and labels; logits go along for the curves."""
        images_NCHW, labels_N = batch
        logits_NK = self.model(self.model.normalize(images_NCHW))
        return {"loss": self.criterion(logits_NK, labels_N), "logits": logits_NK.detach()}

    def configure_optimizers(self) -> Any:
        """SGD as `optimization` says."""
        return self.optimization.build(self.model.parameters())

    def loader(self, batches: Batches, epochs_before: int) -> Batches | Blocks:
        """What Lightning goes through, where `epochs_before` are done already: the batches."""
        return batches

    def let_go(self) -> None:
        """Free what only training needed: nothing."""
