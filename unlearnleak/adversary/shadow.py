"""Shadow targets: models that the attacker makes alone, and whose forgotten classes it therefore knows.

A shadow target is a head trained on the attacker's auxiliary data without some classes, on the very features of the
target. Whatever is measured between auxiliary heads and the target can be measured between the same auxiliary heads
and a shadow target, where the answer is known: that is the calibration that youden and decision_tree are fitted on. The
target's own forgotten classes are never needed.

S shadow targets, T = 1 + S targets (the real one first), K classes, N auxiliary samples, D features.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unlearnleak.adversary.heads import FEW_CLASSES, Heads, initial_heads
from unlearnleak.errors import require
from unlearnleak.machine.graphs import repeated
from unlearnleak.machine.progress import progress

FEWEST = 8
"""So many shadow targets an attack needs at least: two that forget nothing, and six that do."""
BATCH = 1024
"""Of more than FEW_CLASSES classes, samples of a step at most."""
MANY_CLASSES_VERSION = 1
"""Raise it when shadow targets or heads of more than FEW_CLASSES classes are others than before."""


def many_classes(num_classes: int) -> dict[str, Any]:
    """What a key says of shadow targets beside their settings: nothing for few classes, whose keys are older."""
    return {"many_classes": MANY_CLASSES_VERSION} if num_classes > FEW_CLASSES else {}


def shadow_training(count: int, *, steps: int, lr: float, momentum: float) -> dict[str, Any]:
    """How `count` shadow targets are trained, for `shadow_heads`.

    Raises:
        UserError: a setting that cannot be, by its name as an attack has it.
    """
    require(count >= FEWEST, "attack.shadows", count, f"at least {FEWEST}")
    require(steps >= 1, "attack.shadow_steps", steps, "at least 1")
    require(lr > 0, "attack.shadow_lr", lr, "above 0")
    require(0 <= momentum < 1, "attack.shadow_momentum", momentum, "0 or more and below 1")
    return {"steps": steps, "lr": lr, "momentum": momentum}


def forget_nothing(count: int) -> int:
    """How many of `count` shadow targets forget nothing: the first quarter of them, rounded up."""
    return -(-count // 4)


def shadow_plan(count: int, num_classes: int, generator: torch.Generator) -> Tensor:
    """Which classes each shadow target never sees: bool [S, K].

    A quarter of them forget nothing, or the calibration could not learn to stay silent; the others forget 1, 2, ... up
    to half of the classes in turn, since the attacker does not know how many are missing.

    Of more than FEW_CLASSES classes not every size can have its turn: from 1 to half of the classes, each is so many
    times as large as the one before.
    """
    forgotten_SK = torch.zeros(count, num_classes, dtype=torch.bool)
    most, first = max(1, num_classes // 2), forget_nothing(count)
    sizes = [1 + s % most for s in range(first, count)]
    if num_classes > FEW_CLASSES:
        sizes = torch.logspace(0, math.log10(most), count - first, dtype=torch.float64).round().int().tolist()
    for s, size in enumerate(sizes, first):
        forgotten_SK[s, torch.randperm(num_classes, generator=generator)[:size]] = True
    return forgotten_SK


def turns(labels_N: Tensor, num_classes: int) -> Tensor:
    """Which samples the steps take in turn, [B, n]: all of them each time where there are few classes or samples.

    Otherwise BATCH at most, and of each class its share. Where B does not divide their number, some come twice.
    """
    samples = len(labels_N)
    count = -(-samples // BATCH) if num_classes > FEW_CLASSES else 1
    if count == 1:
        return torch.arange(samples, device=labels_N.device)[None]
    order_N = labels_N.argsort(stable=True)
    filled = torch.arange(-(-samples // count) * count, device=labels_N.device) % samples
    return order_N[filled].view(-1, count).T


class Part(NamedTuple):
    """What a step of all S shadow targets is computed from: features, labels as ones and zeros, samples' weights."""

    phi_ND: Tensor
    wanted_K1N: Tensor
    share_SN: Tensor

    @classmethod
    def of(cls, phi_ND: Tensor, labels_N: Tensor, forgotten_SK: Tensor, index_N: Tensor) -> "Part":
        """Of these samples; those of a class that a shadow target never sees weigh nothing there."""
        phi_ND, labels_N = phi_ND[index_N], labels_N[index_N]
        seen_SN = (~forgotten_SK).to(phi_ND)[:, labels_N]
        wanted_K1N = F.one_hot(labels_N, forgotten_SK.shape[1]).to(phi_ND).T[:, None]
        return cls(phi_ND, wanted_K1N, seen_SN / seen_SN.sum(1, keepdim=True))

    def become(self, other: "Part") -> None:
        """Take the values of another, which a captured step then reads."""
        for mine, its in zip(self, other, strict=True):
            mine.copy_(its)


