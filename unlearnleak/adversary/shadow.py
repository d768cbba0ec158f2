"""Shadow targets: models that the attacker makes alone, and whose forgotten classes it therefore knows.

A shadow target is a head trained on the attacker's auxiliary data without some classes, on the very features of the
target. Whatever is measured between auxiliary heads and the target can be measured between the same auxiliary heads
and a shadow target, where the answer is known: that is the calibration that youden and decision_tree are fitted on. The
target's own forgotten classes are never needed.

Hard classes are shadow targets' too: retained classes of which a part of the labels is wrong, or few samples are there,
as a class may be that was never forgotten (`ShadowTargets.hard`).

S shadow targets, T = 1 + S targets (the real one first), K classes, N auxiliary samples, D features.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
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


USUAL: Mapping[str, Any] = MappingProxyType({"shadow_most": None, "hard_classes": 0})
"""Settings of attacks with shadow targets that came later than keys, as they were before."""
NOISE, RARE = 0.4, 0.1
"""Hard classes: up to this share of the labels is wrong, and from half of it on; so many of the samples are left."""


def forget_nothing(count: int) -> int:
    """How many of `count` shadow targets forget nothing: the first quarter of them, rounded up."""
    return -(-count // 4)


def shadow_plan(count: int, num_classes: int, generator: torch.Generator, most: int | None = None) -> Tensor:
    """Which classes each shadow target never sees: bool [S, K].

    A quarter of them forget nothing, or the calibration could not learn to stay silent; the others forget 1, 2, ... up
    to `most` classes in turn, since the attacker does not know how many are missing; None for half of them.

    Of more than FEW_CLASSES classes not every size can have its turn: from 1 to `most`, each is so many times as large
    as the one before.
    """
    forgotten_SK = torch.zeros(count, num_classes, dtype=torch.bool)
    most, first = most or max(1, num_classes // 2), forget_nothing(count)
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
    """What a step of all S shadow targets is computed from: features, labels as ones and zeros, samples' weights.

    Labels are [K, 1, N], or [K, S, N] where shadow targets have labels of their own.
    """

    phi_ND: Tensor
    wanted_KxN: Tensor
    share_SN: Tensor

    @classmethod
    def of(
        cls, phi_ND: Tensor, labels_N: Tensor, forgotten_SK: Tensor, index_N: Tensor, hard: "HardClasses | None"
    ) -> "Part":
        """Of these samples; those of a class that a shadow target never sees weigh nothing there."""
        phi_ND, labels_N, classes = phi_ND[index_N], labels_N[index_N], forgotten_SK.shape[1]
        seen_SN = (~forgotten_SK).to(phi_ND)[:, labels_N]
        wanted_KxN = F.one_hot(labels_N, classes).to(phi_ND).T[:, None]
        if hard is not None:
            seen_SN = seen_SN * ~hard.missing_SN[:, index_N]
            wanted_KxN = F.one_hot(hard.labels_SN[:, index_N], classes).to(phi_ND).permute(2, 0, 1).contiguous()
        return cls(phi_ND, wanted_KxN, seen_SN / seen_SN.sum(1, keepdim=True))

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
    hard: "HardClasses | None" = None,
) -> Heads:
    """Train one head per shadow target on all auxiliary samples of the classes that it may see.

    With `hard`, the samples of a shadow target's hard classes are as that says. Full-batch gradient descent with
    momentum on the mean cross-entropy, all S heads as one matrix of K*S rows: classes first and samples last, since a
    softmax over a last dimension of so few classes takes many times as long. Of more than FEW_CLASSES classes each step
    is on BATCH of the samples or fewer, in turn, and of each class on its share.
    """
    (shadows, classes), dim = forgotten_SK.shape, phi_ND.shape[1]
    initial = initial_heads(shadows, classes, dim, generator)
    weight_RD = initial.weight_MKD.transpose(0, 1).reshape(-1, dim).to(phi_ND)  # R = K * S rows
    bias_R1 = initial.bias_MK.T.reshape(-1, 1).to(phi_ND)
    pull_RD, pull_R1 = torch.zeros_like(weight_RD), torch.zeros_like(bias_R1)
    turns_BN = turns(labels_N, classes)
    parts = [Part.of(phi_ND, labels_N, forgotten_SK, index_N, hard) for index_N in turns_BN]
    taken = Part(*map(torch.clone, parts[0])) if len(parts) > 1 else parts[0]

    def step() -> None:
        logits_KSN = torch.addmm(bias_R1, weight_RD, taken.phi_ND.T).view(classes, shadows, -1)
        residual_RN = ((logits_KSN.softmax(0) - taken.wanted_KxN) * taken.share_SN).flatten(0, 1)
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


class HardClasses(NamedTuple):
    """Classes of shadow targets that are known, and badly.

    hard_SK: which these are. labels_SN: each shadow target's labels of the samples, some of the hard classes' wrong.
    missing_SN: samples of hard classes that it never sees.
    """

    hard_SK: Tensor
    labels_SN: Tensor
    missing_SN: Tensor


def hard_classes(labels_N: Tensor, forgotten_SK: Tensor, count: int, generator: torch.Generator) -> HardClasses:
    """`count` hard classes of each shadow target, drawn among those that it knows; all drawn on the CPU.

    They are noisy (up to NOISE of their labels are another class's that the shadow target knows) and rare (all but RARE
    of their samples are missing, one is there always) in turn.
    """
    labels_N, forgotten_SK, device = labels_N.cpu(), forgotten_SK.cpu(), labels_N.device
    hard_SK, labels_SN = torch.zeros_like(forgotten_SK), labels_N.repeat(len(forgotten_SK), 1)
    missing_SN = torch.zeros_like(labels_SN, dtype=torch.bool)
    for s, forgotten_K in enumerate(forgotten_SK):
        known = (~forgotten_K).nonzero()[:, 0]
        known = known[torch.randperm(len(known), generator=generator)]
        for turn, c in enumerate(known[: min(count, len(known) - 1)].tolist()):
            hard_SK[s, c] = True
            rows = (labels_N == c).nonzero()[:, 0]
            rows = rows[torch.randperm(len(rows), generator=generator)]
            if (s + turn) % 2:
                missing_SN[s, rows[max(1, round(RARE * len(rows))) :]] = True
                continue
            share = NOISE * (1 + float(torch.rand((), generator=generator))) / 2
            wrong, others = rows[: round(share * len(rows))], known[known != c]
            labels_SN[s, wrong] = others[torch.randint(len(others), (len(wrong),), generator=generator)]
    return HardClasses(*(part.to(device) for part in (hard_SK, labels_SN, missing_SN)))


class Shadowed(NamedTuple):
    """S trained shadow targets.

    heads: theirs. forgotten_SK: what each never saw. hard_SK: what it knows badly; None where nothing is.
    upper: how many classes of a target are presumed to be retained.
    """

    heads: Heads
    forgotten_SK: Tensor
    hard_SK: Tensor | None
    upper: int

    @property
    def unusual(self) -> Tensor:
        """Which classes of each shadow target do not read as a retained one usually does, bool [S, K]."""
        return self.forgotten_SK if self.hard_SK is None else self.forgotten_SK | self.hard_SK


@dataclass(frozen=True, kw_only=True)
class ShadowTargets:
    """How shadow targets are made: the settings `shadows`, `shadow_*` and `hard_classes` of an attack.

    count: S. steps, lr, momentum: how each is trained.
    most: how many classes one forgets at most; None for half of them.
    hard: how many hard classes each has beside those that it forgot (`hard_classes`); they count as retained.

    Raises `UserError` for a setting that cannot be, by its name as an attack has it.
    """

    count: int
    steps: int
    lr: float
    momentum: float
    most: int | None = None
    hard: int = 0

    def __post_init__(self) -> None:
        require(self.count >= FEWEST, "attack.shadows", self.count, f"at least {FEWEST}")
        require(self.steps >= 1, "attack.shadow_steps", self.steps, "at least 1")
        require(self.lr > 0, "attack.shadow_lr", self.lr, "above 0")
        require(0 <= self.momentum < 1, "attack.shadow_momentum", self.momentum, "0 or more and below 1")
        require(self.most is None or self.most >= 1, "attack.shadow_most", self.most, "at least 1, or null for half")
        require(self.hard >= 0, "attack.hard_classes", self.hard, "0 or more")

    @property
    def words(self) -> str:
        """What is unusual of them, for tables, such as "1 hard class a shadow target"; "" where nothing is."""
        parts = (
            self.hard > 0 and f"{self.hard} hard class{'es' if self.hard > 1 else ''} a shadow target",
            self.most is not None and f"shadow targets forget up to {self.most}",
        )
        return ", ".join(part for part in parts if part)

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where a shadow target would forget all of so many classes."""
        last = num_classes - 1
        require((self.most or 1) <= last, "attack.shadow_most", self.most, f"at most {last}, all classes but one")

    def trained(self, phi_ND: Tensor, labels_N: Tensor, num_classes: int, generator: torch.Generator) -> Shadowed:
        """The shadow targets on the features of all auxiliary samples."""
        half = max(1, num_classes // 2)
        most = min(self.most or half, num_classes - 1)
        forgotten_SK = shadow_plan(self.count, num_classes, generator, most).to(labels_N.device)
        hard = hard_classes(labels_N, forgotten_SK, self.hard, generator) if self.hard else None
        how = {"steps": self.steps, "lr": self.lr, "momentum": self.momentum}
        heads = shadow_heads(phi_ND, labels_N, forgotten_SK, **how, generator=generator, hard=hard)  # type: ignore[arg-type]
        return Shadowed(heads, forgotten_SK, hard and hard.hard_SK, half if most <= half else num_classes - most)


def units(own_TK: Tensor, forgotten_SK: Tensor, upper: int | None = None) -> Tensor:
    """What a measurement of class c in target t is divided by, so that a retained class reads about 1: [T, K].

    The unit is a class's own (how it reads, on average, in the shadow targets that know it) times the target's own (how
    large its classes read in that measure). The latter is taken over the `upper` classes that read highest, half of
    them where it is not said: forgotten ones read low, and the attacker does not know how many there are. Where that is
    not positive (a collapsed target), a thousandth of its largest reading stands in: the units stay positive and the
    readings finite.

    Args:
        own_TK: the measurement, the real target first.
        forgotten_SK: the shadow targets' truth.
    """
    known_SK = (~forgotten_SK).to(own_TK)
    class_K = (own_TK[1:] * known_SK).sum(0) / known_SK.sum(0)
    class_K = class_K.clamp(min=1e-3 * class_K.abs().max().item())
    upper = upper or max(1, own_TK.shape[1] // 2)
    share_TK = own_TK / class_K
    size_T = share_TK.abs().amax(1)  # of each target by itself: a huge one must not raise the others' floor
    target_T = share_TK.topk(upper, dim=1).values.mean(1)
    target_T = target_T.maximum(1e-3 * size_T.clamp(min=1e-9 * size_T.max().item()))
    return target_T[:, None] * class_K
