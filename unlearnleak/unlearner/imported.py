"""imported: somebody else's unlearned model, from a file of weights. Nothing is trained or unlearned here."""

from typing import Literal

from unlearnleak.config.component import Choices
from unlearnleak.errors import UserError
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.weights import WeightsFile
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import Unlearner


class Imported(Unlearner):
    """Takes the weights at `path` for the model after unlearning, and those at `original` for the model before.

    The architecture is that of `model=`, the images are those of `dataset=`, on which accuracies are measured; what
    `forget_classes` names is what the verdict is held against. Without `original` there is no accuracy before, and no
    attack that sees both models.

    Args:
        path: a safetensors file of the model's `state_dict()`.
        original: the same of the model before; None where there is none.
    """

    version = 1
    start = "file"
    location_keys = frozenset({"path", "original"})

    def __init__(self, *, path: str | None, original: str | None) -> None:
        super().__init__()
        self.files = {
            role: WeightsFile(place, setting=f"unlearner.{name}")
            for role, name, place in (("unlearned", "path", path), ("original", "original", original))
            if place is not None
        }

    def check(self, chosen: Choices) -> None:
        """Raises UserError where no file is named."""
        if "unlearned" not in self.files:
            raise UserError(
                "unlearner=imported needs a file: unlearner.path=FILE.safetensors, the state_dict() of a model as "
                "model=NAME makes it, saved with safetensors.torch.save_file."
            )

    def file_of(self, role: Literal["unlearned", "original"]) -> WeightsFile | None:
        """The file in this role."""
        return self.files.get(role)

    def unlearn(self, task: Task) -> Classifier:
        """The model of the file."""
        model = task.fresh()
        self.files["unlearned"].load_into(model)
        return model
