"""inversion_gradient: for every class an image that the target takes for it, found by gradient descent."""

from typing import Any

import torch

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Predictions
from unlearnleak.adversary.inversion import Descent, rows_in_the_box, to_pixels
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack


class InversionGradient(Attack[View[WhiteBox]]):
    """White box, no data: descends CE(f(x), c) + l2 ||x||^2 + tv TV(x) from R starts per class (paper, eq. 19-21).

    All classes x restarts are one batch. Rows of a table are held in the box of valid rows all the way; of images only
    the one that is kept for showing is.

    Args:
        restarts: R starts x_0 ~ N(0, I) per class.
        steps: T plain gradient steps.
        lr: their length, for the objective of one image.
        l2, tv: weights of the squared norm and of the total variation, both sums over the pixels.
        chunk: how many images are optimised at once, to bound memory; None takes all, up to `inversion.AT_ONCE`.
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE)
    evidence = Predictions

    def __init__(self, *, restarts: int, steps: int, lr: float, l2: float, tv: float, chunk: int | None) -> None:
        self.descent = Descent(restarts=restarts, steps=steps, lr=lr, l2=l2, tv=tv, chunk=chunk)

    def beyond_settings(self, num_classes: int, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """That rows stay in their box."""
        return rows_in_the_box(image_shape)

    def __call__(self, view: View[WhiteBox], generator: torch.Generator) -> Predictions:
        """Log-probabilities of the inverted images [K, R, K], the restart of the lowest objective first.

        Raises:
            UserError: a class's every restart diverged.
        """
        target = view.target
        K = target.num_classes
        classes_N = torch.arange(K).repeat_interleave(self.descent.restarts)
        found = self.descent.invert(target, lambda x_NCHW, _: target.logits(x_NCHW), classes_N, generator).ranked(K)
        self.descent.check_finite(found.objective_GR[:, 0])
        return Predictions(
            samples_KMF=found.log_p_GRK.cpu(),
            images_KCHW=to_pixels(target, found.x_GRCHW[:, 0]).cpu(),
        )
