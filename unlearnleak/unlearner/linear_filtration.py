"""linear_filtration: the forgotten classes are taken out of the logits, and nothing else changes."""

from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import Unlearner
from unlearnleak.unlearner.base.filtration import Mode, filter_head


class LinearFiltration(Unlearner):
    """W <- F W and b <- F b with F = B A^-1, A the mean logits of each class's training images (a column each).

    Baumhauer et al. 2022, Machine Unlearning: Linear Filtration for Logit-based Classifiers,
    https://arxiv.org/abs/2002.02730. In B retained classes' logits stay for retained images, and for images of a
    forgotten class they are what `mode` says. The features still know the class, and its row of the head is made of the
    others': this is a positive control, an unlearner that leaks by construction. One difference: a forgotten class's
    own logit, which the reference takes out of the model, becomes that of the lowest wrong class, since a model here
    keeps its classes.

    Args:
        mode: "normalization", "randomization" or "zeroing" of the logits for images of forgotten classes.
        rtol: directions of A with singular values below this share of the largest are left out; 0 leaves none out.

    Raises `UserError` for an unknown mode, or an rtol outside [0, 1).
    """

    version = 1
    levels = frozenset({"class"})  # classes are taken out whole
    needs_head = True

    def __init__(self, *, mode: Mode, rtol: float) -> None:
        super().__init__()
        require(0 <= rtol < 1, "unlearner.rtol", rtol, "0 or more and below 1")
        self.mode, self.rtol = mode, float(rtol)

    def unlearn(self, task: Task) -> Classifier:
        """The original with another head."""
        model = task.start().eval()
        model.check_head(self._word())
        filter_head(model, task.split, self.mode, self.rtol, task.generator("logits"))
        return model
