"""kmeans: two clusters of classes, the lower one forgotten."""

import numpy as np
import torch
from sklearn.cluster import KMeans

from unlearnleak.adversary.evidence import Evidence
from unlearnleak.screening.base import Screening, Verdict


def two_means(values_NF: np.ndarray) -> np.ndarray:
    """k-means with k = 2; true where a sample belongs to the cluster whose centre has the smaller mean [N].

    All false where there are not two different samples to split.
    """
    if len(np.unique(values_NF, axis=0)) < 2:
        return np.zeros(len(values_NF), dtype=bool)
    clusters = KMeans(n_clusters=2, n_init=10, random_state=0).fit(values_NF)
    lower = np.argmin(clusters.cluster_centers_.mean(1))
    return np.asarray(clusters.labels_ == lower)


class KMeans2(Screening):
    """Splits the classes' mean samples in two; those near the lower centre are forgotten (paper, IV-B).

    It always splits: where nothing was forgotten it raises an alarm all the same.
    """

    version = 1
    accepts = frozenset({"dot_product", "score"})
    published = "kmeans"

    def __call__(self, evidence: Evidence) -> Verdict:
        """The verdict; the score is the negated class mean."""
        value_K = evidence.samples_KMF.mean((1, 2))
        return Verdict(torch.from_numpy(two_means(value_K[:, None].numpy())), -value_K)
