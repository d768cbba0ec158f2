"""The protocols that papers' figures come from, where these are told what an attacker does not know.

Of the paper: separability of labelled heads, measured with the truth.

All printed averages are multiples of 1/1600 (dot product) and 1/320 (tree). We take that for accuracy over 400
auxiliary heads, 200 of each group, with the groups known: Youden's threshold fitted and tested on all 400, the tree
fitted on 320 and tested on 80, over four data sets. That is an inference: 40 targets x 10 classes x 4 data sets are
1600 too. If it holds, each cell of the paper rests on one target a data set. It says how well heads of the two groups
can be told apart by somebody who knows which is which; it is no attack. It is computed here, in the evaluation, of
heads with settings of their own (`attack/base/published.py`).

Two limits of the protocol: Youden's threshold is tested on what it was fitted to, so that labels without meaning score
above 1/2; and theta_u is the same in all difference vectors, so that the tree reads the auxiliary heads alone and does
as well where nothing was unlearned.

Of Hu et al. 2024, whose attacker sees the model before and after: the K lowest classes, with K given (`top_k`).

K classes, M heads a class, F features, H heads of both groups together.
"""

import numpy as np

HEADS_PER_GROUP = 200
TEST_SHARE = 0.2


def labelled_heads(samples_KMF: np.ndarray, forgotten_K: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Equally many heads of forgotten and of retained classes, at most 200 each, drawn by `seed`.

    Returns:
        Features [H, F] and labels [H] (true: forgotten), or None where one group is empty.
    """
    random = np.random.default_rng(seed)
    groups = [samples_KMF[~forgotten_K], samples_KMF[forgotten_K]]
    flat = [group.reshape(-1, samples_KMF.shape[-1]) for group in groups]
    count = min(HEADS_PER_GROUP, *(len(group) for group in flat))
    if not count:
        return None
    chosen = [group[random.choice(len(group), count, replace=False)] for group in flat]
    return np.concatenate(chosen), np.repeat([False, True], count)


def youden(samples_KMF: np.ndarray, forgotten_K: np.ndarray, seed: int = 0) -> float | None:
    """Accuracy of Youden's threshold on the very dot products that it is fitted on (F = 1; paper, Tables V and VI)."""
    heads = labelled_heads(samples_KMF, forgotten_K, seed)
    if heads is None:
        return None
    from sklearn.metrics import roc_curve  # noqa: PLC0415  (a second that the start of a job is spared)

    values_HF, labels_H = heads
    false_positive, true_positive, threshold = roc_curve(labels_H, -values_HF[:, 0], drop_intermediate=False)
    best = threshold[np.argmax(true_positive - false_positive)]
    return float(np.mean(labels_H == (-values_HF[:, 0] >= best)))


def kmeans(samples_KMF: np.ndarray, forgotten_K: np.ndarray, seed: int = 0) -> float | None:
    """Accuracy of k-means (k = 2) over the dot products, the lower centre taken as forgotten (F = 1)."""
    heads = labelled_heads(samples_KMF, forgotten_K, seed)
    if heads is None:
        return None
    from unlearnleak.adversary.clusters import two_means  # noqa: PLC0415  (scikit-learn, as above)

    values_HF, labels_H = heads
    return float(np.mean(labels_H == two_means(values_HF)))


def decision_tree(samples_KMF: np.ndarray, forgotten_K: np.ndarray, seed: int = 0) -> float | None:
    """Accuracy of an unpruned decision tree on a fifth of the difference vectors, grown on the other four fifths."""
    heads = labelled_heads(samples_KMF, forgotten_K, seed)
    if heads is None or len(heads[1]) < 10:
        return None
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  (as above)
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415  (as above)

    train_HF, test_HF, train_H, test_H = train_test_split(
        *heads, test_size=TEST_SHARE, random_state=seed, stratify=heads[1]
    )
    tree = DecisionTreeClassifier(random_state=seed).fit(train_HF, train_H)
    return float(np.mean(test_H == tree.predict(test_HF)))


def top_k(samples_KMF: np.ndarray, forgotten_K: np.ndarray, seed: int = 0) -> float | None:
    """Share of the forgotten classes among as many classes of the lowest means: label inference with K given (F = 1).

    Of classes with the same mean as the last one that is named, each counts with the share of them that is named: what
    a random choice among them gives on average, and K of all classes where nothing changed. None for a control.
    """
    count = int(forgotten_K.sum())
    if not count:
        return None
    value_K = samples_KMF.astype(np.float64).mean((1, 2))
    last = np.sort(value_K)[count - 1]
    below_K, tied_K = value_K < last, value_K == last
    weight_K = below_K + tied_K * (count - below_K.sum()) / tied_K.sum()
    return float(weight_K[forgotten_K].sum() / count)
