"""decision_tree: a decision tree on parameter differences, grown on shadow targets."""

from collections.abc import Callable

import torch
from sklearn.tree import DecisionTreeClassifier
from torch import Tensor

from unlearnleak.adversary.cut import LEAST, best_cut
from unlearnleak.adversary.evidence import Differences, LabeledFeatures
from unlearnleak.errors import UserError
from unlearnleak.screening.base import Screening, Verdict


class DecisionTree(Screening[Differences]):
    """Each of a class's M heads is judged by the tree; the class is forgotten if their mean probability exceeds 1/2.

    The paper grows the tree on heads of the target itself that are already labelled, 80 % of them, and tests it on the
    other 20 %; that figure is `asr_published`. Here it is grown on the shadow targets' aligned features
    (docs/design.md).

    A tree finds splits in anything. So another one is grown on every second shadow target and asked about the others;
    where it cannot tell their forgotten classes (Youden's J below `cut.LEAST`), as where differences are constant or
    noise, the calibration means nothing, and nothing is named.

    Args:
        max_depth, min_samples_leaf: as in sklearn.tree.DecisionTreeClassifier; classes are weighted to balance.
        random_state: of the tree, which draws only between splits that are equally good.
    """

    version = 2
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
        score_K = self.grown(*evidence.calibration)(evidence.aligned_KMF)
        return Verdict((score_K > 0.5) & self.tells(evidence.calibration), score_K)

    def grown(self, features_SKMF: Tensor, forgotten_SK: Tensor) -> Callable[[Tensor], Tensor]:
        """A tree on these shadow targets: the mean probability [K] of having been forgotten, of [K, M, F]."""
        width, heads = features_SKMF.shape[3], features_SKMF.shape[2]
        tree = DecisionTreeClassifier(**self.settings)
        tree.fit(
            features_SKMF.reshape(-1, width).cpu().numpy(),
            forgotten_SK.repeat_interleave(heads).cpu().numpy(),
        )

        def asked(aligned_KMF: Tensor) -> Tensor:
            probability = tree.predict_proba(aligned_KMF.reshape(-1, width).cpu().numpy())[:, 1]
            return torch.from_numpy(probability).view(aligned_KMF.shape[:2]).mean(1).float()

        return asked

    def tells(self, calibration: LabeledFeatures) -> bool:
        """Whether a tree that saw every second shadow target tells the others' forgotten classes.

        True where that cannot be asked: both parts need forgotten and retained classes.
        """
        parts = [(calibration.features_SKMF[i::2], calibration.forgotten_SK[i::2]) for i in (0, 1)]
        if any(not of_SK.any() or of_SK.all() for _, of_SK in parts):
            return True
        (features_SKMF, forgotten_SK), (others_SKMF, truth_SK) = parts
        tree = self.grown(features_SKMF, forgotten_SK)
        retained_N = torch.cat([1 - tree(others_KMF) for others_KMF in others_SKMF])
        return best_cut(retained_N, truth_SK.flatten().cpu())[1] >= LEAST
