"""kmeans: two clusters of classes, the lower one forgotten."""

import torch

from unlearnleak.adversary.clusters import two_means
from unlearnleak.adversary.evidence import DotProducts, Scores
from unlearnleak.screening.base import Screening, Verdict


class KMeans2(Screening[DotProducts | Scores]):
    """Splits the classes' mean samples in two; those near the lower centre are forgotten (paper, IV-B).

    It always splits: where nothing was forgotten it raises an alarm all the same.
    """

    version = 1
    accepts = (DotProducts, Scores)
    published = "kmeans"

    def __call__(self, evidence: DotProducts | Scores) -> Verdict:
        """The verdict; the score is the negated class mean."""
        value_K = evidence.samples_KMF.mean((1, 2))
        return Verdict(torch.from_numpy(two_means(value_K[:, None].numpy())), -value_K)
