"""The stages of runs, as their results name them."""

from typing import Any, NamedTuple

Run = dict[str, Any]


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
