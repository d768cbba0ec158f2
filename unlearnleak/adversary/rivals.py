"""Against which classes a class is read: all others, or of many classes the one that comes nearest.

A dot product of heads weighs the target's logit of the class against the mean of all others' (docs/findings.md,
section 2). Where a class was unlearned gently, a rival takes its answers, and the others stay as far below as they
were: among ten classes the mean shows it, among twenty the rival is one of nineteen and the class reads much as before.
So of more than MANY classes a class is read against its nearest rival.

K classes, of which a block has C, M heads of each, T targets, D features.
"""

import torch
from torch import Tensor

from unlearnleak.adversary.heads import Heads

MANY = 10
"""Up to so many classes a class is read against the mean of the others, as the paper has it."""


def with_bias(heads: Heads) -> Tensor:
    """Weights with the bias as one more feature, [M, K, D + 1]."""
    return torch.cat([heads.weight_MKD, heads.bias_MK[..., None]], 2)


def against_rivals(heads: Heads, of: range, targets: Heads) -> Tensor:
    """How far each head's dot product with a target is above that with the class's row exchanged for its rival's.

    A head that was trained on class c alone has moved evenly away from the other classes; so that difference is the
    target's margin of c over the rival on the head's samples, times a factor, where the dot product itself is its
    margin over the mean. The rival is the class whose exchange costs least, by the mean over the class's heads.

    Args:
        heads: those of a block of classes, class by class.
        of: which classes these are.
        targets: T heads.

    Returns:
        [T, C, M].
    """
    head_CMKD = with_bias(heads).unflatten(0, (len(of), -1))
    target_TKD = with_bias(targets)
    found = []
    for c, head_MKD in zip(of, head_CMKD, strict=True):
        own_TMK = torch.einsum("md,tkd->tmk", head_MKD[:, c], target_TKD)
        others_TMK = torch.einsum("mkd,td->tmk", head_MKD, target_TKD[:, c])
        straight_TMK = torch.einsum("mkd,tkd->tmk", head_MKD, target_TKD)
        cost_TMK = own_TMK[..., c : c + 1] + straight_TMK - own_TMK - others_TMK
        cost_TMK[..., c] = torch.inf
        rival_T11 = cost_TMK.mean(1).argmin(1)[:, None, None]
        found.append(cost_TMK.gather(2, rival_T11.expand(-1, cost_TMK.shape[1], 1))[..., 0])
    return torch.stack(found, 1)
