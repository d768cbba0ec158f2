"""ssd: selective synaptic dampening. No training: what matters to the forget set more than to the rest shrinks."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import Unlearner


def importance(model: Classifier, data: LabeledImages, batch_size: int) -> list[Tensor]:
    """How much each parameter matters to the loss on `data`: the mean over batches of its squared gradient.

    In the order of `model.parameters()` and in their shapes. The model is used in the mode that it is in. A smaller
    last batch counts by its share of the samples.
    """
    parameters = list(model.parameters())
    total = [torch.zeros_like(parameter) for parameter in parameters]
    for images, labels in zip(data.images.split(batch_size), data.labels.split(batch_size), strict=True):
        loss = cross_entropy(model(model.normalize(images)), labels)
        for sum_, slope in zip(total, torch.autograd.grad(loss, parameters), strict=True):
            sum_.add_(slope.square(), alpha=len(labels) / len(data))
    return total


def shuffled(split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
    """All of D in a random order: what a batch holds decides its squared gradient."""
    forget, retain = split.forget, split.retain
    order_N = torch.randperm(len(forget) + len(retain), generator=generator).to(forget.labels.device)
    return LabeledImages(
        torch.cat([forget.images, retain.images])[order_N],
        torch.cat([forget.labels, retain.labels])[order_N],
        forget.num_classes,
    )


class SelectiveSynapticDampening(Unlearner):
    """Where I_f > alpha I_D, the parameter is multiplied by min(lambda I_D / I_f, 1).

    Foster et al. 2024, Fast Machine Unlearning Without Retraining Through Selective Synaptic Dampening,
    https://arxiv.org/abs/2308.07707. I_f and I_D are the diagonals of the Fisher information on the forget set and on
    all of D, each estimated by squared gradients of batches. Differences: batches of D are drawn at random, where the
    authors' code goes through it class by class, which makes I_D larger: their alpha of 10 dampens less there than
    here. A smaller last batch counts by its size. `report` says which share of the parameters was dampened.

    How much is forgotten hangs on `alpha` alone, and steeply: with a low one the retained classes go as well, with a
    high one nothing happens.

    Args:
        alpha: from how many times the importance for D on a parameter is dampened.
        dampening: lambda, how much of it stays; 1 brings its importance for the forget set down to that for D.
        batch_size: of the gradients that are squared; larger batches see less of single samples.

    Raises `UserError` for values that cannot be.
    """

    version = 1

    def __init__(self, *, alpha: float, dampening: float, batch_size: int) -> None:
        super().__init__()
        require(alpha > 0, "unlearner.alpha", alpha, "above 0")
        require(dampening > 0, "unlearner.dampening", dampening, "above 0")
        require(batch_size >= 1, "unlearner.batch_size", batch_size, "at least 1")
        self.alpha, self.dampening, self.batch_size = alpha, dampening, batch_size

    def unlearn(self, task: Task) -> Classifier:
        """The original with dampened weights."""
        model = task.start().eval()
        everything = shuffled(task.split, task.generator("importance"))
        forget, every = (importance(model, part, self.batch_size) for part in (task.split.forget, everything))
        changed = 0
        with torch.no_grad():
            for parameter, of_forget, of_all in zip(model.parameters(), forget, every, strict=True):
                chosen = of_forget > self.alpha * of_all
                factor = (self.dampening * of_all / of_forget).clamp(max=1)
                parameter.copy_(torch.where(chosen, parameter * factor, parameter))
                changed += int(chosen.sum())
        self.report = {"dampened_share": changed / sum(parameter.numel() for parameter in model.parameters())}
        return model