def shadow_heads(
    phi_ND: Tensor,
    labels_N: Tensor,
    forgotten_SK: Tensor,
    *,
    steps: int,
    lr: float,
    momentum: float,
    generator: torch.Generator,
) -> Heads:
    """Train one head per shadow target on all auxiliary samples of the classes that it may see.

    Full-batch gradient descent with momentum on the mean cross-entropy, all S heads as one matrix of K*S rows: classes
    first and samples last, since a softmax over a last dimension of so few classes takes many times as long. Of more
    than FEW_CLASSES classes each step is on BATCH of the samples or fewer, in turn, and of each class on its share.
    """
    (shadows, classes), dim = forgotten_SK.shape, phi_ND.shape[1]
    initial = initial_heads(shadows, classes, dim, generator)
    weight_RD = initial.weight_MKD.transpose(0, 1).reshape(-1, dim).to(phi_ND)  # R = K * S rows
    bias_R1 = initial.bias_MK.T.reshape(-1, 1).to(phi_ND)
    pull_RD, pull_R1 = torch.zeros_like(weight_RD), torch.zeros_like(bias_R1)
    turns_BN = turns(labels_N, classes)
    parts = [Part.of(phi_ND, labels_N, forgotten_SK, index_N) for index_N in turns_BN]
    taken = Part(*map(torch.clone, parts[0])) if len(parts) > 1 else parts[0]

    def step() -> None:
        logits_KSN = torch.addmm(bias_R1, weight_RD, taken.phi_ND.T).view(classes, shadows, -1)
        residual_RN = ((logits_KSN.softmax(0) - taken.wanted_K1N) * taken.share_SN).flatten(0, 1)
        pull_RD.addmm_(residual_RN, taken.phi_ND, beta=momentum)
        pull_R1.mul_(momentum).add_(residual_RN.sum(1, keepdim=True))
        weight_RD.sub_(lr * pull_RD)
        bias_R1.sub_(lr * pull_R1)

    state = (weight_RD, bias_R1, pull_RD, pull_R1)
    again = repeated(step, lambda: state, phi_ND.device, "a step of the shadow targets", times=steps)
    for number in progress(range(steps), label="shadow targets", unit="step"):
        if len(parts) > 1:
            taken.become(parts[number % len(parts)])
        again()
    return Heads(
        weight_RD.view(classes, shadows, dim).transpose(0, 1).contiguous(),
        bias_R1.view(classes, shadows).T.contiguous(),
    )


def units(own_TK: Tensor, forgotten_SK: Tensor) -> Tensor:
    """What a measurement of class c in target t is divided by, so that a retained class reads about 1: [T, K].

    The unit is a class's own (how it reads, on average, in the shadow targets that know it) times the target's own (how
    large its classes read in that measure). The latter is taken over the upper half of the classes: forgotten ones read
    low, and the attacker does not know how many there are. Where that is not positive (a collapsed target), a
    thousandth of its largest reading stands in: the units stay positive and the readings finite.

    Args:
        own_TK: the measurement, the real target first.
        forgotten_SK: the shadow targets' truth.
    """
    known_SK = (~forgotten_SK).to(own_TK)
    class_K = (own_TK[1:] * known_SK).sum(0) / known_SK.sum(0)
    class_K = class_K.clamp(min=1e-3 * class_K.abs().max().item())
    upper = max(1, own_TK.shape[1] // 2)
    share_TK = own_TK / class_K
    size_T = share_TK.abs().amax(1)  # of each target by itself: a huge one must not raise the others' floor
    target_T = share_TK.topk(upper, dim=1).values.mean(1)
    target_T = target_T.maximum(1e-3 * size_T.clamp(min=1e-9 * size_T.max().item()))
    return target_T[:, None] * class_K
