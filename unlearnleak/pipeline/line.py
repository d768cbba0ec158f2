"""A line of stages by name, and what is asked of it: artifacts, models, keys, and where a job stops."""

import logging
from functools import cache, cached_property

from unlearnleak.errors import Incompatible
from unlearnleak.model.base import Classifier
from unlearnleak.pipeline import models
from unlearnleak.pipeline.engine import Engine
from unlearnleak.pipeline.graph import Stage, with_ancestors
from unlearnleak.pipeline.plan import Facts, Plan
from unlearnleak.store import Artifact

log = logging.getLogger(__name__)
WHOLE = "verdict"
"""What `until` says of a job that is to go on to its result, also where nothing is judged."""


class Line:
    """The stages of one experiment by name, each after those that it is made from; found or computed when asked for."""

    plan: Plan
    engine: Engine
    stages: dict[str, Stage]
    after: str
    """The name of the stage whose model is after unlearning."""
    attacked: str
    """The name of the stage whose model is attacked."""

    @cached_property
    def facts(self) -> Facts:
        """What a model is told of the data, which are looked at for that.

        Raises:
            UserError: what lies there is no such data set, or its images are too small for the model.
        """
        return Facts.of(self.artifact("data").meta)

    def artifact(self, name: str) -> Artifact:
        """The artifact of the stage of this name."""
        artifact = self.engine.artifact(self.stages[name])
        if name == "data":
            if caution := artifact.meta.get("caution"):
                warn_once(f"{self.plan.dataset.source}: {caution}")
            self.plan.check_images(tuple(artifact.meta["image_shape"]))
        return artifact

    def model(self, name: str) -> Classifier:
        """The model that the stage of this name ends with, on the device and in evaluation mode."""
        return models.stored(self.plan, self.facts, self.artifact(name), self.plan.device)

    def key(self, name: str) -> str:
        """The key of the stage of this name, found without computing any but the data's facts."""
        return self.stages[name].key

    @cached_property
    def last(self) -> Stage:
        """The stage that the job is to stop at.

        Raises:
            Incompatible: `until` names none that this job has, such as `defended` without a defense.
        """
        if self.plan.until == WHOLE:
            return [*self.stages.values()][-1]
        name, _, key = self.plan.until.partition("/")
        if not key and name in self.stages:
            return self.stages[name]
        for stage in with_ancestors(self.stages.values()):
            if (stage.name, stage.key) == (name, key):
                return stage
        raise Incompatible(f"until={self.plan.until} is not possible: one of {', '.join(self.stages)}.")

    @property
    def whole(self) -> bool:
        """Whether the job goes on to its result, and does not stop at an earlier stage."""
        return self.last is [*self.stages.values()][-1]

    @property
    def needed(self) -> list[Stage]:
        """Every stage that the job needs, each after those that it is made from: for a result all there are."""
        return with_ancestors(self.stages.values() if self.whole else [self.last])

    @property
    def judged(self) -> list[Stage]:
        """What a result is of: the models that it compares, and the verdict, or evidence that nothing judges."""
        names = dict.fromkeys(("original", self.after, self.attacked, [*self.stages][-1]))
        return [self.stages[name] for name in names if name in self.stages]


@cache
def warn_once(text: str) -> None:
    """Log a warning, once in a process."""
    log.warning("%s", text)
