"""The components that a config chooses, each built and described as a store's key knows it."""

import copy
from typing import Any

from omegaconf import DictConfig

from unlearnleak.attack.base import Attack
from unlearnleak.config.build import check_settings, construct, locate, settings_of, target_of
from unlearnleak.config.component import Component
from unlearnleak.config.schema import SHAPE
from unlearnleak.dataset.base import Dataset
from unlearnleak.defense.base import Defense
from unlearnleak.errors import UserError
from unlearnleak.evaluation.base import Evaluation
from unlearnleak.model.base import Classifier
from unlearnleak.screening.base import Screening
from unlearnleak.unlearner.base import Unlearner

BASES: dict[str, type[Any]] = {
    "dataset": Dataset,
    "model": Classifier,
    "unlearner": Unlearner,
    "defense": Defense,
    "attack": Attack,
    "screening": Screening,
    "evaluation": Evaluation,
}
"""What a component of each group is."""
DECLARED = {"attack": ("threat", "evidence"), "screening": ("accepts",)}
"""What a component of a group has to say of itself, beside its version."""


def chosen_component(config: DictConfig, group: str) -> tuple[Any, dict[str, Any]]:
    """The component that a config chooses in a group, and what a store's key knows of it.

    Of a model it is its class, which is built once the data are known.
    """
    target = target_of(config[group])
    component, settings = locate(target, BASES[group], group), settings_of(config[group], group)
    if group == "model":
        check_settings(component, settings, "model", SHAPE)
    else:
        component = construct(component, copy.deepcopy(settings), group)
    for name in DECLARED.get(group, ()):
        if not hasattr(component, name):
            raise UserError(f"{group}._target_={target} has no `{name}`: its class declares one.")
    return component, component_spec(target, settings, group, component)


def component_spec(target: Any, settings: dict[str, Any], group: str, component: Any) -> dict[str, Any]:
    """What a store's key knows of a component: its class, its version and all settings that decide its numbers.

    Defaults are among them; what says where something lies, or how much memory may be taken, is not.
    """
    version = getattr(component, "version", None)
    if not isinstance(version, int):
        raise UserError(f"{group}._target_={target} has no `version`: give the class one, such as version = 1.")
    left_out = component.location_keys | component.memory_keys if isinstance(component, Component) else frozenset()
    later = component.later_keys if isinstance(component, Component) else {}
    kept = {
        name: value
        for name, value in settings.items()
        if name not in left_out and (name not in later or value != later[name])
    }
    return {"target": target, "version": version, "settings": kept}
