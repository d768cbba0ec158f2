"""What every unlearner is: a function from a task to a model. Most of them train, as Lightning callbacks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import pytorch_lightning as pl
import torch

from unlearnleak.config.component import Choices, Component
from unlearnleak.data import ForgetSet, ForgetSplit, LabeledImages
from unlearnleak.data.forget import LEVELS
from unlearnleak.errors import Incompatible
from unlearnleak.model.base import Classifier
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.recorder import Recorder
from unlearnleak.training.task import Task

Role: TypeAlias = Literal["unlearned", "original"]


class Brought(Protocol):
    """A model in a file."""

    @property
    def sha256(self) -> str:
        """The digest of the file's content, for keys."""

    def load_into(self, model: Classifier) -> None:
        """Put the file's weights into a model of its architecture."""


class Unlearner(Component, ABC):
    """A method of unlearning. One without any training:

        class Shrink(Unlearner):
            version = 1

            def unlearn(self, task: Task) -> Classifier:
                model = task.original
                with torch.no_grad():
                    model.head.weight[list(task.split.classes)] = 0
                return model

    Before anything is trained, the settings are held against what is known by then (`check`, `check_classes`,
    `check_forget`). What a method has to say about its work, numbers and short texts, it leaves in `report`.

    Class attributes:
        start: "original" continues from the original model, "scratch" from fresh weights; "file" trains nothing.
        needs: names of the recorders that the original's training must have had; `recorders` makes them.
        levels: what it can forget: whole classes ("class"), parts of them ("sample"), or both.
        forgets: False only for the control that forgets nothing.
        needs_head: whether it works on the model's last linear layer, which somebody else's model may not have.
        freezes_statistics: True where training keeps the original's batch statistics, so that a batch of one will do.
    """

    start: ClassVar[Literal["original", "scratch", "file"]] = "original"
    needs: ClassVar[frozenset[str]] = frozenset()
    levels: ClassVar[frozenset[str]] = LEVELS
    forgets: ClassVar[bool] = True
    needs_head: ClassVar[bool] = False
    freezes_statistics: ClassVar[bool] = False

    report: dict[str, Any]

    def __init__(self) -> None:
        self.report = {}

    @abstractmethod
    def unlearn(self, task: Task) -> Classifier:
        """The model that has forgotten `task.split.forget`; `task.original` may be changed and returned."""

    def recorders(self) -> tuple[Recorder, ...]:
        """What the original's training keeps for this method, new for each training: one for each name in `needs`."""
        return ()

    def optimization(self, original: Optimization) -> Optimization | None:
        """How it trains, if it does; `original` is how the original model was trained."""
        return None

    def file_of(self, role: Role) -> Brought | None:
        """Where the model in this role lies, for a method that starts from a "file"; None where there is none."""
        return None

    def classifier(self, **facts: Any) -> Classifier | None:
        """A model for these data where a file brings its own; None where `model=` is the architecture.

        `facts` are what every Classifier is told: image_shape, num_classes, mean, std.
        """
        return None

    @property
    def architecture(self) -> Mapping[str, Any] | None:
        """What keys know of a model that a file brings, beside the file; None where `model=` is the architecture."""
        return None

    def check(self, chosen: Choices) -> None:
        """Raises UserError where an original that is trained so is none for the method."""
        self.check_training(chosen.training)

    def check_training(self, training: Optimization) -> None:
        """Raises UserError where an original that is trained like this is none for the method."""
        for recorder in self.recorders():
            recorder.check(training, self._word())

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where the settings cannot be with this many classes."""

    def check_forget(self, forget: ForgetSet) -> None:
        """Raises Incompatible where the method cannot forget such a set."""
        if forget.level not in self.levels:
            can = "whole classes" if self.levels == {"class"} else "parts of classes"
            raise Incompatible(
                f"{self._word()} can forget {can} only, and is to forget {forget}. Take another unlearner, such as rt, "
                f"or let it forget {can}."
            )

    def _word(self) -> str:
        """As on the command line."""
        return f"unlearner={type(self).__module__.rpartition('.')[2]}"


class TrainingUnlearner(Unlearner, pl.Callback):
    """A method that trains once: a Lightning callback that chooses the data and bends the training.

    `unlearn` asks for `training_set`, calls `prepare`, and trains with the unlearner as a callback; whatever Lightning
    hook a method overrides takes effect there, with the classifier as `pl_module.model`. A training that was killed
    goes on from a checkpoint: a method that changes more than `report` as it trains (a generator it draws from, a goal
    it measured) returns that from `state_dict` too, and asks `trainer.ckpt_path` in `on_fit_start` whether the
    training goes on. With `epochs` 0 the hooks on_fit_start and on_fit_end are called and nothing is trained.
    """

    def __init__(
        self,
        *,
        epochs: int,
        lr: float,
        batch_size: int,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        schedule: str = "constant",
        clip_norm: float | None = None,
    ) -> None:
        super().__init__()
        self.settings = Optimization(
            epochs=epochs,
            lr=lr,
            batch_size=batch_size,
            momentum=momentum,
            weight_decay=weight_decay,
            schedule=schedule,
            clip_norm=clip_norm,
        )

    def unlearn(self, task: Task) -> Classifier:
        """Trains the original, or a fresh model, on the training set of the method."""
        model = task.start()
        data = self.training_set(task.split, task.generator("training set"))
        self.prepare(task)
        task.fit(model, data, self.optimization(task.training), [self])
        return model

    def optimization(self, original: Optimization) -> Optimization:
        """The method's own settings."""
        return self.settings

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """What to train on. The default is the retain set."""
        return split.retain

    def prepare(self, task: Task) -> None:
        """Called once before training, with the split and the records of what the method needs."""

    def state_dict(self) -> dict[str, Any]:
        """What changes while training, for a checkpoint: tensors and plain values."""
        return {"report": self.report}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes it back; called after `prepare` and before `on_fit_start`."""
        self.report = state_dict["report"]
