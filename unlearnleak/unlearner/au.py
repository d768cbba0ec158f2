"""au: amnesiac unlearning.

What the forgotten classes did to the weights is subtracted, then the damage is repaired.
"""

from unlearnleak.unlearner.base.subtracting import Subtracting


class Amnesiac(Subtracting):
    """Subtracts the ledgers of the forgotten classes from the original weights, then repairs on D_r.

    Graves et al. 2021, Amnesiac Machine Learning, https://arxiv.org/abs/2010.10981. Difference to it: they
    drop the updates of whole batches that hold a sensitive sample. In class unlearning with shuffled batches
    nearly every batch does, so that would be starting over; here each step is split by class
    (`training/class_updates.py`).

    A class's updates are much longer than their sum over all classes, in which most of them cancel: without them every
    layer is several times as large, logits are thousands, and a repair at the usual rates does not converge. With
    `rescale` each tensor is brought back to the norm that it had, before the repair; what was subtracted stays
    subtracted.

    Subtracting the whole of several classes can leave a network none of whose units ever fires again, which no repair
    brings back. `share` is how much of the ledger is subtracted; 1 is all of it, as in the paper.

    Repairing ends after `epochs` epochs, or after the first at whose end the accuracy on D_r (training
    samples) is back within `repair_tolerance` of the original model's. `report` says how many `repair_epochs`
    were needed, and what the accuracies were between subtraction and repair; and beside them what they would have been
    had a random direction, as long as the ledger in each tensor, been subtracted (`..._random`): where that forgets as
    well, it is not the ledger that does.

    `ledger_classes` is of how many classes one training of the original keeps ledgers on its device, where each takes
    as much memory as three sets of weights (on a GPU two); None is all at once. With fewer it is trained several times;
    where these trainings end in different weights, as they may on a GPU, that is an error.

    Raises `UserError` for a tolerance outside of [0, 1], a share outside of (0, 1], or less than one class at once.
    """

    version = 1
    captured = True
