"""gradient_matching_exact: images that a fine-tuned model forgot by retraining, from where both models came."""

from typing import TypeAlias

import torch

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Reconstructions
from unlearnleak.adversary.matching import change, forgotten_gradient
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import Pretrained, View, Withheld
from unlearnleak.attack.base.matching import Head, MatchingAttack
from unlearnleak.config.component import Choices
from unlearnleak.errors import Incompatible

Seen: TypeAlias = View[WhiteBox, WhiteBox, Withheld, Withheld, Pretrained[WhiteBox]]


class GradientMatchingExact(MatchingAttack[Seen]):
    """White boxes before and after and of the pretrained model, no data: feature recovery of what retraining forgot.

    Hu et al. 2024, exact unlearning in a fine-tuning stage. From the pretrained model, tuning on n samples went D_ft,
    and tuning anew on the n - u that stay went D_un: -(n D_ft - (n - u) D_un) is what the u forgotten ones had added.
    Where each of both is one step, it is their gradient itself. Images are searched for whose loss gradient on the
    pretrained model points along it. The attacker is granted that model, n and n - u.

    Args:
        images: how many images are searched for, u or fewer.
        labels: "inferred" from how far each of the head's rows moved; "signs", from which way its bias did; "changes",
            from the answers to probes before and after, as the attack output_change takes them; or the labels that the
            attacker knows or assumes: one for all images, or one for each.
        restarts, steps, lr, tv: how images are searched for (`adversary.matching.Matching`).
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE, original=Access.WHITE, pretrained=Access.WHITE)

    def check(self, chosen: Choices) -> None:
        """Raises Incompatible without a fine-tuning stage, or where the target was not retrained in it."""
        super().check(chosen)
        if not chosen.retrains:
            raise Incompatible(
                f"attack={chosen.names['attack']} is about retraining in the fine-tuning stage, and unlearner="
                f"{chosen.names['unlearner']} does not retrain: take unlearner=rt, or attack=gradient_matching."
            )

    def __call__(self, view: Seen, generator: torch.Generator) -> Reconstructions:
        """The images [N, C, H, W] of the best restart.

        Raises:
            UserError: every restart diverged.
        """
        after, before, first = view.target, view.original, view.pretrained
        target = forgotten_gradient(
            change(before, first.model), change(after, first.model), learnt=first.learnt, kept=first.kept
        )

        def head() -> Head:
            parts = zip(before.head(), after.head(), first.model.head(), strict=True)
            weight_KD, bias_K = [first.kept * (new - at) - first.learnt * (old - at) for old, new, at in parts]
            return weight_KD, bias_K

        labels_N = self.labels_of(before, after, head, generator)
        return self.recovered(first.model, target, labels_N, generator)
