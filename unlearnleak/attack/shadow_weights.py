"""shadow_weights: the target's head and its answers to labelled samples, read as whole shadow models teach."""

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.standard import features_of
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.attack.base.shadowing import SHADOWS, ShadowAttack, read_answers, read_head
from unlearnleak.data import LabeledImages


class ShadowWeights(ShadowAttack[WhiteBox]):
    """White box, auxiliary data, shadow models: rows of the head and the logits behind any defence of answers.

    As `shadow_answers`, with the parameters. It is the adaptive attacker on defences of the weights: with
    `knows_defense` its shadow models are repaired, pruned or tuned as the target was.
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE, auxiliary=True, shadow_models=SHADOWS)

    def read(self, model: WhiteBox, auxiliary: LabeledImages) -> Tensor:
        """[K, 8], see `read_answers` and `read_head`."""
        weight_KD, bias_K = model.head()
        p_NK = (features_of(model, auxiliary) @ weight_KD.T + bias_K).softmax(1)
        return torch.cat([read_answers(p_NK, auxiliary.labels), read_head(weight_KD, bias_K).cpu()], 1)
