"""Relearn time: how many steps bring back what was forgotten. N samples."""

import copy

import torch
from torch.nn.functional import cross_entropy

from unlearnleak.data import LabeledImages
from unlearnleak.model.base import Classifier


def accuracy(model: Classifier, data: LabeledImages) -> float:
    """The share of the samples that the model itself predicts rightly."""
    with torch.inference_mode():
        right_N = model(model.normalize(data.images)).argmax(1) == data.labels
    return float(right_N.double().mean())


def relearn_steps(
    model: Classifier,
    data: LabeledImages,
    level: float,
    *,
    lr: float,
    batch_size: int,
    most: int,
    generator: torch.Generator,
) -> int | None:
    """Return after how many steps of SGD on `data` its accuracy there is `level` again; None if not after `most`.

    The model that is handed in stays as it is: a copy is trained, all of its weights, without momentum. Statistics of
    batch normalisation stay the model's own, so that a batch may be of one class.

    Args:
        level: an accuracy in [0, 1]; a model that has it already needs 0 steps.
        most: steps after which it is given up.
        generator: draws the batches: each pass over the data is in a new order.
    """
    learner = copy.deepcopy(model).eval()
    learner.requires_grad_(True)
    optimizer = torch.optim.SGD(learner.parameters(), lr=lr)
    order: list[torch.Tensor] = []
    for step in range(most + 1):
        if accuracy(learner, data) >= level:
            return step
        if not order:
            order = list(torch.randperm(len(data), generator=generator).split(batch_size))
        batch = data.select(order.pop(0).to(data.labels.device))
        optimizer.zero_grad()
        with torch.enable_grad():
            cross_entropy(learner(learner.normalize(batch.images)), batch.labels).backward()
        optimizer.step()
    return None
