"""The model that is audited: a classifier, what may be done with it, and a part of its classes where that is needed."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from unlearnleak.adversary.heads import Heads
from unlearnleak.adversary.restricted import Restricted
from unlearnleak.foreign.described import ForeignModel
from unlearnleak.model.base import Classifier

BATCH = 512


class Subject(NamedTuple):
    """What is audited.

    name: what it is called in the answer, such as a file's name.
    head: the name of its last linear layer; None where none is known.
    white_box: whether its features and its head can be read. gradients: whether its inputs' can be computed.
    limits: what is not possible with it and why, as sentences.
    """

    model: Classifier
    name: str
    kind: str
    head: str | None
    white_box: bool
    gradients: bool
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def without(self, classes: tuple[int, ...]) -> "Subject":
        """The same model as one of the other classes alone."""
        if not classes:
            return self
        kept = tuple(c for c in range(self.model.num_classes) if c not in classes)
        return self._replace(model=Restricted(self.model, kept))


def read_head(model: Classifier) -> tuple[Tensor, Tensor]:
    """Weight [K, D] and bias [K] of the head; a head without a bias has one of 0."""
    head = model.linear_head()
    bias_K = head.bias if head.bias is not None else head.weight.new_zeros(len(head.weight))
    return head.weight.detach(), bias_K.detach()


def linear(heads: Heads, number: int) -> nn.Linear:
    """One of several heads as a layer."""
    weight_KD, bias_K = heads.weight_MKD[number], heads.bias_MK[number]
    layer = nn.Linear(weight_KD.shape[1], weight_KD.shape[0], device=weight_KD.device)
    with torch.no_grad():
        layer.weight.copy_(weight_KD)
        layer.bias.copy_(bias_K)
    return layer


def reheaded(model: Classifier, heads: Heads, number: int) -> Classifier:
    """A copy of the model with another head in the place of its own."""
    changed = copy.deepcopy(model)
    rows = list(changed.classes) if isinstance(changed, Restricted) else list(range(changed.num_classes))
    layer = (changed.inner if isinstance(changed, Restricted) else changed).linear_head()
    with torch.no_grad():
        layer.weight[rows] = heads.weight_MKD[number].to(layer.weight)
        if getattr(layer, "bias", None) is None:
            layer.bias = nn.Parameter(layer.weight.new_zeros(len(layer.weight)))
        layer.bias[rows] = heads.bias_MK[number].to(layer.weight)
    return changed


@torch.no_grad()
def logits_of(model: Classifier, images: Tensor, mean: Tensor | None = None, std: Tensor | None = None) -> Tensor:
    """Logits [N, K] of uint8 images, under another normalisation where one is given; on the CPU."""
    device = model.mean.device
    found = []
    for part in images.split(BATCH):
        if mean is None or std is None:
            found.append(model(model.normalize(part.to(device))).float().cpu())
        else:
            found.append(model((part.to(device).float() / 255 - mean) / std).float().cpu())
    return torch.cat(found)


def work_of(model: Classifier) -> float:
    """Floating-point operations of one image's forward pass: the same on every machine, unlike seconds."""
    counter = FlopCounterMode(display=False)
    x_NCHW = model.normalize(torch.zeros(1, *model.image_shape, device=model.mean.device))
    with counter, torch.no_grad():
        model(x_NCHW)
    return float(counter.get_total_flops())


def subject_of(model: ForeignModel, name: str) -> Subject:
    """A model of somebody else's as what is audited."""
    return Subject(
        model=model.classifier,
        name=name,
        kind=model.kind,
        head=model.head,
        white_box=model.white_box,
        gradients=model.gradients,
        limits=tuple(f"Not possible: {limit.what}: {limit.why}." for limit in model.limits),
        notes=tuple(f"{note[:1].upper()}{note[1:]}." for note in model.notes),
    )
