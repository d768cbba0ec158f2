"""The config that a sweep begins with, before its jobs are known.

Hydra composes it from the command line without what is swept, so with the default component where a component is
swept, and refuses a single value that the default has no place for: `unlearner=ft,rl unlearner.lr=0.1`, where rt is
the default. Each job is composed from its own choices later. So here such values are set where there is a place for
them, and otherwise left to the jobs.
"""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from unlearnleak.config.hydra_parts import use_loader
from unlearnleak.config.loader import CheckedLoader
from unlearnleak.errors import UserError
from unlearnleak.sweep.compose import SharedLoader
from unlearnleak.sweep.foreign import suit_foreign_sweeper

GRIDS = "sweep"
"""The group of configs that are a grid each (sweeps/)."""


class MasterLoader(CheckedLoader):
    """Hydra's config loader, lenient with a sweep's values for components that are swept as well."""

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """The config of a single run, of a sweep's job, or what a sweep begins with.

        Raises:
            UserError: the words name several grids at once, or a sweeper that cannot do what they ask for.
            HydraException: Hydra's own refusals.
        """
        words = OverridesParser.create(config_loader=self).parse_overrides(overrides)
        check_one_grid(words)
        more: dict[str, Any] = {"from_shell": from_shell, "validate_sweep_overrides": validate_sweep_overrides}
        left = self.left_to_jobs(words) if run_mode == RunMode.MULTIRUN else []
        kept = [str(word.input_line) for word in words if word not in left]
        config = super().load_configuration(config_name, kept, run_mode, **more)
        for word in left:
            try:
                self._apply_overrides_to_config([word], config)
            except (HydraException, OmegaConfBaseException):  # a job whose components have no place for it is refused
                continue
        if left:
            SharedLoader.record(words, config)
        if run_mode == RunMode.MULTIRUN and validate_sweep_overrides:  # Hydra is not just looking whether it is one
            suit_foreign_sweeper(config)
        return config

    def left_to_jobs(self, words: list[Override]) -> list[Override]:
        """The words that set values of a component, where any component is swept: one may pick another."""
        if not any(self.may_vary(word) for word in words):
            return []
        return [word for word in words if self.sets_component(word)]

    def may_vary(self, word: Override) -> bool:
        """Whether a word sweeps over a component, or names a grid, which may."""
        group = self.repository.group_exists(word.key_or_group)
        return word.key_or_group.startswith("hydra.sweeper") or (
            group and (word.is_sweep_override() or word.key_or_group == GRIDS)
        )

    def sets_component(self, word: Override) -> bool:
        """Whether a word sets values of a component, one or several of them."""
        group = self.repository.group_exists(word.key_or_group.partition(".")[0])
        chooses = "." not in word.key_or_group and not isinstance(word.value(), dict)
        return group and not chooses and not word.is_sweep_override() and not word.is_hydra_override()


def install() -> None:
    """Let Hydra's command line load configs by this loader."""
    use_loader(MasterLoader)


def check_one_grid(words: list[Override]) -> None:
    """Raises UserError where the words name several grids: a launch runs one."""
    chosen = [word for word in words if word.key_or_group == GRIDS and not word.is_delete()]
    several = any(word.is_sweep_override() or isinstance(word.value(), list) for word in chosen)
    if several or len(chosen) > 1:
        told = " ".join(str(word.input_line) for word in chosen)
        raise UserError(
            f"{told} is not possible: a command runs one grid. Give one command for each, such as +sweep=smoke; they "
            "share what is stored, and with the same sweep_name=NAME the folder of runs as well."
        )
