"""ft: fine-tuning on the retain set, forgetting by catastrophic forgetting."""

from unlearnleak.unlearner.base import TrainingUnlearner


class FineTune(TrainingUnlearner):
    """A few epochs on D_r at a high learning rate (paper, V-C; French 1999 on catastrophic forgetting).

    Nothing pushes the forgotten class out but the drift of the others, so the learning rate decides: too low
    and the class stays, too high and the retained ones go with it.
    """

    version = 1
    captured = True
