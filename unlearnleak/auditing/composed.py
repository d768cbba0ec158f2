"""The attacks that an audit tries, with the settings of conf/: nothing of them is written twice."""

from functools import cache
from typing import Any, NamedTuple

from hydra._internal.utils import create_config_search_path
from hydra.types import RunMode
from omegaconf import DictConfig

from unlearnleak.adversary.threat import ThreatModel
from unlearnleak.attack.base import Attack
from unlearnleak.config.build import build, component_name, construct, locate, settings_of, target_of
from unlearnleak.config.folder import config_folder
from unlearnleak.config.loader import CheckedLoader
from unlearnleak.screening.base import Screening

OTHER_SCREENINGS = {
    "aux_confidence": ("chance", "halfway"),
    "inversion_gradient": ("level",),
    "inversion_genetic": ("level",),
}
"""Where an audit does not take an attack's default: `threshold` raises an alarm on nearly every control."""
ATTACKS = (
    *("aux_confidence", "param_dot", "param_diff", "param_confidence", "relearn", "inversion_shadow"),
    *("inversion_gradient", "inversion_genetic", "label_only", "noise_prior", "head_sum"),
    *("output_change", "output_change_zoo", "head_change"),
)
"""In the order of an answer: what asks with data, what needs none, what sees the model before too."""
NEVER = {
    "shadow_answers": "it needs shadow models, made as the model was made: how that was is not known",
    "shadow_weights": "it needs shadow models, made as the model was made: how that was is not known",
    "gradient_matching": "it recovers images and accuses no class",
    "gradient_matching_exact": "it recovers images and accuses no class",
}
"""Attacks that no audit can run, with the reason."""


class Composed(NamedTuple):
    """An attack as conf/ has it: its class, its settings, and the screenings that judge its evidence, by name."""

    name: str
    attack: type[Attack]
    settings: dict[str, Any]
    screenings: dict[str, Screening]

    @property
    def threat(self) -> ThreatModel:
        """What the attacker sees and holds."""
        return self.attack.threat

    def built(self, settings: dict[str, Any]) -> Attack:
        """The attack with these settings.

        Raises:
            UserError: a setting that cannot be.
        """
        return construct(self.attack, settings, "attack")


@cache
def composed(name: str) -> Composed:
    """The attack of this name, composed once a process."""
    others = OTHER_SCREENINGS.get(name)
    configs = [
        compose(f"attack={name}", *(f"screening={each}" for each in [other] if each)) for other in others or [""]
    ]
    node = configs[0].attack
    bases: dict[str, type[Any]] = {
        "attack": Attack,
        "screening": Screening,
    }  # abstract: what may be built is one of theirs
    screenings = {
        component_name(one.screening): build(one.screening, bases["screening"], "screening") for one in configs
    }
    return Composed(name, locate(target_of(node), bases["attack"], "attack"), settings_of(node, "attack"), screenings)


def compose(*overrides: str) -> DictConfig:
    """A job's config with these choices."""
    loader = CheckedLoader(create_config_search_path(config_folder()))
    return loader.load_configuration("config", list(overrides), RunMode.RUN)
