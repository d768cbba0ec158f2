"""What attacks have in common that are calibrated on shadow targets."""

from typing import Any

from unlearnleak.adversary.shadow import USUAL, ShadowTargets, many_classes


class OnShadowTargets:
    """An attack with shadow targets, kept as `shadow`: what is checked of them, and what keys know."""

    later_keys = USUAL
    shadow: ShadowTargets

    @property
    def unusual(self) -> str:
        """What is unusual of its shadow targets, in words."""
        return self.shadow.words

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where a shadow target would forget every class."""
        self.shadow.check_classes(num_classes)

    def beyond_settings(self, num_classes: int, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """How shadow targets of many classes are made."""
        return many_classes(num_classes)
