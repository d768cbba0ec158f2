"""linear_filtration: a linear map of the logits that takes forgotten classes out, put into the head."""

from collections.abc import Sequence

import torch

from unlearnleak.data import ForgetSplit
from unlearnleak.defense.base import Defense
from unlearnleak.errors import UserError, require
from unlearnleak.model.base import Classifier
from unlearnleak.unlearner.base.filtration import Mode, filter_head


class LinearFiltration(Defense):
    """W <- F W and b <- F b with F = B A^-1, A the mean logits of each class's training images (a column each).

    Baumhauer et al. 2022, Machine Unlearning: Linear Filtration for Logit-based Classifiers,
    https://arxiv.org/abs/2002.02730. In B retained classes' logits stay for retained images, and for images of a
    forgotten class they are what `mode` says. Two differences. A forgotten class's own logit, which the reference takes
    out of the model, becomes that of the lowest wrong class, since a model here keeps its classes. And directions of A
    in which the class means hardly differ are left out of its inverse, which would blow them up: after unlearning, a
    forgotten class's mean logits are nearly a mixture of the others'.

    Images of every class are needed, which a fine-tuning stage on few images may not have; what the pretraining taught
    of a forgotten class is taken out with the rest. Where nothing was forgotten, nothing changes. Classes are taken
    out whole, so it is refused where a part of one was to be forgotten.

    Args:
        mode: "normalization", "randomization" or "zeroing" of the logits for images of forgotten classes.
        rtol: singular values of A below this share of the largest are left out; 0 leaves none out.

    Raises `UserError` for an unknown mode, or an rtol outside [0, 1).
    """

    version = 1
    needs_truth = True
    levels = frozenset({"class"})
    needs_head = True

    def __init__(self, *, mode: Mode, rtol: float) -> None:
        require(0 <= rtol < 1, "defense.rtol", rtol, "0 or more and below 1")
        self.mode, self.rtol = mode, float(rtol)

    def check_counts(self, counts_K: Sequence[int]) -> None:
        """Raises UserError where a class has no image, so that its mean logits are not known."""
        if missing := [c for c, count in enumerate(counts_K) if not count]:
            raise UserError(
                f"{self._word()} needs images of every class among those that can be forgotten, and has none of class "
                f"{missing[0]}. Raise finetuning.samples, or take another defense, such as head_repair."
            )

    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The model with filtered logits: its head is another one."""
        model.check_head(self._word())
        if not split.classes:
            return model
        filter_head(model, split, self.mode, self.rtol, generator)
        return model
