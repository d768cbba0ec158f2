"""entropy: prediction vectors fall into two groups, and the less certain one is taken for forgotten."""

from typing import Literal, get_args

import torch
from torch import Tensor

from unlearnleak.adversary.clusters import two_means
from unlearnleak.adversary.evidence import Predictions
from unlearnleak.errors import UserError
from unlearnleak.screening.base import Screening, Verdict

Read = Literal["asked", "argmax"]


def shannon(p_KF: Tensor) -> Tensor:
    """-sum_j p_j ln p_j of each row, in nats, [K]; 0 ln 0 = 0."""
    entropy_K: Tensor = torch.special.entr(p_KF).sum(1)
    return entropy_K


class Entropy(Screening[Predictions]):
    """k-means (k = 2) over the sorted prediction vectors; the group of larger mean entropy is forgotten (eq. 31).

    Like every k-means it always splits, also where nothing was forgotten, unless all vectors are the same.

    Args:
        read: which classes a group names. "asked" takes those whose images were made, "argmax" the class that
            each vector's largest entry points at, as in the paper: where the image of a forgotten class is taken
            for a retained one, that names the retained class.
    """

    version = 1
    accepts = (Predictions,)

    def __init__(self, *, read: Read) -> None:
        if read not in get_args(Read):
            raise UserError(f"screening.read={read} is unknown: take one of {get_args(Read)}.")
        self.read = read

    def __call__(self, evidence: Predictions) -> Verdict:
        """The classes that the less certain group names; the score is the entropy of a class's vector in nats.

        Read by argmax it is the largest of the vectors that point at the class, and 0 where none does.
        """
        p_KF = evidence.samples_KMF[:, 0].double().exp()
        entropy_K = shannon(p_KF)
        sorted_KF = p_KF.sort(1, descending=True).values
        group_K = torch.from_numpy(two_means(sorted_KF.numpy()))
        if group_K.any() and entropy_K[group_K].mean() < entropy_K[~group_K].mean():
            group_K = ~group_K
        if self.read == "asked":
            return Verdict(group_K, entropy_K)
        named_K = p_KF.argmax(1)
        forgotten_K = torch.zeros_like(group_K).index_fill(0, named_K[group_K], True)
        return Verdict(forgotten_K, torch.zeros_like(entropy_K).scatter_reduce(0, named_K, entropy_K, "amax"))

    def as_published(self) -> "Entropy | None":
        """With the classes read off the vectors' largest entries."""
        return None if self.read == "argmax" else Entropy(read="argmax")
