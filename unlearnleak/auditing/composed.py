"""The attacks that an audit tries, with the settings of conf/: nothing of them is written twice."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from unlearnleak.adversary.threat import ThreatModel
from unlearnleak.attack.base import Attack
from unlearnleak.config.build import build, construct, locate, settings_of, target_of
from unlearnleak.config.folder import config_folder
from unlearnleak.screening.base import Screening

OTHER_SCREENINGS = {
    "aux_confidence": ("chance", "halfway"),
    "inversion_gradient": ("level",),
    "inversion_genetic": ("level",),
}
"""Where an audit does not take an attack's default: `threshold` raises an alarm on nearly every control."""
ATTACKS = (
    *("aux_confidence", "aux_margin", "param_dot", "param_diff", "param_confidence", "relearn", "inversion_shadow"),
    *("inversion_gradient", "inversion_genetic", "label_only", "noise_prior", "head_sum"),
    *("output_change", "output_change_zoo", "head_change"),
)
"""In the order of an answer: what asks with data, what needs none, what sees the model before too."""
SCREENING = "override /screening@_global_.screening"
"""Where an attack's defaults name its screening."""
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
    """The attack of this name, read once a process."""
    bases: tuple[type[Any], type[Any]] = (Attack, Screening)  # abstract: what may be built is one of theirs
    node = read("attack", name)
    default = own_screening(node.pop("defaults"))
    screenings = OTHER_SCREENINGS.get(name, (default,))
    return Composed(
        name,
        locate(target_of(node), bases[0], "attack"),
        settings_of(node, "attack"),
        {each: build(read("screening", each), bases[1], "screening") for each in screenings},
    )


def read(group: str, name: str) -> DictConfig:
    """A file of conf/. Hydra would read those of all other groups for each attack, which takes a tenth of a second."""
    found = OmegaConf.load(Path(config_folder()) / group / f"{name}.yaml")
    assert isinstance(found, DictConfig), "a group is a mapping"
    return found


def own_screening(defaults: Any) -> str:
    """The screening that an attack's defaults choose."""
    chosen = [each[SCREENING] for each in defaults if isinstance(each, DictConfig) and SCREENING in each]
    return str(chosen[0])
