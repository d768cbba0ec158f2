"""Hydra's config loader, with a look at what it is told before it acts on it, and at what it has composed."""

import re
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from unlearnleak.config.hydra_parts import ConfigLoaderImpl
from unlearnleak.config.hydra_settings import check_hydra
from unlearnleak.errors import UserError

LIST = re.compile(r"[\w/@.]+=\[")


class CheckedLoader(ConfigLoaderImpl):
    """Composes configs as Hydra does, and refuses those by which a config would run code or write elsewhere."""

    def load_configuration(self, config_name: str | None, overrides: list[str], *rest: Any, **more: Any) -> DictConfig:
        """The composed config.

        Raises:
            UserError: it says something to Hydra that is not possible.
        """
        self.refuse_lists(overrides)
        config: DictConfig = super().load_configuration(config_name, overrides, *rest, **more)
        check_hydra(config)
        return config

    def refuse_lists(self, overrides: list[str]) -> None:
        """Raises UserError where a group is given a list of choices."""
        lines = [line for line in overrides if LIST.match(line)]
        for override in OverridesParser.create().parse_overrides(lines) if lines else []:
            group, values = str(override.key_or_group), override.value()
            if isinstance(values, list) and self.repository.group_exists(group):
                each = ",".join(map(str, values))
                raise UserError(
                    f"{override.input_line} is not possible: a run has one {group}. "
                    f"A sweep takes several: -m {group}={each}"
                )

    def _process_config_searchpath(self, config_name: str | None, parsed_overrides: list[Any], repo: Any) -> None:
        """Refuses packages on the search path of configs before Hydra imports them."""
        said = [each.value() for each in parsed_overrides if each.get_key_element() == "hydra.searchpath"]
        primary = repo.load_config(config_path=config_name) if config_name else None
        if primary is not None and OmegaConf.is_dict(primary.config):
            said.append(OmegaConf.select(primary.config, "hydra.searchpath"))
        for place in [str(each) for places in said if places is not None for each in places]:
            if "://" in place and not place.startswith("file://"):
                raise UserError(
                    f"hydra.searchpath={place} is not possible: a config is data and imports no packages. Name "
                    "folders, such as file:///home/me/conf"
                )
        super()._process_config_searchpath(config_name, parsed_overrides, repo)
