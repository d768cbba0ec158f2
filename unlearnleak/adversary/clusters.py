"""Two clusters: what several screenings and one of the paper's protocols split classes with."""

import numpy as np
from sklearn.cluster import KMeans


def two_means(values_NF: np.ndarray) -> np.ndarray:
    """k-means with k = 2; true where a sample belongs to the cluster whose centre has the smaller mean [N].

    All false where there are not two different samples to split.
    """
    if len(np.unique(values_NF, axis=0)) < 2:
        return np.zeros(len(values_NF), dtype=bool)
    clusters = KMeans(n_clusters=2, n_init=10, random_state=0).fit(values_NF)
    lower = np.argmin(clusters.cluster_centers_.mean(1))
    return np.asarray(clusters.labels_ == lower)
