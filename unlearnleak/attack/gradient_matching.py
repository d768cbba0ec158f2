"""gradient_matching: images of what was forgotten, recovered from what forgetting did to the parameters."""

import torch

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Reconstructions
from unlearnleak.adversary.matching import change
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base.matching import Head, MatchingAttack


class GradientMatching(MatchingAttack[View[WhiteBox, WhiteBox]]):
    """White boxes before and after, no data: feature recovery by gradient matching (Hu et al. 2024).

    Searches images whose loss gradient on the model before points along theta_u - theta, where approximate unlearning
    went (`adversary.matching`). It accuses no class: its evidence is images, and what they are worth is measured beside
    a placebo. Retraining goes there only roughly: what all retained samples cause is in theta_u - theta too.
    `gradient_matching_exact` has the authors' form for it.

    Args:
        images: how many images the attacker believes were forgotten.
        labels: "inferred" from how far each of the head's rows moved; "signs", from which way its bias did; "changes",
            from the answers to probes before and after, as the attack output_change takes them; or the labels that the
            attacker knows or assumes: one for all images, or one for each.
        restarts, steps, lr, tv: how images are searched for (`adversary.matching.Matching`).
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE, original=Access.WHITE)

    def __call__(self, view: View[WhiteBox, WhiteBox], generator: torch.Generator) -> Reconstructions:
        """The images [N, C, H, W] of the best restart.

        Raises:
            UserError: every restart diverged.
        """
        after, before = view.target, view.original

        def head() -> Head:
            (weight_KD, bias_K), (before_KD, before_K) = after.head(), before.head()
            return weight_KD - before_KD, bias_K - before_K

        labels_N = self.labels_of(before, after, head, generator)
        return self.recovered(before, change(after, before), labels_N, generator)
