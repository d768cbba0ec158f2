"""The number that a job returns to whoever searches for good settings, such as hydra/sweeper=optuna."""

import re
from collections.abc import Mapping
from typing import Any

from unlearnleak.errors import UserError

JUDGED = ("asr", "asr_constant", "exact_match", "balanced_accuracy", "precision", "recall", "f1", "auroc")
RANKED = ("forgotten_ranked_first", "detection_score", "asr_published", "asr_published_placebo")
ACCURACIES = tuple(
    f"{model}{classes}_acc{part}"
    for model in ("", "original_", "undefended_")
    for classes in ("forget", "retain")
    for part in ("", "_train")
)
RECOVERED = (
    *(f"reconstruction_{measure}{of}" for measure in ("mse", "psnr", "ssim") for of in ("", "_placebo", "_class_mean")),
    "reconstruction_labels",
)
NUMBERS = (*JUDGED, *RANKED, *ACCURACIES, *RECOVERED, "forget_acc_samples", "queries", "num_classes", "forget_samples")
"""The numbers of a result.json, by name; beside them each stage's costs."""
MEASURED = re.compile(r"evaluation\.[a-z]\w*")
"""A number that an evaluation measured, which stands below `evaluation`."""
COST = re.compile(r"(seconds|memory_mib)_[a-z]+")


def names_of(objective: Any) -> list[Any]:
    """The numbers that an objective names: none, one, or several for a search with several aims."""
    if objective is None:
        return []
    return [objective] if isinstance(objective, str) else list(objective) if is_several(objective) else [objective]


def is_several(objective: Any) -> bool:
    """Whether an objective is a list of names."""
    return not isinstance(objective, Mapping) and hasattr(objective, "__iter__")


def is_pattern(name: Any) -> bool:
    """Whether a name is of a kind of number of which results have some, and others others."""
    return bool(COST.fullmatch(str(name)) or MEASURED.fullmatch(str(name)))


def check_objective(objective: Any) -> None:
    """Raises UserError unless every number that is asked for is one of a result's."""
    if wrong := [name for name in names_of(objective) if name not in NUMBERS and not is_pattern(name)]:
        told = ", ".join(map(str, wrong))
        raise UserError(
            f"objective={told} is not possible: a number of result.json, one of {', '.join(NUMBERS)}, what a stage "
            "cost, such as seconds_original or memory_mib_evidence, or what an evaluation measured, such as "
            "evaluation.js_forget_test."
        )


def check_reachable(objective: Any, until: str) -> None:
    """Raises UserError where a job that is to return a number ends before it has one."""
    if objective is not None and until != "verdict":
        raise UserError(f"objective={objective} needs a verdict, and until={until} ends before it. Leave one out.")


def value_of(result: Mapping[str, Any] | None, objective: Any, why: str | None = None) -> float | list[float]:
    """The number that `objective` names, or a list for several.

    Args:
        result: the job's result; None where it has none.
        objective: one name of `NUMBERS`, or a list of them.
        why: what kept the job from having a result.

    Raises:
        UserError: the number has no value for this job.
    """
    if result is None:
        raise UserError(f"objective={objective} has no value: the job has no result ({why or 'it was left out'}).")
    if isinstance(measured := result.get("evaluation"), Mapping):
        result = {**result, **{f"evaluation.{name}": value for name, value in measured.items()}}
    if absent := [name for name in names_of(objective) if name not in result]:
        there = ", ".join(name for name in result if name in NUMBERS or is_pattern(name))
        raise UserError(f"objective={', '.join(absent)} is no number of this run. There are: {there}.")
    if empty := [name for name in names_of(objective) if result[name] is None]:
        raise UserError(
            f"objective={', '.join(empty)} has no value for this run, which is stored: it is null in result.json, as "
            "numbers are that are not defined, such as asr_published for some attacks and recall for a control."
        )
    numbers = [float(result[name]) for name in names_of(objective)]
    return numbers if is_several(objective) and not isinstance(objective, str) else numbers[0]
