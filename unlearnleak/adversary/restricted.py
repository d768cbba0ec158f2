"""A model as one of some of its classes alone: those that an attacker has samples of, and can judge.

K classes, J of them kept.
"""

import torch
from torch import Tensor, nn

from unlearnleak.data import LabeledImages
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering
from unlearnleak.model.base.around import Around


class Restricted(Around):
    """A model that knows some of its classes only: the other logits are left out, and the labels counted anew."""

    def __init__(self, model: Classifier, classes: tuple[int, ...]) -> None:
        super().__init__(model, len(classes))
        self.classes = classes

    @property
    def head(self) -> nn.Linear | None:  # type: ignore[override]  # made of the inner head's rows
        """The rows of the classes that are known."""
        if self.inner.head is None:
            return None
        inner, rows = self.inner.linear_head(), list(self.classes)
        layer = nn.Linear(inner.in_features, len(rows), device=inner.weight.device)
        with torch.no_grad():
            layer.weight.copy_(inner.weight[rows])
            layer.bias.copy_(inner.weight.new_zeros(len(rows)) if inner.bias is None else inner.bias[rows])
        return layer

    def features(self, x_NCHW: Tensor) -> Tensor:
        """As the inner model has them."""
        return self.inner.features(x_NCHW)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """The logits of the classes that are known."""
        logits_NK: Tensor = self.inner(x_NCHW)
        return logits_NK[:, self.classes]


def answering_among(answering: Answering, classes: tuple[int, ...]) -> Answering:
    """What a restricted model answers behind a defence that is told of all classes: [N, J], rows that add up to 1.

    Where the defence leaves nothing for any of the J classes, as top_k may, they are equally likely.
    """

    def answer(model: Classifier, x_NCHW: Tensor) -> Tensor:
        assert isinstance(model, Restricted), "who is asked about some classes is restricted to them"
        p_NJ = answering(model.inner, x_NCHW)[:, list(classes)]
        total_N1 = p_NJ.sum(1, keepdim=True)
        return torch.where(total_N1 > 0, p_NJ / total_N1.clamp(min=torch.finfo(p_NJ.dtype).tiny), 1 / len(classes))

    return answer


def kept_classes(images: LabeledImages, kept: tuple[int, ...]) -> LabeledImages:
    """The images of some classes, whose labels are counted anew."""
    place_K = torch.full((images.num_classes,), -1)
    place_K[list(kept)] = torch.arange(len(kept))
    some = images.of(kept)
    return LabeledImages(some.images, place_K.to(some.labels.device)[some.labels], len(kept))
