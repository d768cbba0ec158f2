"""The stages of runs, as their results name them: each has `key_STAGE`, and in their order.

A result of one's own may have stages that another lacks, such as a defence; nothing here knows their names.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Run = dict[str, Any]
PREFIXES = ("key_", "seconds_", "memory_mib_", "made_with_")
"""What a result says of a stage; `key_STAGE` of every one that the run has, None where it has none."""
STAGE = re.compile("[a-z][a-z0-9_]*")
"""A stage's name, which is a folder's in the store: a result may be somebody else's, and must lead nowhere else."""
NO_MODEL = ("data", "evidence", "verdict", "evaluation")
"""The stages that give no model; every other one does."""


def stages_of(run: Run) -> list[str]:
    """The stages that a run says something of, in the order of their keys; without keys in that of the rest."""
    named = [key.removeprefix(prefix) for prefix in PREFIXES for key in run if key.startswith(prefix)]
    return [stage for stage in dict.fromkeys(named) if STAGE.fullmatch(stage)]


def stages(runs: Iterable[Run]) -> list[str]:
    """The stages of all the runs: one that some of them lack stands behind what it follows in the others."""
    return merged(dict.fromkeys(tuple(stages_of(run)) for run in runs))


def merged(orders: Iterable[Sequence[str]]) -> list[str]:
    """All the words, each once: as the first order has them, and a new word behind the one before it in its own.

    >>> merged([["original", "evidence"], ["original", "defended", "evidence"]])
    ['original', 'defended', 'evidence']
    """
    found: list[str] = []
    for order in orders:
        place = 0
        for word in order:
            if word not in found:
                found.insert(place, word)
            place = found.index(word) + 1
    return found


def models_of(run: Run) -> list[str]:
    """The stages of a run that gave models, the attacked one last."""
    return [stage for stage in stages_of(run) if stage not in NO_MODEL and run.get(f"key_{stage}") is not None]


def attacked_model(run: Run) -> str | None:
    """What tells attacked models apart: the keys of all of a run's models; None where the original's alone is known."""
    models = models_of(run)
    return None if models in ([], ["original"]) else " ".join(str(run[f"key_{stage}"]) for stage in models)


class StageCost(NamedTuple):
    """What a stage took over all runs: each artifact counts once, however many runs it was computed for."""

    stage: str
    artifacts: int
    seconds: float


def seconds(run: Run, stage: str) -> float | None:
    """What a stage of this run took when it was computed, by whichever run; None where that is not known.

    Runs share stages: only `stage_spent` adds up.
    """
    took = run.get(f"seconds_{stage}")
    return None if took is None else float(took)


def stage_spent(runs: list[Run], stage: str) -> StageCost:
    """What a stage took over all of the runs that name its artifact."""
    artifacts = {
        run[f"key_{stage}"]: took
        for run in runs
        if run.get(f"key_{stage}") and (took := seconds(run, stage)) is not None
    }
    return StageCost(stage, len(artifacts), sum(artifacts.values()))
