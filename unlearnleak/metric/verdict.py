"""How right a verdict over classes is.

Shape letter: K classes. `verdict_K` is true where the attack says "forgotten", `truth_K` where that is so,
and `score_K` is larger where forgetting is more likely. "Positive" is forgotten, and counts are of classes:
TP = Σ v∧t, FP = Σ v∧¬t, TN = Σ ¬v∧¬t, FN = Σ ¬v∧t. A metric that has no value for its input is None, never
a stand-in number; its docstring says when. Flags are bool arrays, scores any numbers; CPU tensors and lists
will do. All raise ValueError for flags that are not bool[K] and for shapes that differ.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

BoolArray = NDArray[np.bool_]


def asr(verdict_K: ArrayLike, truth_K: ArrayLike) -> float:
    """Return the attack success rate (TP + TN) / K (paper, eq. 12): the share of classes judged rightly."""
    verdict, truth = _pair(verdict_K, truth_K)
    return float(np.mean(verdict == truth))


def asr_constant(truth_K: ArrayLike) -> float:
    """Return the ASR of always answering "nothing was forgotten": the share of classes that were not."""
    truth = _bools(truth_K)
    return asr(np.zeros_like(truth), truth)


def exact_match(verdict_K: ArrayLike, truth_K: ArrayLike) -> float:
    """Return 1.0 if every class is judged rightly, else 0.0 (the multi-label subset accuracy)."""
    verdict, truth = _pair(verdict_K, truth_K)
    return float(np.array_equal(verdict, truth))


def balanced_accuracy(verdict_K: ArrayLike, truth_K: ArrayLike) -> float:
    """Return (TP / (TP + FN) + TN / (TN + FP)) / 2 (Brodersen et al., 2010).

    Where all classes are of one kind, the accuracy on that kind.
    """
    verdict, truth = _pair(verdict_K, truth_K)
    return float(np.mean([np.mean(verdict[truth == kind] == kind) for kind in np.unique(truth)]))


def precision(verdict_K: ArrayLike, truth_K: ArrayLike) -> float | None:
    """Return TP / (TP + FP): how many of the alarms are right. None without an alarm."""
    verdict, truth = _pair(verdict_K, truth_K)
    return float(np.mean(truth[verdict])) if verdict.any() else None


def recall(verdict_K: ArrayLike, truth_K: ArrayLike) -> float | None:
    """Return TP / (TP + FN): how many of the forgotten classes are found. None if nothing was forgotten."""
    verdict, truth = _pair(verdict_K, truth_K)
    return float(np.mean(verdict[truth])) if truth.any() else None


def f1(verdict_K: ArrayLike, truth_K: ArrayLike) -> float | None:
    """Return 2 TP / (2 TP + FP + FN). None if nothing was forgotten and there is no alarm."""
    verdict, truth = _pair(verdict_K, truth_K)
    named = int(verdict.sum() + truth.sum())
    return 2 * int((verdict & truth).sum()) / named if named else None


def auroc(score_K: ArrayLike, truth_K: ArrayLike) -> float | None:
    """Return P(score of a forgotten class > score of a retained one), a tie counting one half.

    This is the area under the ROC curve (the Mann-Whitney statistic; Hanley and McNeil, 1982). Scores may be
    infinite. None unless there are classes of both kinds. Raises ValueError for a score that is not a number.
    """
    gap = _pairwise(score_K, truth_K)
    return float(np.mean(gap + 1) / 2) if gap.size else None


def forgotten_ranked_first(score_K: ArrayLike, truth_K: ArrayLike) -> float | None:
    """Return 1.0 if every forgotten class has a strictly higher score than every retained one, else 0.0.

    None unless there are classes of both kinds. Raises ValueError for a score that is not a number.
    """
    gap = _pairwise(score_K, truth_K)
    return float(np.all(gap > 0)) if gap.size else None


VERDICT_METRICS = (
    *("asr", "exact_match", "balanced_accuracy", "precision", "recall", "f1"),
    *("auroc", "forgotten_ranked_first", "asr_constant"),
)
"""The metrics of this module, in the order of a result."""


def verdict_metrics(
    verdict_K: ArrayLike, score_K: ArrayLike, truth_K: ArrayLike, judged_K: ArrayLike | None = None
) -> dict[str, float | None]:
    """Return every metric of this module under the name of its function.

    Where `judged_K` says that a class was not judged, it was not judged rightly, whatever it is: silence on it is no
    answer. So no verdict that leaves out a class is exact, also on a model that forgot nothing. It is no alarm, and no
    class that is found. The AUROC is of the classes that were judged; a forgotten one that was not is not ranked first.
    """
    truth = _bools(truth_K)
    judged, _ = _pair(np.ones_like(truth) if judged_K is None else judged_K, truth)
    named, _ = _pair(verdict_K, truth)
    rightly = np.where(judged, named, ~truth)
    scores = np.asarray(score_K, dtype=np.float64)
    if scores.shape != truth.shape:
        raise ValueError(f"scores of shape {scores.shape} cannot be held against {len(truth)}")
    first = forgotten_ranked_first(scores[judged], truth[judged])
    if (truth & ~judged).any():
        first = 0.0
    return {
        "asr": asr(rightly, truth),
        "exact_match": exact_match(rightly, truth),
        "balanced_accuracy": balanced_accuracy(rightly, truth),
        "precision": precision(named, truth),
        "recall": recall(named, truth),
        "f1": f1(named, truth),
        "auroc": auroc(scores[judged], truth[judged]),
        "forgotten_ranked_first": first,
        "asr_constant": asr_constant(truth),
    }


def _bools(flags_K: ArrayLike) -> BoolArray:
    flags = np.asarray(flags_K)
    if flags.dtype != np.bool_ or flags.ndim != 1 or not flags.size:
        raise ValueError(f"expected one flag per class, got {flags.dtype} of shape {flags.shape}")
    return flags


def _pair(verdict_K: ArrayLike, truth_K: ArrayLike) -> tuple[BoolArray, BoolArray]:
    verdict, truth = _bools(verdict_K), _bools(truth_K)
    if verdict.shape != truth.shape:
        raise ValueError(f"a verdict on {len(verdict)} classes cannot be held against {len(truth)}")
    return verdict, truth


def _pairwise(score_K: ArrayLike, truth_K: ArrayLike) -> NDArray[np.int64]:
    """Return +1, 0 or -1 for each (forgotten, retained) pair of classes: whose score is higher."""
    score, truth = np.asarray(score_K, dtype=np.float64), _bools(truth_K)
    if score.shape != truth.shape:
        raise ValueError(f"scores of shape {score.shape} cannot be held against {len(truth)} classes")
    if np.isnan(score).any():
        raise ValueError(f"the score of class {int(np.isnan(score).argmax())} is not a number")
    forgotten, retained = score[truth][:, None], score[~truth][None]
    return (forgotten > retained).astype(np.int64) - (forgotten < retained)
