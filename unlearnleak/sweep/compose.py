"""Composing the jobs of a grid: what they share is composed once.

Hydra composes a job in about a tenth of a second, nearly all of it spent on reading and merging the files of the chosen
components. The jobs of a grid choose among few; most overrides only set values. So each choice is composed once by
Hydra itself, and a job is a copy of it with its values set, by Hydra's own function. The result is the same config
(a test compares them for every kind of override); anything unusual takes Hydra's ordinary way.
"""

import copy
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from unlearnleak.config.hydra_parts import ConfigLoaderImpl, get_overrides_dirname
from unlearnleak.config.hydra_settings import check_hydra
from unlearnleak.config.loader import CheckedLoader

Memory = dict[tuple[str | None, tuple[str, ...]], DictConfig]
"""Configs by the name of the primary config and the choices."""


@cache
def parsed(line: str) -> Override:
    """One override, as Hydra's own parser reads it; the jobs of a grid repeat the same few lines."""
    override: Override = OverridesParser.create().parse_overrides([line])[0]
    return override


def lines_for_hydra(master_config: DictConfig) -> list[str]:
    """The overrides of Hydra's own settings as they were written: what they refer to is each job's to say."""
    lines: list[str] = OmegaConf.to_container(master_config.hydra.overrides.hydra, resolve=False)  # type: ignore[assignment]
    return lines


def planned_part(hydra: DictConfig) -> dict[str, Any]:
    """What a job's place and settings may refer to, such as `${hydra:runtime.choices.dataset}`; the rest is long."""
    runtime, job = ("choices", "cwd", "version"), ("name", "config_name", "chdir", "config")
    return {
        "sweep": {key: hydra.sweep._get_node(key) for key in ("dir", "subdir")},
        "runtime": {key: OmegaConf.to_container(hydra.runtime)[key] for key in runtime},  # type: ignore[index, call-overload]
        "job": {key: hydra.job[key] for key in job},
    }


def override_dirname(config: DictConfig, overrides: list[Override]) -> str:
    """These overrides as the name of a folder, in the way that the config asks for."""
    style = config.hydra.job.config.override_dirname
    told = [override for override in overrides if not override.is_hydra_override()]
    name: str = get_overrides_dirname(
        overrides=told, kv_sep=style.kv_sep, item_sep=style.item_sep, exclude_keys=style.exclude_keys
    )
    return name


@contextmanager
def unchanged(config: DictConfig, names: Collection[str]) -> Iterator[None]:
    """Let the top level of a config be at the end what it is now; what lies below `names` may be changed meanwhile.

    OmegaConf has no public way to take a part out and put that very part back: it copies what it is given.
    """
    content: Any = config._content
    before = dict(content)
    try:
        content.update({name: copy.deepcopy(before[name]) for name in names if name in before})
        yield
    finally:
        content.clear()
        content.update(before)


def tells_hydra(override: Override) -> bool:
    """Whether an override may change what Hydra does in a job; a job's folder and its name are looked at elsewhere."""
    known = override.key_or_group.startswith(("hydra.sweep.", "hydra.job.config."))
    return override.is_hydra_override() and not known


class SharedLoader(CheckedLoader):
    """Hydra's config loader with a memory of the choices that it has composed already."""

    def __init__(self, loader: ConfigLoaderImpl) -> None:
        super().__init__(loader.config_search_path)
        self.composed: Memory = {}
        self.planned: Memory = {}
        self.groups: dict[str, bool] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Travels to workers without its memory."""
        return vars(self) | {"composed": {}, "planned": {}}

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """The config of one job of a sweep, as `ConfigLoaderImpl.load_sweep_config` gives it."""
        overrides = [parsed(line) for line in (*lines_for_hydra(master_config), *sweep_overrides)]
        if any(override.get_key_element() == "hydra.searchpath" for override in overrides):
            return super().load_sweep_config(master_config, sweep_overrides)
        config = self.with_values(master_config, overrides, self.composed)
        self.record(overrides, config)
        return config

    def plan_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """The same with only `planned_part` of Hydra's own part, which is most of a config: half the work."""
        with self.lent_config(master_config, sweep_overrides) as config:
            return copy.deepcopy(config)

    @contextmanager
    def lent_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> Iterator[DictConfig]:
        """The same until the context's end, to be read; parts of its top level may be added and taken out.

        A copy of a config takes longer than all that a plan reads of it. So what jobs share is one config, in which
        only those parts are copies that this job's values change. Only one job's may be lent at a time.
        """
        overrides = [parsed(line) for line in (*lines_for_hydra(master_config), *sweep_overrides)]
        if any(
            tells_hydra(parsed(line)) for line in sweep_overrides
        ):  # as in a sweep's cases: nobody has seen them yet
            check_hydra(self.load_sweep_config(master_config, sweep_overrides))
        if any(override.get_key_element() == "hydra.searchpath" for override in overrides):
            yield super().load_sweep_config(master_config, sweep_overrides)
            return
        wanted = [
            override
            for override in overrides
            if self.chooses(override) or not re.match(r"hydra\.(?!sweep\.|job\.config\.)", override.key_or_group)
        ]
        shared = self.of_choices(master_config, wanted, self.planned)
        values = [override for override in wanted if not self.chooses(override)]
        with unchanged(shared, {re.split(r"[.\[]", override.key_or_group)[0] for override in values}):
            self.set_values(master_config, values, shared)
            yield shared

    def with_values(self, master_config: DictConfig, overrides: list[Override], memory: Memory) -> DictConfig:
        """The config of these choices, composed or remembered, with the values of these overrides."""
        config = copy.deepcopy(self.of_choices(master_config, overrides, memory))
        self.set_values(master_config, [each for each in overrides if not self.chooses(each)], config)
        return config

    def of_choices(self, master_config: DictConfig, overrides: list[Override], memory: Memory) -> DictConfig:
        """The config of what these overrides choose, composed or remembered."""
        choices = tuple(str(override.input_line) for override in overrides if self.chooses(override))
        key = (master_config.hydra.job.config_name, choices)
        if key not in memory:
            memory[key] = self.load_configuration(key[0], list(choices), RunMode.RUN)
            if memory is self.planned:
                with open_dict(memory[key]):
                    memory[key].hydra = planned_part(memory[key].hydra)
        return memory[key]

    def set_values(self, master_config: DictConfig, values: list[Override], config: DictConfig) -> None:
        """Set the values of these overrides as Hydra does; ConfigCompositionException where one has no place."""
        try:
            self._apply_overrides_to_config(values, config)
        except OmegaConfBaseException as error:
            raise ConfigCompositionException().with_traceback(sys.exc_info()[2]) from error
        OmegaConf.copy_cache(from_config=master_config, to_config=config)

    def chooses(self, override: Override) -> bool:
        """Whether an override chooses a config file, rather than setting a value."""
        return self.group_exists(override.key_or_group) and not isinstance(override.value(), dict)

    def group_exists(self, name: str) -> bool:
        """Whether there is a folder of configs of that name; looked up once each."""
        if name not in self.groups:
            self.groups[name] = self.repository.group_exists(name)
        return self.groups[name]

    @staticmethod
    def record(overrides: list[Override], config: DictConfig) -> None:
        """Write all overrides where Hydra keeps them."""
        kinds: dict[bool, list[Override]] = {True: [], False: []}
        for override in overrides:
            kinds[override.is_hydra_override()].append(override)
        config.hydra.overrides.hydra = [override.input_line for override in kinds[True]]
        config.hydra.overrides.task = [override.input_line for override in kinds[False]]
        config.hydra.job.override_dirname = override_dirname(config, kinds[False])
