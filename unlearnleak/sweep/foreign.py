"""Sweepers that are not this project's: they launch jobs as they see fit, and plan nothing beforehand."""

from omegaconf import DictConfig, OmegaConf, open_dict

from unlearnleak.config.hydra_parts import BasicLauncher
from unlearnleak.config.objective import NUMBERS, check_objective, check_reachable
from unlearnleak.errors import UserError

OURS = "hydra_plugins.unlearnleak."
SEARCHING = ("hydra_optuna_sweeper", "hydra_ax_sweeper", "hydra_nevergrad_sweeper")
"""Packages whose sweepers choose jobs by what earlier ones returned."""


def is_foreign(config: DictConfig) -> bool:
    """Whether the sweep that begins with this config is in the hands of another sweeper."""
    return not str(OmegaConf.select(config, "hydra.sweeper._target_")).startswith(OURS)


def suit_foreign_sweeper(config: DictConfig) -> None:
    """Make a sweep of another sweeper honest: each job of a dry run says here what it would do.

    Workers and clusters write what jobs say into files of their own. A dry run needs neither: Hydra's basic launcher
    lets the jobs speak in this process.

    Raises:
        UserError: it is asked for what only the project's own sweeper does.
    """
    if not is_foreign(config):
        return
    name = config.hydra.runtime.choices.get("hydra/sweeper")
    wanted = {"only": config.get("only", "all") != "all", "fail_fast": bool(config.get("fail_fast"))}
    if told := [f"{key}={str(config[key]).lower()}" for key, is_wanted in wanted.items() if is_wanted]:
        raise UserError(
            f"{' and '.join(told)} would have no effect with hydra/sweeper={name}: only hydra/sweeper=staged, the "
            "default, knows what has failed. Leave it out, or leave out hydra/sweeper."
        )
    check_objective(config.get("objective"))
    check_reachable(config.get("objective"), str(config.get("until")))
    if config.get("objective") is None and any(word in config.hydra.sweeper._target_ for word in SEARCHING):
        raise UserError(
            f"hydra/sweeper={name} searches by a number that each job returns: name one of result.json, such as "
            f"objective=asr. Allowed: {', '.join(NUMBERS)}."
        )
    if config.get("dry_run"):
        with open_dict(config):
            config.hydra.launcher = {"_target_": f"{BasicLauncher.__module__}.BasicLauncher"}
