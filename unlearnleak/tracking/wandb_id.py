"""A W&B run's id: every job has one of its own, whatever the environment says.

W&B would mix two jobs of one id on its server, and keep one summary; and to a run that goes on where an earlier one
ended it adds no row whose step that one had already.
"""

import glob
import os
import secrets
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from unlearnleak.errors import UserError
from unlearnleak.machine.process import launch

NAMED = "WANDB_RUN_ID"
GOES_ON = ("WANDB_RESUME", "WANDB_RESUME_FROM", "WANDB_FORK_FROM")

used: set[str] = set()
"""The ids that this process has given to a run."""


def check_environment() -> None:
    """Raises UserError where variables of W&B would put several jobs, or several attempts, into one run."""
    for name in GOES_ON:
        if (value := os.environ.get(name, "")) not in ("", "never"):
            raise UserError(
                f"{name}={value} is not possible: every job is a W&B run of its own, which is logged anew as a whole "
                f"when the job is repeated. Unset {name}."
            )
    if (named := os.environ.get(NAMED)) and in_sweep():
        raise UserError(
            f"{NAMED}={named} names one run, and a sweep has one for each job. Unset it; under `wandb agent` start one "
            "job at a time, without -m."
        )


def in_sweep() -> bool:
    """Whether this process plans a sweep or runs a job of one."""
    if launch() is not None:
        return True
    hydra: Any = HydraConfig.get() if HydraConfig.initialized() else {"mode": RunMode.RUN}
    return bool(hydra.get("mode", RunMode.MULTIRUN) == RunMode.MULTIRUN)  # a job that is being planned has none


def id_for(directory: Path) -> str | None:
    """The id of the run that is logged in `directory`; None where W&B takes the one that its agent has chosen.

    Raises:
        UserError: WANDB_RUN_ID names a run of another job.
    """
    named = os.environ.get(NAMED)
    if named and (other := place_of(named, directory)):
        raise UserError(
            f"{NAMED}={named} names one run, and {other} has it: a second job would be mixed into it. Unset it; "
            "under `wandb agent` start one job at a time, without -m."
        )
    if os.environ.get("WANDB_SWEEP_ID"):
        return None
    return named or secrets.token_hex(6)  # said outright: a settings file may name one too


def place_of(name: str, directory: Path) -> str | None:
    """Which other job has a run of this id: one of this process, or one among the runs that `directory` is of."""
    if name in used:
        return "this process"
    runs = directory.absolute().parents[1].glob(f"*/*/wandb/*run-*-{glob.escape(name)}")
    folders = (run.parents[1] for run in runs)
    return next((str(folder) for folder in folders if folder != directory.absolute()), None)
