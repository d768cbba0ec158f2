"""imported: somebody else's unlearned model, from a file. Nothing is trained or unlearned here."""

from collections.abc import Mapping, Sequence
from typing import Any

from unlearnleak.config.component import Choices
from unlearnleak.errors import UserError
from unlearnleak.foreign.model_file import ModelFile
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.weights import WeightsFile
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import Brought, Role, Unlearner


class Imported(Unlearner):
    """Takes the file at `path` for the model after unlearning, and the one at `original` for the model before.

    The images are those of `dataset=`, on which accuracies are measured; what `forget_classes` names is what the
    verdict is held against, and `unknown` holds it against nothing. Without `original` there is no accuracy before,
    and no attack that sees both models.

    Args:
        path: a safetensors file of the model's `state_dict()`; with `own` any file that
            `foreign.model.open_model` reads.
        original: the same of the model before; None where there is none.
        own: whether the files bring their own model, as with `target=file`; otherwise `model=` is their architecture.
        model, model_args, head, mean, std: what is to be known of such a model (`foreign.model_file.ModelFile`).
    """

    version = 1
    start = "file"
    location_keys = frozenset({"path", "original"})

    def __init__(
        self,
        *,
        path: str | None,
        original: str | None,
        own: bool = False,
        model: str | None = None,
        model_args: Mapping[str, Any] | None = None,
        head: str | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.own, self.word = own, "target" if own else "unlearner"
        places: dict[Role, tuple[str, str | None]] = {"unlearned": ("path", path), "original": ("original", original)}
        how: dict[str, Any] = {"model": model, "model_args": model_args or {}, "head": head, "mean": mean, "std": std}
        if not own and (given := [name for name, value in how.items() if value]):
            raise UserError(
                f"unlearner.{given[0]}={how[given[0]]} is for files that bring their own model: say target=file "
                f"target.{given[0]}=..., or leave it out for one of model=NAME."
            )
        self.files: dict[Role, WeightsFile | ModelFile] = {}
        for role, (name, place) in places.items():
            if place is not None:
                setting = f"{self.word}.{name}"
                self.files[role] = (
                    ModelFile(place, setting=setting, **how) if own else WeightsFile(place, setting=setting)
                )

    def check(self, chosen: Choices) -> None:
        """Raises UserError where no file is named."""
        if "unlearned" in self.files:
            return
        if self.own:
            raise UserError(
                "target=file needs a file: target.path=FILE, a model in a .pt2, safetensors, torch.save, Lightning or "
                "TorchScript file."
            )
        raise UserError(
            "unlearner=imported needs a file: unlearner.path=FILE.safetensors, the state_dict() of a model as "
            "model=NAME makes it, saved with safetensors.torch.save_file. For a model of your own: target=file "
            "target.path=FILE."
        )

    def file_of(self, role: Role) -> Brought | None:
        """The file in this role."""
        return self.files.get(role)

    def unlearn(self, task: Task) -> Classifier:
        """The model of the file."""
        model = task.fresh()
        self.files["unlearned"].load_into(model)
        return model

    def classifier(self, **facts: Any) -> Classifier | None:
        """The model that the file brings; None where `model=` is its architecture."""
        file = self.files["unlearned"]
        return file.classifier(**facts) if isinstance(file, ModelFile) else None

    @property
    def architecture(self) -> Mapping[str, Any] | None:
        """What keys know of a model that the file brings, beside the file."""
        file = self.files.get("unlearned")
        return file.spec if isinstance(file, ModelFile) else None
