"""Auxiliary heads: many linear heads on the target's frozen features, trained as one tensor program.

K classes, M heads, n samples a head, D features. A head's gradient is a sum over its n samples, so its path from the
initial weights stays in their span: W_t = W_0 - A_t^T Phi with Phi in R^(n x D), coefficients A_t in R^(n x K). Steps
are therefore taken on the n x K logits, through the n x n Gram matrix of the samples, and D is met twice only: before
the first step and after the last. (The bias is one more feature that is always 1.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
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

    def after(self, weight_KD: Tensor, bias_K: Tensor) -> "Heads":
        """These heads, and another before them."""
        return Heads(torch.cat([weight_KD[None], self.weight_MKD]), torch.cat([bias_K[None], self.bias_MK]))


def initial_heads(count: int, num_classes: int, dim: int, generator: torch.Generator) -> Heads:
    """`count` heads as nn.Linear initialises them: uniform in +-1/sqrt(D)."""
    bound = dim**-0.5
    weight = torch.rand(count, num_classes, dim, generator=generator)
    bias = torch.rand(count, num_classes, generator=generator)
    return Heads((2 * weight - 1) * bound, (2 * bias - 1) * bound)


BLOCK_BYTES = 128e6
"""Weights of so many heads are held at once, or one class's: of 100 classes with 512 features those of 3 classes."""
FEW_CLASSES = 36
"""With more classes the work grows faster than what is learnt from it: heads are drawn, and shadow targets planned and
trained, in ways that take less (`InitialHeads`, `adversary.shadow`). Half of 36 is as many as forget something of 24
shadow targets."""
CACHE_BYTES = 500e3
"""Of more classes, so much of the heads' logits is worked on at once on a CPU: what its caches hold."""


class InitialHeads:
    """What `initial_heads` draws, part by part: what is larger than BLOCK_BYTES is drawn again when it is asked for.

    So it is never held whole. The generator is left where drawing all heads leaves it. Of more than FEW_CLASSES classes
    the weights have a generator of their own, whose seed is drawn: nothing is drawn twice.
    """

    def __init__(self, count: int, num_classes: int, dim: int, generator: torch.Generator) -> None:
        self.num_classes, self.dim = num_classes, dim
        self._state = generator.get_state()
        self._held_MKD: Tensor | None = None
        if num_classes > FEW_CLASSES:
            seed = torch.randint(2**62, (), generator=generator)
            self._state = torch.Generator().manual_seed(int(seed)).get_state()
        elif 4 * count * num_classes * dim <= BLOCK_BYTES:
            self._held_MKD = torch.rand(count, num_classes, dim, generator=generator)
        else:
            skip(count * num_classes * dim, generator)
        self._uniform_MK = torch.rand(count, num_classes, generator=generator)

    def parts(self, size: int, device: torch.device | str = "cpu") -> Iterator[Heads]:
        """The heads in their order, `size` at a time; the same whatever the size, and on whatever device."""
        bound = self.dim**-0.5
        for weight_MKD, uniform_MK in zip(self._uniform(size), self._uniform_MK.split(size), strict=True):
            yield Heads(
                weight_MKD.to(device).mul(2).sub_(1).mul_(bound), uniform_MK.to(device).mul(2).sub_(1).mul_(bound)
            )

    def _uniform(self, size: int) -> Iterator[Tensor]:
        """What the weights are made of: uniform in [0, 1)."""
        if self._held_MKD is not None:
            yield from self._held_MKD.split(size)
            return
        draw = torch.Generator().set_state(self._state)
        for uniform_MK in self._uniform_MK.split(size):
            yield torch.rand(len(uniform_MK), self.num_classes, self.dim, generator=draw)


def skip(count: int, generator: torch.Generator) -> None:
    """Move the generator as drawing `count` uniform numbers moves it."""
    buffer = torch.empty(min(count, 2**18))
    while count > 0:
        count -= buffer[:count].uniform_(generator=generator).numel()


