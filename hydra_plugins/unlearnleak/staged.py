"""The staged sweeper (conf/hydra/sweeper/staged.yaml): see `unlearnleak.sweep.sweeper`."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


class StagedSweeper(Sweeper):
    """Runs a grid in waves of distinct stages, through any launcher.

    Args:
        params: what a sweep file varies, such as {"unlearner": "rt,ft"}; the command line's choices replace it.
        cases: choices that belong together, such as an attack and its screenings; see `unlearnleak.sweep.points`.
    """

    def __init__(
        self, *, params: Mapping[str, Any] | None = None, cases: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        self.params, self.cases = dict(params or {}), list(cases or [])

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Hydra's call before `sweep`."""
        from hydra.core.plugins import Plugins  # noqa: PLC0415  (it is what imports this module)

        from unlearnleak.sweep.compose import SharedLoader  # noqa: PLC0415  (only where a sweep begins)

        self.master = guarded(config)
        self.loader = SharedLoader(hydra_context.config_loader)  # type: ignore[arg-type]
        context = HydraContext(config_loader=self.loader, callbacks=hydra_context.callbacks)
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=context, task_function=task_function, config=self.master
        )

    def sweep(self, arguments: list[str]) -> None:
        """Run the jobs that the command line and the sweep file name."""
        from unlearnleak.sweep.sweeper import Sweep  # noqa: PLC0415  (torch: only where a sweep begins)

        Sweep(config=self.master, loader=self.loader, launcher=self.launcher, params=self.params, cases=self.cases).run(
            arguments
        )


def guarded(config: DictConfig) -> DictConfig:
    """With Hydra's basic launcher, the config that runs its jobs one after the other in a process of their own instead.

    Hydra runs them in this process, where a job that is killed, or calls sys.exit, would take the sweep along.
    """
    if not config.hydra.launcher._target_.endswith(".BasicLauncher"):
        return config
    config = copy.deepcopy(config)
    with open_dict(config):
        config.hydra.launcher = {
            "_target_": "hydra_plugins.unlearnleak.pool.PoolLauncher",
            "workers": 1,
            "gpus": None,  # the worker sees every GPU, as a single run does
            "jobs_per_gpu": 1,
            "memory_gib": 1.0,
        }
    return config
