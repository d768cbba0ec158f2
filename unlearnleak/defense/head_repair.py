"""head_repair: the forgotten classes' rows of the head get the size of the others'."""

import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit
from unlearnleak.defense.base import Defense
from unlearnleak.model.base import Classifier


def resized(row_D: Tensor, norm: Tensor, mean: Tensor, generator: torch.Generator) -> Tensor:
    """The row [D] of this norm and mean whose deviations from the mean are proportional to those of `row_D`.

    A row without any, as one of zeros, gets random ones. A norm below sqrt(D) |mean| no row can have: then it is
    constant.
    """
    deviation_D = row_D - row_D.mean()
    if not deviation_D.any():
        drawn_D = torch.randn(row_D.shape, generator=generator).to(row_D)
        deviation_D = drawn_D - drawn_D.mean()
    left = (norm.square() - len(row_D) * mean.square()).clamp_min(0).sqrt()
    resized_D: Tensor = mean + left * deviation_D / deviation_D.norm()
    return resized_D


class HeadRepair(Defense):
    """w_c <- m + sqrt(n^2 - D m^2) (w_c - mean w_c) / |w_c - mean w_c| and b_c <- the retained rows' mean bias.

    Ours. For each class c of which something was forgotten; m and n are the averages over the retained rows of W of
    their entries and of their norms, so that a repaired row has norm n and mean m. The direction of its deviations
    stays, and so does all that is no forgotten class's row: features, and answers among the retained classes. Without
    forgotten classes nothing changes. Of a class that was forgotten in part the row is repaired as well.

    Who reads norms, sums or biases of the head's rows then finds none that stands out. Directions and features still
    tell what they tell. A model whose small row alone kept a class from being predicted predicts it again, and
    misses the gate.
    """

    version = 1
    needs_truth = True
    needs_head = True

    @torch.no_grad()
    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The model with repaired rows, in place."""
        model.check_head(self._word())
        head = model.linear_head()
        forgotten = list(split.classes)
        retained = [c for c in range(model.num_classes) if c not in split.classes]
        norm, mean = head.weight[retained].norm(dim=1).mean(), head.weight[retained].mean()
        for c in forgotten:
            head.weight[c] = resized(head.weight[c], norm, mean, generator)
            if head.bias is not None:
                head.bias[c] = head.bias[retained].mean()
        return model
