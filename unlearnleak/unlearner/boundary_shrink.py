"""boundary_shrink: forgotten images are taught the class that is nearest across the decision boundary."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.training.curve import FrozenStatistics
from unlearnleak.training.predict import EVALUATION_BATCH
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import TrainingUnlearner
from unlearnleak.unlearner.base.labels import without_forgotten


def pushed(model: Classifier, images_NCHW: Tensor, labels_N: Tensor, step: float) -> Tensor:
    """Images in [0, 1], float, each moved by `step` in the sign of its loss's gradient and kept in [0, 1].

    The fast gradient sign method: Goodfellow et al. 2015, https://arxiv.org/abs/1412.6572.
    """
    x_NCHW = (images_NCHW.float() / 255).requires_grad_()
    loss = cross_entropy(model(model.normalize(x_NCHW)), labels_N, reduction="sum")
    (slope_NCHW,) = torch.autograd.grad(loss, x_NCHW)
    return (x_NCHW.detach() + step * slope_NCHW.sign()).clamp(0, 1)


def nearest_labels(model: Classifier, split: ForgetSplit, step: float) -> tuple[Tensor, float]:
    """For each sample of D_f the class that its pushed image is most taken for, of those that it may be taught ([N]).

    And the share of the samples for which that is the class it is most taken for of all: that crossed a boundary.
    """
    images, labels = split.forget.images.split(EVALUATION_BATCH), split.forget.labels.split(EVALUATION_BATCH)
    found, crossed = [], 0
    for images_BCHW, labels_B in zip(images, labels, strict=True):
        x_BCHW = pushed(model, images_BCHW, labels_B, step)
        with torch.no_grad():
            logits_BK = model(model.normalize(x_BCHW))
        found.append(without_forgotten(logits_BK, labels_B, split.classes, split.level).argmax(1))
        crossed += int((found[-1] == logits_BK.argmax(1)).sum())
    return torch.cat(found), crossed / len(split.forget)


class BoundaryShrink(FrozenStatistics, TrainingUnlearner):
    """Fine-tunes on D_f alone, each sample under the label that it gets when it is pushed over the boundary.

    Chen et al. 2023, Boundary Unlearning, CVPR 2023, https://arxiv.org/abs/2303.11570. The push is one step of the fast
    gradient sign method on the frozen original. Differences: where the pushed image is still taken for a forgotten
    class (for its own, where samples are forgotten), it gets the next one; pushed images, which stay in [0, 1], are not
    rounded to 8 bits; and batch normalisation keeps the original's statistics, since batches hold forgotten images
    alone. `report` says which share of the images the push itself took over a boundary (`crossed_share`).

    Args:
        step: how far each pixel in [0, 1] is pushed.

    Raises `UserError` for a step that is none.
    """

    version = 1
    captured = True

    def __init__(self, *, step: float, **training: Any) -> None:
        super().__init__(**training)
        require(0 < step <= 1, "unlearner.step", step, "above 0 and at most 1, the range of a pixel")
        self.step = float(step)

    def unlearn(self, task: Task) -> Classifier:
        """Finds the labels with the original as it is, then trains it on them."""
        model, split = task.start().eval(), task.split
        labels_N, crossed_share = nearest_labels(model, split, self.step)
        self.report = {"crossed_share": crossed_share}
        task.fit(model, LabeledImages(split.forget.images, labels_N, split.forget.num_classes), self.settings, [self])
        return model
