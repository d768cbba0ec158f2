"""decision_tree: a decision tree on parameter differences, grown on shadow targets."""

import torch
from sklearn.tree import DecisionTreeClassifier

from unlearnleak.adversary.evidence import Differences
from unlearnleak.errors import UserError
from unlearnleak.screening.base import Screening, Verdict


class DecisionTree(Screening[Differences]):
    """Each of a class's M heads is judged by the tree; the class is forgotten if their mean probability exceeds 1/2.

    The paper grows the tree on heads of the target itself that are already labelled, 80 % of them, and tests it on the
    other 20 %; that figure is `asr_published`. Here it is grown on the shadow targets' aligned features
    (docs/design.md).

    Args:
        max_depth, min_samples_leaf: as in sklearn.tree.DecisionTreeClassifier; classes are weighted to balance.
        random_state: of the tree, which draws only between splits that are equally good.
    """

    version = 1
    accepts = (Differences,)
    published = "decision_tree"

    def __init__(self, *, max_depth: int | None, min_samples_leaf: int, random_state: int) -> None:
        for name, value in (("max_depth", max_depth), ("min_samples_leaf", min_samples_leaf)):
            if value is not None and value < 1:
                raise UserError(f"screening.{name}={value} is not possible: at least 1.")
        if not 0 <= random_state < 2**32:
            raise UserError(f"screening.random_state={random_state} is not possible: 0 to {2**32 - 1}.")
        self.settings = {
            "max_depth": max_depth,
            "min_samples_leaf": min_samples_leaf,
            "random_state": random_state,
            "class_weight": "balanced",
        }

    def __call__(self, evidence: Differences) -> Verdict:
        """The verdict; the score is the mean probability over the class's heads, in [0, 1]."""
        features_SKMF, forgotten_SK = evidence.calibration
        classes, heads, width = evidence.aligned_KMF.shape
        tree = DecisionTreeClassifier(**self.settings)
        tree.fit(
            features_SKMF.reshape(-1, width).cpu().numpy(),
            forgotten_SK.repeat_interleave(heads).cpu().numpy(),
        )
        probability = tree.predict_proba(evidence.aligned_KMF.reshape(-1, width).cpu().numpy())[:, 1]
        score_K = torch.from_numpy(probability).view(classes, heads).mean(1).float()
        return Verdict(score_K > 0.5, score_K)
