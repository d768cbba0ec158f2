"""Submits job arrays through submitit, and says in words for people what was refused."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import submitit
from hydra.core.singleton import Singleton
from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf  # type: ignore[import-untyped]
from omegaconf import OmegaConf
from submitit.core.utils import FailedJobError, FailedSubmissionError

from unlearnleak.errors import UserError
from unlearnleak.sweep.slurm.job import SlurmJob


@contextmanager
def outside_a_job() -> Iterator[None]:
    """Inside a SLURM job (an interactive one, say), hide from sbatch what belongs to that job, and only that."""
    if "SLURM_JOB_ID" not in os.environ:
        yield
        return
    kept = {name: value for name, value in os.environ.items() if name == "SLURM_CONF" or name.startswith("SBATCH_")}
    with submitit.helpers.clean_env():
        os.environ.update(kept)
        yield


def make_executor(settings: Mapping[str, Any], folder: Path, name: str) -> submitit.AutoExecutor:
    """A submitit executor for jobs of this SLURM name, with conf's words translated into submitit's.

    Raises:
        UserError: submitit does not take a setting.
    """
    shared = set(OmegaConf.structured(BaseQueueConf)) - {"submitit_folder"}
    given = {key: value for key, value in settings.items() if value is not None} | {"name": name}
    given["additional_parameters"] = {"requeue": True} | dict(given.get("additional_parameters", {}))
    if "cpus_per_task" in given:  # from SLURM 22.05 on srun does not take it over from sbatch
        given.setdefault("srun_args", [f"--cpus-per-task={given['cpus_per_task']}"])
    try:
        executor = submitit.AutoExecutor(folder, "slurm", slurm_max_num_timeout=given.pop("max_num_timeout", 0))
        executor.update_parameters(**{key if key in shared else f"slurm_{key}": given[key] for key in given})
    except (AssertionError, NameError, TypeError, ValueError) as error:
        raise UserError(f"These settings of hydra.launcher cannot be used: {error}") from error
    return executor


def submit(
    executor: submitit.AutoExecutor, job: SlurmJob, overrides: Sequence[list[str]], numbers: Sequence[int]
) -> list[str]:
    """Submit one array and return its jobs' ids, in order.

    Raises:
        UserError: sbatch refused it.
    """
    count, state = len(overrides), Singleton.get_state()
    ids = [f"job_id_for_{number}" for number in numbers]
    try:
        with outside_a_job():
            jobs = executor.map_array(job, overrides, ["hydra.sweep.dir"] * count, numbers, ids, [state] * count)
    except (FailedJobError, FailedSubmissionError) as error:
        raise UserError(
            f"sbatch refused an array of {count} jobs: {error}. Look at hydra.launcher.partition, account, qos, "
            "gpus_per_node, mem_gb and timeout_min, and where jobs may be submitted only up to a limit, at "
            "max_array_size. Jobs submitted before go on; the same command takes them up."
        ) from error
    return [job.job_id for job in jobs]  # the ids alone: submitit's own objects ask sacct, even for their repr
