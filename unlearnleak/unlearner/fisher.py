"""fisher: noise where retained images leave room for it, and the forgotten classes' rows of the head start over."""

import torch
from torch import Tensor

from unlearnleak.data import LabeledImages
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import Unlearner


def fisher_diagonal(model: Classifier, data: LabeledImages) -> list[Tensor]:
    """E_x E_{y ~ f(x)} (d log f_y(x) / d theta_i)^2, in the order of `model.parameters()` and in their shapes.

    The expectation over y is exact: one backward pass for each class of each image.
    """
    parameters = list(model.parameters())
    total = [torch.zeros_like(parameter) for parameter in parameters]
    for image_CHW in data.images:
        log_p_K = model(model.normalize(image_CHW[None]))[0].log_softmax(0)
        for log_p in log_p_K:
            slopes = torch.autograd.grad(log_p, parameters, retain_graph=True)
            for sum_, slope in zip(total, slopes, strict=True):
                sum_.addcmul_(slope, slope, value=log_p.exp().item() / len(data))
    return total


class FisherForgetting(Unlearner):
    """theta_i <- theta_i + N(0, s_i^2) with s_i = min(scale F_i^(-1/4), largest), F of D_r; forgotten rows start over.

    Golatkar et al. 2020, Eternal Sunshine of the Spotless Net, https://arxiv.org/abs/1911.04933, "Fisher forgetting";
    `scale` is their (lambda sigma^2)^(1/4). The head's rows of the forgotten classes are drawn anew around 0, as in
    the class-level form of the authors' code. So the head says which they are: this is a positive control, an unlearner
    that leaks by construction. Differences: F is estimated on a draw of D_r; the deviation goes as F^(-1/4), as in the
    paper, where the authors' code takes F^(-1/2), the mean over a row's inputs and ten times the variance in the head
    and in biases. Weights that nothing needs have F = 0, so the deviation is bounded by `largest` (their code bounds
    1 / F).

    Args:
        scale: of the noise.
        largest: the largest standard deviation of the noise.
        reset: the standard deviation of the forgotten classes' rows.
        samples: how many retained images F is estimated on.

    Raises `UserError` for values that cannot be.
    """

    version = 1
    levels = frozenset({"class"})  # rows of the head are of whole classes
    needs_head = True

    def __init__(self, *, scale: float, largest: float, reset: float, samples: int) -> None:
        super().__init__()
        for name, value in {"scale": scale, "largest": largest, "reset": reset}.items():
            require(value >= 0, f"unlearner.{name}", value, "0 or more")
        require(samples >= 1, "unlearner.samples", samples, "at least 1")
        self.scale, self.largest, self.reset, self.samples = float(scale), float(largest), float(reset), samples

    def deviation(self, fisher: Tensor) -> Tensor:
        """s, in the shape of `fisher`."""
        needed = fisher.clamp(min=torch.finfo(fisher.dtype).tiny)
        return (self.scale * needed.pow(-0.25)).clamp(max=self.largest)

    def unlearn(self, task: Task) -> Classifier:
        """The original with noise on its weights and fresh rows."""
        model, retain = task.start().eval(), task.split.retain
        model.check_head(self._word())
        order_N = torch.randperm(len(retain), generator=task.generator("samples"))[: self.samples]
        drawn = retain.select(order_N.to(retain.labels.device))
        diagonal, draw = fisher_diagonal(model, drawn), task.generator("noise")
        with torch.no_grad():
            for parameter, fisher in zip(model.parameters(), diagonal, strict=True):
                noise = torch.randn(parameter.shape, generator=draw).to(parameter)
                parameter.addcmul_(noise, self.deviation(fisher))
            head, rows = model.linear_head(), list(task.split.classes)
            for tensor in (head.weight, head.bias):
                if tensor is not None:
                    fresh = torch.randn((len(rows), *tensor.shape[1:]), generator=draw)
                    tensor[rows] = self.reset * fresh.to(tensor)
        return model
