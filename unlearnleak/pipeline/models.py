"""Models and artifacts: a model with fresh weights, one whose weights an artifact holds, and what is kept of one."""

import copy
import json
from functools import cache
from typing import Any

import torch

from unlearnleak.data import LabeledImages, Splits
from unlearnleak.errors import UserError
from unlearnleak.machine import seeds
from unlearnleak.machine.memory import GIBIBYTE, free_memory
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering
from unlearnleak.pipeline.plan import Facts, Plan
from unlearnleak.store import Artifact, Contents
from unlearnleak.training.fit import check_finite
from unlearnleak.training.predict import evaluate

KEPT_BYTES = 2**28
"""Of models up to this size one is kept to be copied."""
PREFIX = "model."
"""What the names of a model's tensors begin with in an artifact, which may hold others beside."""


def built(plan: Plan, facts: Facts, seed: int, stage: str) -> Classifier:
    """The plan's model for these data in main memory, its initial weights drawn from (seed, stage).

    Raises:
        UserError: it would not fit into memory.
    """
    if (brought := plan.unlearner.classifier(**facts._asdict())) is not None:
        return brought
    needed = size(plan.model_class, json.dumps(plan.spec["model"]["settings"]), facts)
    if needed > GIBIBYTE and (free := free_memory()) is not None and needed > free:
        raise UserError(
            f"model={plan.names['model']} for images of {'x'.join(map(str, facts.image_shape[1:]))} has {needed:,} "
            f"bytes of weights, and {free:,} bytes of memory are free. Give it smaller images, or take another model."
        )
    with seeds.isolated(seed, stage, "weights"):
        return plan.model_class(**plan.spec["model"]["settings"], **facts._asdict())


def unfilled(plan: Plan, facts: Facts) -> Classifier:
    """The plan's model in main memory, whose weights are to be replaced.

    A copy of one that this process keeps: drawing weights takes several times as long, and each attack, defence and
    evaluation loads a model. Large ones are built, as `built` does.
    """
    settings = json.dumps(plan.spec["model"]["settings"])
    if plan.unlearner.start == "file" or not 0 < size(plan.model_class, settings, facts) <= KEPT_BYTES:
        return built(plan, facts, 0, "loaded")
    return copy.deepcopy(_drawn(plan.model_class, settings, facts, "loaded"))


def example(plan: Plan, facts: Facts) -> Classifier:
    """The plan's model as it is before any training, to look at what it consists of: not to be changed."""
    if (brought := plan.unlearner.classifier(**facts._asdict())) is not None:
        return brought
    return _drawn(plan.model_class, json.dumps(plan.spec["model"]["settings"]), facts, "checked")


@cache  # a sweep looks for each of its jobs
def _drawn(model_class: type[Classifier], settings: str, facts: Facts, stage: str) -> Classifier:
    with seeds.isolated(0, stage, "weights"):
        return model_class(**json.loads(settings), **facts._asdict())


@cache
def size(model_class: type[Classifier], settings: str, facts: Facts) -> int:
    """Bytes of a model's weights, found without taking them; 0 for a model that cannot be built without."""
    try:
        with torch.device("meta"):
            model = model_class(**json.loads(settings), **facts._asdict())
    except Exception:  # whatever somebody's model does with tensors that hold nothing
        return 0
    return sum(tensor.nbytes for tensor in model.state_dict().values())


def stored(plan: Plan, facts: Facts, artifact: Artifact, device: torch.device) -> Classifier:
    """The model whose weights an artifact holds, on `device` and in evaluation mode."""
    model = unfilled(plan, facts).to(device)
    weights = {name.removeprefix(PREFIX): t for name, t in artifact.tensors.items() if name.startswith(PREFIX)}
    model.load_state_dict(weights)
    return model.eval()


def check(plan: Plan, facts: Facts, model: object, who: str) -> None:
    """Hold what an unlearner or a defence returned against the model that it was given.

    Raises:
        UserError: it is no classifier, or one of other tensors, or holds infinities or no numbers.
    """
    if not isinstance(model, Classifier):
        raise UserError(f"{who} returned a {type(model).__name__}, and is to return the classifier that it changed.")
    wanted = {name: value.shape for name, value in unfilled(plan, facts).state_dict().items()}
    given = {name: value.shape for name, value in model.state_dict().items()}
    if given != wanted:
        other = next(name for name in {**wanted, **given} if wanted.get(name) != given.get(name))
        raise UserError(f"{who} returned another model than it was given: {other} has another shape or is not there.")


def kept(
    model: Classifier,
    data: Splits,
    curve: list[Any],
    forgotten: LabeledImages | None = None,
    answering: Answering = Classifier.__call__,
    **more: Any,
) -> Contents:
    """What is kept of a model: weights, curve, and per class how many samples there are and are predicted rightly.

    Of `forgotten` samples too, where others of their class stay known. What a model with defended answers
    predicts is what it answers.

    Raises:
        UserError: the training has diverged.
    """
    check_finite(model, curve)
    meta: dict[str, Any] = {"curve": curve, **more}
    parts = {"train": data.train, "test": data.test}
    if forgotten is not None:
        parts["forget"] = forgotten
    for part, images in parts.items():
        meta[f"correct_{part}"], meta[f"total_{part}"] = evaluate(model, images, answering)
    return Contents({f"{PREFIX}{name}": t.detach() for name, t in model.state_dict().items()}, meta)
