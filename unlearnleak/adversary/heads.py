"""Auxiliary heads: many linear heads on the target's frozen features, trained as one tensor program.

K classes, M heads, n samples a head, D features. A head's gradient is a sum over its n samples, so its path from the
initial weights stays in their span: W_t = W_0 - A_t^T Phi with Phi in R^(n x D), coefficients A_t in R^(n x K). Steps
are therefore taken on the n x K logits, through the n x n Gram matrix of the samples, and D is met twice only: before
the first step and after the last. (The bias is one more feature that is always 1.)
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unlearnleak.machine.progress import progress


class Heads(NamedTuple):
    """M linear heads: weight_MKD and bias_MK, as nn.Linear has them."""

    weight_MKD: Tensor
    bias_MK: Tensor

    def flat(self) -> Tensor:
        """theta = vec(W, b), [M, KD + K]."""
        return torch.cat([self.weight_MKD.flatten(1), self.bias_MK], dim=1)


def initial_heads(count: int, num_classes: int, dim: int, generator: torch.Generator) -> Heads:
    """`count` heads as nn.Linear initialises them: uniform in +-1/sqrt(D)."""
    bound = dim**-0.5
    weight = torch.rand(count, num_classes, dim, generator=generator)
    bias = torch.rand(count, num_classes, generator=generator)
    return Heads((2 * weight - 1) * bound, (2 * bias - 1) * bound)


def train_heads(
    phi_MND: Tensor, labels_MN: Tensor, initial: Heads, *, steps: int, lr: float, label: str = "heads"
) -> Heads:
    """Full-batch gradient descent on the mean cross-entropy, each head on its own samples.

    Args:
        phi_MND: frozen features of each head's samples [M, n, D].
        labels_MN: their labels [M, n].
        initial: the heads to start from.
        steps, lr: gradient steps and learning rate.

    Returns:
        The heads after `steps` steps, equal to what `torch.optim.SGD(lr)` gives for each head alone.
    """
    scale = lr / phi_MND.shape[1]
    classes = initial.bias_MK.shape[1]
    # The samples come last: a softmax over the last dimension of so few classes takes many times as long.
    wanted_MKN = F.one_hot(labels_MN, classes).to(phi_MND.dtype).transpose(1, 2).contiguous()
    gram_MNN = phi_MND @ phi_MND.transpose(1, 2) + 1  # + 1: the bias as a feature
    logits_MKN = initial.weight_MKD @ phi_MND.transpose(1, 2) + initial.bias_MK[..., None]
    total_MKN = torch.zeros_like(logits_MKN)
    for _ in progress(range(steps), label=label, unit="step"):
        residual_MKN = torch.softmax(logits_MKN, 1) - wanted_MKN
        total_MKN += residual_MKN
        logits_MKN = torch.baddbmm(logits_MKN, residual_MKN, gram_MNN, alpha=-scale)  # Gram matrices are symmetric
    return Heads(initial.weight_MKD - scale * total_MKN @ phi_MND, initial.bias_MK - scale * total_MKN.sum(2))


def class_subsets(labels_N: Tensor, num_classes: int, heads: int, size: int, generator: torch.Generator) -> Tensor:
    """For every class `heads` random subsets of `size` of its samples, without repetition inside one.

    Returns:
        Indices into the auxiliary data, [K, heads, size] (int64, CPU).

    That every class has `size` samples is for `Attack.check_auxiliary` to have made sure of.
    """
    rows = []
    for c in range(num_classes):
        of_class = (labels_N.cpu() == c).nonzero()[:, 0]
        assert len(of_class) >= size, f"class {c} has {len(of_class)} samples, a subset needs {size}"
        keys = torch.rand(heads, len(of_class), generator=generator)
        rows.append(of_class[keys.argsort(1)[:, :size]])
    return torch.stack(rows)
