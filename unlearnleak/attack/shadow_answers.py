"""shadow_answers: what the target answers to labelled samples, read as whole shadow models teach."""

from torch import Tensor

from unlearnleak.adversary.access import BlackBox
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.attack.base.shadowing import SHADOWS, ShadowAttack, read_answers
from unlearnleak.data import LabeledImages


class ShadowAnswers(ShadowAttack[BlackBox]):
    """Black box, auxiliary data, shadow models: answers to the auxiliary samples, judged by models of one's own.

    The attacker trains originals on the target's data with other seeds and unlearns other classes of them in the same
    way (for the control, which was not unlearned, by retraining). It is the strongest black box here, and the adaptive
    attacker on defences of answers: with `knows_defense` its shadow models answer through the same defence.
    """

    version = 1
    threat = ThreatModel(target=Access.BLACK, auxiliary=True, shadow_models=SHADOWS)

    def read(self, model: BlackBox, auxiliary: LabeledImages) -> Tensor:
        """[K, 4], see `read_answers`."""
        return read_answers(model.probabilities(auxiliary.images.float() / 255), auxiliary.labels)
