"""Models that answer as a test wants: with planted confidences, of images that are numbers."""

from collections.abc import Sequence

import numpy as np
import torch

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.evaluation.base.subject import Candidates, Shadow, Subject


class Planted:
    """In the place of a `Seen`: its logit-scaled confidence of candidate p's class, of two, is `confidence_P[p]`."""

    def __init__(self, confidence_P: np.ndarray) -> None:
        self.own_P = torch.from_numpy(np.asarray(confidence_P, np.float64)).sigmoid()

    def probabilities(self, images_NCHW: torch.Tensor) -> torch.Tensor:
        """Of all candidates, whose label is 0."""
        return torch.stack([self.own_P, 1 - self.own_P], 1)


def planted(
    target_P: np.ndarray,
    forgotten_P: np.ndarray,
    after_SP: np.ndarray,
    learnt_SP: np.ndarray,
    before_P: np.ndarray | None = None,
    before_SP: Sequence[np.ndarray] | None = None,
) -> Subject:
    """A subject with these confidences of P candidates in the target and S shadow models."""
    count = len(target_P)
    samples = LabeledImages(torch.zeros(count, 1, 1, 1, dtype=torch.uint8), torch.zeros(count, dtype=torch.int64), 2)
    shadows = [
        Shadow(Planted(after_P), torch.from_numpy(learnt_P), None if before_SP is None else Planted(before_SP[s]))
        for s, (after_P, learnt_P) in enumerate(zip(after_SP, learnt_SP, strict=True))
    ]
    return Subject(
        target=Planted(target_P),
        original=None if before_P is None else Planted(before_P),
        references=[],
        candidates=Candidates(samples, torch.from_numpy(forgotten_P)),
        shadows=lambda: iter(shadows),
        split=ForgetSplit.of(samples, (0,)),
        test=samples,
        generator=lambda name: torch.Generator(),
    )
