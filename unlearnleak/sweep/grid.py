"""The jobs of a grid, one per point, and what is known of each before anything runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from unlearnleak.errors import Incompatible, UserError
from unlearnleak.job import finished
from unlearnleak.pipeline import Pipeline
from unlearnleak.plan import STAGES, make_plan
from unlearnleak.status import read_status
from unlearnleak.store import Store


@dataclass
class Job:
    """One point of the grid.

    `state` is what is known before anything runs: "todo", "finished", "skipped" (its parts do not fit) or "failed" (it
    cannot even be planned); `why` says so in words. `payloads` determine its stages, as far as it is to be run.
    """

    overrides: list[str]
    directory: Path
    state: str = "todo"
    why: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    payloads: dict[str, Any] = field(default_factory=dict)
    store: Store | None = None


def make_jobs(
    grid: Iterable[list[str]], compose: Callable[[list[str]], DictConfig], sweep_dir: Path, failed_only: bool = False
) -> list[Job]:
    """Plan every point of the grid; equal points become one job.

    Raises:
        UserError: two different jobs would share a folder, or a job lies outside the sweep's.
    """
    jobs: dict[Path, Job] = {}
    for overrides in grid:
        config = compose(overrides)
        # What ${hydra:...} in the settings refers to: the part of the config that no job sees otherwise.
        HydraConfig.instance().cfg = cast(Any, SimpleNamespace(hydra=config.hydra))
        if Path(config.hydra.sweep.dir) != sweep_dir:
            raise UserError("runs and sweep_name are the same for all jobs of a sweep: run one sweep for each.")
        directory = sweep_dir / config.hydra.sweep.subdir
        with open_dict(config):
            del config["hydra"]
        if directory in jobs:
            check_equal(jobs[directory], compose(jobs[directory].overrides), overrides, config)
        elif not failed_only or (read_status(directory) or {}).get("status") == "failed":
            jobs[directory] = planned(config, overrides, directory)
    HydraConfig.instance().cfg = None
    return list(jobs.values())


def check_equal(job: Job, before: DictConfig, overrides: list[str], config: DictConfig) -> None:
    """Raises UserError where two jobs of one folder are not the same one twice."""
    if any(before[key] != config[key] for key in ("logger", "runtime", "store")):
        raise UserError(
            f"Two jobs of this sweep differ only in their logger, runtime or store, and would share the folder "
            f"{job.directory}: {' '.join(job.overrides)} and {' '.join(overrides)}. Run them as two sweeps, each with "
            "its own sweep_name."
        )


def planned(config: DictConfig, overrides: list[str], directory: Path) -> Job:
    """One job with the keys of its stages, found without computing any but the data's facts."""
    job = Job(overrides, directory)
    try:
        plan = make_plan(config)
        pipeline = Pipeline(plan)
        if finished(pipeline, directory, config):
            job.state = "finished"
        for stage in STAGES[: STAGES.index(plan.until) + 1]:
            job.keys[stage], job.payloads[stage] = pipeline.key(stage), pipeline.payload(stage)
        job.store = plan.store
    except Incompatible as error:
        job.state, job.why = "skipped", str(error)
    except UserError as error:
        job.state, job.why = "failed", f"{type(error).__name__}: {error}"
    return job
