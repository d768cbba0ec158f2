"""none: nothing is forgotten, the control.

An attack that finds a forgotten class here raises a false alarm.
"""

from unlearnleak.model.base import Classifier
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import Unlearner


class Nothing(Unlearner):
    """Hands the original model on, unchanged."""

    version = 1
    forgets = False

    def unlearn(self, task: Task) -> Classifier:
        """The original."""
        assert task.original is not None, "a method that starts from the original is given one"
        return task.original
