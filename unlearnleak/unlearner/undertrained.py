"""undertrained: a control that forgot nothing and learnt little."""

from dataclasses import replace

from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base.flawed import Flawed


class Undertrained(Flawed):
    """Trained on all images for a share of the original's epochs, at least one."""

    version = 1
    captured = True

    def optimization(self, original: Optimization) -> Optimization:
        """The original's settings but for the epochs."""
        return replace(original, epochs=max(1, round(self.share * original.epochs)))
