"""hydra/launcher=slurm: one job array on a SLURM cluster per launch, made in `unlearnleak.sweep.slurm.launcher`."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from unlearnleak.errors import UserError


class SlurmLauncher(Launcher):
    """Takes the settings of conf/hydra/launcher/slurm.yaml."""

    def __init__(self, *, array_parallelism: int, **settings: Any) -> None:
        self.settings = settings | {"array_parallelism": array_parallelism}

    @property
    def slots(self) -> int | None:
        """How many jobs run at once, at most."""
        return int(self.settings["array_parallelism"])

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what the jobs need."""
        self.job = {"hydra_context": hydra_context, "task_function": task_function, "config": config}

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """One JobReturn per override list, in order.

        Raises:
            UserError: the extra is not installed, there is no SLURM here, or it refused or stopped answering.
        """
        try:
            from unlearnleak.sweep.slurm.launcher import launch  # noqa: PLC0415  (submitit; Hydra imports this at each start)
        except ModuleNotFoundError as error:
            if str(error.name).partition(".")[0] == "unlearnleak":
                raise
            message = f"hydra/launcher=slurm needs the package {error.name}: pip install 'unlearnleak[slurm]'"
            raise UserError(message) from error
        return launch(self.settings, self.job, job_overrides, initial_job_idx)
