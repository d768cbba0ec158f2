"""none: nothing is measured beyond accuracies and the verdict."""

from unlearnleak.evaluation.base import Evaluation, Found
from unlearnleak.evaluation.base.subject import Subject


class NoEvaluation(Evaluation):
    """Makes no stage: a result has no part `evaluation`."""

    version = 1
    active = False

    def __call__(self, subject: Subject) -> Found:
        """Nothing."""
        return Found({})
