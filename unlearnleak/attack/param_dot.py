"""param_dot: the dot product of heads trained on one class with the target's head is small for a forgotten class."""

from typing import Any

from torch import Tensor

from unlearnleak.adversary.evidence import DotProducts, LabeledFeatures
from unlearnleak.adversary.heads import Heads
from unlearnleak.attack.base.comparison import Comparison, dot_products, read_against_rivals
from unlearnleak.attack.base.published import PublishedAttack


class ParameterDotProduct(PublishedAttack):
    """s_cm = <theta_cm, theta_u>, smaller for forgotten classes (paper, eq. 17).

    Aligned form: the dot product divided by what it would be for a retained class of this target (`shadow.units`), so a
    retained class reads about 1 and a forgotten one about 0 or less, whatever the class, the target and its scale. Of
    more than ten classes it is read against the nearest rival (`adversary.rivals`).
    """

    version = 3
    evidence = DotProducts

    def beyond_settings(self, num_classes: int, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """Of many classes dot products are read against rivals, too."""
        return {**super().beyond_settings(num_classes, image_shape), **read_against_rivals(num_classes)}

    def read(self, compared: Comparison, labels_N: Tensor) -> DotProducts:
        """Evidence with the M dot products of each class (F = 1), their calibration, and the paper's own."""
        dots_TKM, aligned_TKM = dot_products(compared)
        return DotProducts(
            samples_KMF=dots_TKM[0, ..., None],
            aligned_KMF=aligned_TKM[0, ..., None],
            published_KMF=compared.published_KMF,
            calibration=LabeledFeatures(aligned_TKM[1:, ..., None], compared.forgotten_SK),
        )

    def measure(self, heads: Heads, target_F: Tensor) -> Tensor:
        """The dot product of each head with the target's, [R, 1]."""
        return (heads.flat() @ target_F)[:, None]