@dataclass(frozen=True, kw_only=True)
class AuxiliaryHeads:
    """M heads for each of K classes, each trained on samples of its class; trained when they are iterated over.

    Iterating gives blocks of whole classes: which classes these are, and their heads, class by class. Of many classes
    and features all heads together are much larger than what is read from them.

    phi_ND, labels_N: the features that heads are trained on, and their labels.
    subset_KMn: each head's samples, as indices into these.
    initial: the K * M heads to start from.
    steps, lr: as for `train_heads`.
    chunk: how many heads are trained at once; None takes all of a block.
    """

    phi_ND: Tensor
    labels_N: Tensor
    subset_KMn: Tensor
    initial: InitialHeads
    steps: int
    lr: float
    chunk: int | None

    def __iter__(self) -> Iterator[tuple[range, Heads]]:
        classes, heads, _ = self.subset_KMn.shape
        class_bytes = 4 * heads * self.initial.num_classes * self.initial.dim
        together = max(1, int(BLOCK_BYTES // class_bytes))
        blocks = zip(
            self.subset_KMn.split(together), self.initial.parts(together * heads, self.phi_ND.device), strict=True
        )
        for number, (subset_CMn, initial) in enumerate(blocks):
            first = number * together
            yield range(first, min(first + together, classes)), self._trained(subset_CMn.flatten(0, 1), initial)

    def _trained(self, subset_Rn: Tensor, initial: Heads) -> Heads:
        size, many = self.chunk or len(subset_Rn), self.initial.num_classes > FEW_CLASSES
        if many and self.phi_ND.device.type == "cpu":
            size = min(size, max(1, int(CACHE_BYTES // (4 * subset_Rn.shape[1] * self.initial.num_classes))))
        initial = Heads(*(part.to(self.phi_ND) for part in initial))
        trained = [
            train_heads(
                self.phi_ND[some_Rn],
                self.labels_N[some_Rn],
                Heads(weight_RKD, bias_RK),
                steps=self.steps,
                lr=self.lr,
                label="auxiliary heads",
                in_place=many,
            )
            for some_Rn, weight_RKD, bias_RK in zip(*(part.split(size) for part in (subset_Rn, *initial)), strict=True)
        ]
        if many:
            return initial
        return trained[0] if len(trained) == 1 else Heads(*map(torch.cat, zip(*trained, strict=True)))


def train_heads(
    phi_MND: Tensor,
    labels_MN: Tensor,
    initial: Heads,
    *,
    steps: int,
    lr: float,
    label: str = "heads",
    in_place: bool = False,
) -> Heads:
    """Full-batch gradient descent on the mean cross-entropy, each head on its own samples.

    Args:
        phi_MND: frozen features of each head's samples [M, n, D].
        labels_MN: their labels [M, n].
        initial: the heads to start from.
        steps, lr: gradient steps and learning rate.
        in_place: whether the initial heads become the trained ones, which saves copies where they are large.

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
    if in_place:
        initial.bias_MK.sub_(total_MKN.sum(2), alpha=scale)
        initial.weight_MKD.baddbmm_(total_MKN, phi_MND, alpha=-scale)
        return initial
    return Heads(initial.weight_MKD - scale * total_MKN @ phi_MND, initial.bias_MK - scale * total_MKN.sum(2))


def class_subsets(labels_N: Tensor, num_classes: int, heads: int, size: int, generator: torch.Generator) -> Tensor:
    """For every class `heads` random subsets of `size` of its samples, without repetition inside one.

    Of a class with fewer than `size`, as an attacker may hold who makes do, each subset has all, in turn until there
    are so many: what is trained on it weighs them alike, but for a last round that is not full. That every class has a
    sample is for `Attack.check_held` and `check_auxiliary` to have made sure of.

    Returns:
        Indices into the auxiliary data, [K, heads, size] (int64, CPU).
    """
    rows, labels_N = [], labels_N.cpu()
    for c in range(num_classes):
        of_class = (labels_N == c).nonzero()[:, 0]
        order = torch.rand(heads, len(of_class), generator=generator).argsort(1)
        rows.append(of_class[order[:, torch.arange(size) % len(of_class)]])
    return torch.stack(rows)
