"""`hydra/launcher=pool`; the work is done in `unlearnleak.sweep.pool.launcher`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from unlearnleak.sweep.pool.launcher import Pool


class PoolLauncher(Launcher):
    """Runs jobs in warm worker processes on this machine; conf/hydra/launcher/pool.yaml describes the settings."""

    def __init__(self, *, workers: Any, gpus: Any, jobs_per_gpu: Any, memory_gib: Any, mps: Any = "auto") -> None:
        self.settings = {"workers": workers, "gpus": gpus, "jobs_per_gpu": jobs_per_gpu, "memory_gib": memory_gib}
        self.settings["mps"] = mps
        self.pool: Pool | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Check the settings.

        Raises:
            UserError: naming what is not possible.
        """
        from unlearnleak.config.build import construct, resolved  # noqa: PLC0415  (Hydra imports this module at each start)
        from unlearnleak.sweep.pool.launcher import Pool, start_server  # noqa: PLC0415
        from unlearnleak.sweep.pool.slots import PoolSettings  # noqa: PLC0415

        plain = {name: resolved(value, f"hydra.launcher.{name}") for name, value in self.settings.items()}
        settings = construct(PoolSettings, plain, "hydra.launcher")
        self.pool = Pool(settings, hydra_context=hydra_context, task_function=task_function, config=config)
        if not config.get("dry_run"):
            start_server(task_function)  # it imports while the sweep is planned
        self.pool.slots_for(None)  # refuses what this machine has not, also in a dry run

    @property
    def slots(self) -> int | None:
        """How many jobs the last launch ran at once, or the present one does; before the first, at most; None yet."""
        return None if self.pool is None else len(self.pool.slots or self.pool.slots_for(None))

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run one wave of jobs, in order of their numbers, and return a JobReturn each."""
        assert self.pool is not None
        return self.pool.launch(job_overrides, initial_job_idx)

    def close(self) -> None:
        """End the workers, which otherwise wait for the next launch."""
        if self.pool is not None:
            self.pool.close()
