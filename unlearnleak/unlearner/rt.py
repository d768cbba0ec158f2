"""rt: retraining from scratch without the forget set, the gold standard of exact unlearning."""

from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base import TrainingUnlearner


class Retrain(TrainingUnlearner):
    """Fresh weights, trained on D_r just as the original was trained on D (paper, V-C)."""

    version = 1
    captured = True
    start = "scratch"

    def __init__(self) -> None:
        super().__init__(epochs=0, lr=1.0, batch_size=1)

    def optimization(self, original: Optimization) -> Optimization:
        """The original's own settings: a retrained model differs in its data alone."""
        return original
