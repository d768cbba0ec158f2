"""What a report takes a result for: the keys that it reads, each of the right kind; what else is there is left alone.

A result.json or a row of a CSV may be another program's, another version's, or made up: what a number is not is said
once, here, instead of ending whatever would have computed with it.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from unlearnleak.config.objective import RECOVERED
from unlearnleak.runs.stages import stages_of

Run = dict[str, Any]
NUMBERS = ("asr", "asr_constant", "exact_match")
NEEDED = ("dataset", "model", "unlearner", "attack", "screening", "gate", "forgotten", "verdict", *NUMBERS)
"""What no report can do without; of a run that judges no class (`UNJUDGED`) not the verdict's."""
UNJUDGED = "none"
"""The screening of runs that judge no class: what is said of a verdict is None."""
OF_VERDICT = ("verdict", *NUMBERS)
OURS = ("directory", "csv", "lacks", "unproven")
"""Keys that the reader sets: no result has them."""
ABSENT = ("seeds", "forget_classes", "gate_reasons", "versions", "identity", "job", "settings", "image_shape")
"""Keys of which None says no more than that they are not there."""
LONGEST = 60
"""Characters of a wrong value that are shown."""
MOST = 3
"""Wrong values that are shown."""

Rate = Annotated[float, Field(ge=0, le=1)]
Class = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Truth = Annotated[float | bool, Field(ge=0, le=1, multiple_of=1)]
Key = Annotated[str, Field(pattern=r"^[\w-]+$")]
"""An artifact's key: a word, and never a path."""


class Identity(BaseModel):
    """What tells jobs apart (`runs.job_of`)."""

    model_config = ConfigDict(strict=True, extra="allow")
    keys: Any
    classes: Any
    gate: Any


class Evaluated(BaseModel):
    """What `evaluation=` measured: numbers, lists of numbers and short texts by name, beside its word and settings."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, float | str | list[float | None] | None]
    name: str
    settings: dict[str, Any] | None = None


class Base(BaseModel):
    """A finished run. What is None was not defined."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
    dataset: str
    model: str
    unlearner: str
    attack: str
    screening: str
    gate: Literal["passed", "failed", "control", "unknown"]
    forgotten: list[Class]
    verdict: list[Class]
    asr: Rate
    asr_constant: Rate
    exact_match: Truth
    defense: str | None = None
    forget_level: str | None = None
    forget_share: Annotated[float, Field(gt=0, le=1)] | None = None
    sees_target: str | None = None
    sees_original: str | None = None
    finetuning_samples: Annotated[int, Field(ge=0)] | None = None
    forget_samples: Annotated[int, Field(ge=0)] | None = None
    defense_settings: dict[str, Any] | None = None
    evaluation: Evaluated | None = None
    detection_score: float | None = None
    num_classes: Annotated[int, Field(ge=1)] | None = None
    scores: list[float | None] | None = None
    not_judged: list[Class] | None = None
    held: str | None = None
    forget_classes: list[Class] | None = None
    seeds: dict[str, int] | None = None
    settings: str | None = None
    gate_reasons: list[str] | None = None
    versions: dict[str, str | None] | None = None
    revision: str | None = None
    device: str | None = None
    queries: float | None = None
    image_shape: list[int] | None = None
    identity: Identity | None = None
    job: str | None = None

    @model_validator(mode="after")
    def classes_are_there(self) -> "Base":
        """Judged and forgotten classes are among the K classes, each once; K scores belong to them."""
        count = self.num_classes if self.num_classes is not None else len(self.scores) if self.scores else None
        for name in ("forgotten", "verdict", "not_judged"):
            named = getattr(self, name) or []
            if len(set(named)) < len(named):
                raise ValueError(f"{name}={shown(named)} names a class twice")
            if count is not None and max(named, default=0) >= count:
                raise ValueError(f"{name}={shown(named)} does not fit {count} classes")
        if count is not None and self.scores and len(self.scores) != count:
            raise ValueError(f"{len(self.scores)} scores do not fit {count} classes")
        return self


RATES = (
    *("asr_published", "asr_published_placebo", "balanced_accuracy", "precision", "recall", "f1", "auroc"),
    *("forgotten_ranked_first", "forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc"),
)
fields: dict[str, Any] = dict.fromkeys(RATES, (Rate | None, None)) | dict.fromkeys(RECOVERED, (float | None, None))
NO_NUMBERS: dict[str, Any] = dict.fromkeys(NUMBERS, (Rate | None, None))
STAGE_FIELDS: dict[str, Any] = {
    "key_": Key | None,
    "seconds_": Amount | None,
    "memory_mib_": Amount | None,
    "made_with_": dict[str, Any] | str | None,
}


@lru_cache(maxsize=64)  # nearly all results have the same stages
def result_model(stages: tuple[str, ...], judges: bool) -> type[Base]:
    """What a result with these stages is held to, which judges classes or does not."""
    told: dict[str, Any] = {} if judges else {"verdict": (list[Class] | None, None), **NO_NUMBERS}
    told |= {f"{prefix}{stage}": (kind, None) for prefix, kind in STAGE_FIELDS.items() for stage in stages}
    model: type[Base] = create_model("Result", __base__=Base, **fields, **told)
    return model


def is_untold(result: Run) -> bool:
    """Whether a verdict was given on a model of which nobody says what it forgot: it is held against nothing."""
    return result.get("gate") == "unknown" and result.get("verdict") is not None and result.get("asr") is None


def examined(result: Run, *, numbered: bool = True) -> tuple[Run, str]:
    """What of a result can be used, and what is wrong with it, for people; "" where nothing is.

    Args:
        result: as it was read.
        numbered: whether a verdict needs the numbers that a truth gives (`NUMBERS`).
    """
    known = {
        key: value for key, value in result.items() if key not in OURS and (value is not None or key not in ABSENT)
    }
    try:
        judges = numbered and known.get("screening") != UNJUDGED
        result_model(tuple(stages_of(known)), judges).model_validate(known)
    except ValidationError as error:
        found = error.errors(include_url=False)
        wrong = {one["loc"][0] for one in found if one["loc"]} or {"forgotten", "verdict", "scores"}
        return {key: value for key, value in known.items() if key not in wrong}, complaint(found, known)
    return known, ""


def complaint(found: Any, result: Run) -> str:
    """What is wrong, in words."""
    missing = [
        one["loc"][0]
        for one in found
        if (one["type"] == "missing" and len(one["loc"]) == 1) or result.get(first(one), "") is None
    ]
    missing = list(dict.fromkeys(missing))
    wrong = {first(one): one["msg"] for one in found if first(one) not in missing}
    parts = [f"lacks {', '.join(map(str, missing))}"] if missing else []
    for name, message in list(wrong.items())[:MOST]:
        value = f"{name}={shown(result[name])}: " if name in result else ""
        parts.append(f"{value}{message.removeprefix('Value error, ')}")
    return "; ".join([*parts, *([f"and {len(wrong) - MOST} more"] if len(wrong) > MOST else [])])


def first(one: Any) -> Any:
    """The key of a result that an error is about; "" for all of it."""
    return one["loc"][0] if one["loc"] else ""


def shown(value: Any) -> str:
    """A value, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
