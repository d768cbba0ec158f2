"""A job that the project's own sweeper has not planned: a single run, or one that another sweeper launched."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from unlearnleak.config.objective import check_reachable, value_of
from unlearnleak.config.recipes import missing_recipes
from unlearnleak.errors import UserError
from unlearnleak.pipeline.job import run_job
from unlearnleak.runs.place import leave_nothing
from unlearnleak.runs.status import read_status
from unlearnleak.sweep.waves import dry_run_summary


def run_alone(config: DictConfig, directory: Path, *, sweep: bool, hydra: DictConfig | None = None) -> Any:
    """Run one job, or say what it would do; returns its result, or the number that `objective` names.

    Raises:
        UserError: it is asked for what it cannot do; or as `run_job` raises it.
    """
    if config.only != "all" and not sweep:
        raise UserError(
            f"only={config.only} is for sweeps (-m): a single run is told what to do by itself. Leave it out."
        )
    check_reachable(config.objective, config.until)
    if config.dry_run:
        told = missing_recipes(config, hydra.runtime.choices, hydra.runtime.config_sources) if hydra else None
        try:
            print("\n".join([*([told] if told else []), dry_run_summary(config, directory, sweep=sweep)]))
        finally:
            leave_nothing(directory)
        if config.objective is not None and sweep:
            raise UserError(
                f"dry_run=true ends here: what comes after these jobs depends on their objective={config.objective}."
            )
        return None
    result = run_job(config, directory, sweep=sweep, hydra=hydra)
    if config.objective is None:
        return result
    return value_of(result, config.objective, (read_status(directory) or {}).get("why"))
