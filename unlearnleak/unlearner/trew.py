"""trew: images of forgotten classes are taught the answers that a retrained model might give."""

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from sklearn.decomposition import PCA
from torch import Tensor
from torch.nn.functional import log_softmax, normalize, one_hot

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.errors import require
from unlearnleak.training.predict import EVALUATION_BATCH
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import TrainingUnlearner


def similarity(rows_KD: Tensor, explained: float) -> Tensor:
    """Cosines [K, K] between classes: of their rows in the head, projected to principal components of the K rows.

    As few components are taken as explain this share of the rows' variance. Of a row that is the mean of all, the
    cosines are 0.
    """
    rows = rows_KD.double().cpu().numpy()
    if not rows.std(0).any():
        return torch.zeros(len(rows), len(rows)).to(rows_KD)
    analysis = PCA(explained if explained < 1 else None, svd_solver="full")
    unit_KC = normalize(torch.from_numpy(analysis.fit_transform(rows)), dim=1)
    return (unit_KC @ unit_KC.T).to(rows_KD)


def tilted(logits_NK: Tensor, own_N: Tensor, classes: Sequence[int], similarity_KK: Tensor, tilt: float) -> Tensor:
    """q [N, K] with q_k proportional to softmax(f(x))_k exp(tilt * s(k, y)), and 0 for the classes that are forgotten.

    Args:
        logits_NK: the original's, for images of forgotten classes.
        own_N: y, their classes.
        classes: all that are forgotten.
        similarity_KK: s.
        tilt: 0 is the original's answer without the forgotten classes.
    """
    tilted_NK = logits_NK + tilt * similarity_KK[own_N]
    tilted_NK[:, list(classes)] = -torch.inf
    return tilted_NK.softmax(1)


class TiltedReweighting(TrainingUnlearner):
    """Continues on D; x of D_f has the target q_k ~ p_k(x) exp(beta s(k, y)) for retained k, and 0 for forgotten ones.

    Ebrahimpour-Boroojeny et al. 2026, Unlearning Isn't Forgetting: Revealing Hidden Leakage in Class Unlearning
    Evaluations (TREW), https://arxiv.org/abs/2506.20893. p is the frozen original's answer, y the class of x, and s the
    cosine of the classes' rows of the original's head after a principal component analysis: images of a forgotten class
    go where a model that never saw it would likely send them, to the classes that are like it. Training minimises the
    cross-entropy to q on D_f and to the labels on D_r. Ours, since the reference's are not known here: how many
    components there are, and that every sample of D counts alike.

    Args:
        tilt: beta, 0 or more; 0 takes the forgotten classes out of p and does nothing else.
        explained: which share of the variance among the head's rows the components explain, above 0 and at most 1.

    Raises `UserError` for values out of range.
    """

    version = 1
    captured = True
    levels = frozenset({"class"})
    needs_head = True

    def __init__(self, *, tilt: float, explained: float, **training: Any) -> None:
        super().__init__(**training)
        require(tilt >= 0, "unlearner.tilt", tilt, "0 or more")
        require(0 < explained <= 1, "unlearner.explained", explained, "above 0 and at most 1, a share of the variance")
        self.tilt, self.explained = float(tilt), float(explained)

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """All of D; the i-th sample of D_f has the label K + i, by which the loss finds its target."""
        forget, retain = split.forget, split.retain
        number_N = forget.num_classes + torch.arange(len(forget), device=retain.labels.device)
        return LabeledImages(
            images=torch.cat([forget.images, retain.images]),
            labels=torch.cat([number_N, retain.labels]),
            num_classes=forget.num_classes,
        )

    @torch.no_grad()
    def prepare(self, task: Task) -> None:
        """Asks the original about D_f, before it is changed."""
        model, forget = task.start().eval(), task.split.forget
        model.check_head(self._word())
        parts = forget.images.split(EVALUATION_BATCH)
        logits_NK = torch.cat([model(model.normalize(part)) for part in parts])
        similarity_KK = similarity(model.linear_head().weight, self.explained)
        self.target_NK = tilted(logits_NK, forget.labels, task.split.classes, similarity_KK, self.tilt)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Puts the cross-entropy to the targets in the place of that to the labels."""
        pl_module.criterion = self.criterion

    def criterion(self, logits_BK: Tensor, labels_B: Tensor) -> Tensor:
        """The mean cross-entropy: to the label of a retained sample, to its target of a forgotten one."""
        K = logits_BK.shape[1]
        own_BK, taught_BK = one_hot(labels_B.clamp(max=K - 1), K).float(), self.target_NK[(labels_B - K).clamp(min=0)]
        target_BK = torch.where((labels_B >= K)[:, None], taught_BK, own_BK)
        return -(target_BK * log_softmax(logits_BK.float(), 1)).sum(1).mean()
