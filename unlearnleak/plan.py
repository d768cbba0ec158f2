"""Plan: a composed config, checked and built before anything is trained."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from omegaconf import DictConfig

from unlearnleak import seeds
from unlearnleak.attack.base import Attack
from unlearnleak.config import build, construct, locate, resolved, settings_of, stem
from unlearnleak.dataset import Dataset, Splits
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.model.classifier import LitClassifier
from unlearnleak.optimization import Optimization
from unlearnleak.runtime import resolve_device
from unlearnleak.screening.base import Screening
from unlearnleak.store import Store
from unlearnleak.unlearner.base import Unlearner

KEYS = frozenset(
    "model dataset unlearner screening attack logger runtime forget_classes seed seeds training gate store runs sweep_name"
    .split()
)
"""All keys of a job's config."""


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """One seed per source of chance (conf/config.yaml says what each decides)."""

    data: int
    forget: int
    original: int
    unlearning: int
    attack: int


@dataclass(frozen=True, kw_only=True)
class Gate:
    """When a model counts as unlearned: bounds on test accuracies, in [0, 1]."""

    forget_acc: float
    retain_loss: float


@dataclass(frozen=True)
class Plan:
    """Everything that one job needs, from the data set to the device.

    `spec` holds each group's settings as the store's keys see them: resolved, without anything that says where.
    """

    dataset: Dataset
    model_class: type[LitClassifier]
    unlearner: Unlearner
    attack: Attack
    screening: Screening
    training: Optimization
    gate: Gate
    seeds: Seeds
    forget_classes: Any
    spec: dict[str, Any]
    names: dict[str, str]
    store: Store
    device: torch.device

    @cached_property
    def splits(self) -> Splits:
        """The images, loaded when first asked for: a job whose stages are all stored needs none."""
        return self.dataset.splits(seeds.generator(self.seeds.data, "data"))

    @cached_property
    def resident(self) -> Splits:
        """The images on the device."""
        cpu = self.splits
        parts = (part.to(self.device) for part in (cpu.train, cpu.test, cpu.auxiliary))
        return Splits(*parts, cpu.mean, cpu.std)


def component_spec(config: DictConfig, group: str, version: int, leave_out: frozenset[str]) -> dict[str, Any]:
    """What a store's key knows of a component: its class, its version and all its settings, defaults included."""
    values = settings_of(config[group], group)
    kept = {name: value for name, value in values.items() if name not in leave_out}
    return {"target": config[group]["_target_"], "version": version, "settings": kept}


def fits(attack: Attack | type[Attack], screening: type[Screening]) -> bool:
    """Whether a screening can read an attack's evidence, calibration included."""
    return attack.evidence in screening.accepts and (attack.calibrated or not screening.needs_calibration)


def make_plan(config: DictConfig) -> Plan:
    """Check a config as a whole and build its components; nothing is loaded or trained.

    Raises:
        UserError: with the value, what is allowed and what to do.
        Incompatible: the screening cannot read the attack's evidence.
    """
    unknown = sorted(str(key) for key in config if key not in KEYS)
    if unknown:
        raise UserError(f"Unknown setting: {', '.join(unknown)}. Allowed: {', '.join(sorted(KEYS))}.")
    names = {group: stem(config[group]) for group in ("dataset", "model", "unlearner", "attack", "screening")}
    device = resolve_device(str(config.runtime.device))
    dataset = build(config.dataset, Dataset, "dataset")  # type: ignore[type-abstract]
    model_class = locate(config.model.get("_target_"), LitClassifier, "model")  # type: ignore[type-abstract]
    unlearner = build(config.unlearner, Unlearner, "unlearner")  # type: ignore[type-abstract]
    attack = build(config.attack, Attack, "attack")  # type: ignore[type-abstract]
    screening = build(config.screening, Screening, "screening")  # type: ignore[type-abstract]
    if not fits(attack, type(screening)):
        raise Incompatible(mismatch(attack, names))
    attack.check_auxiliary(dataset.auxiliary_per_class)
    training = construct(Optimization, resolved(config.training, "training"), "training")
    if unlearner.needs_ledger and training.clip_norm is not None:
        raise UserError(
            f"unlearner={names['unlearner']} keeps a ledger per class, which a clipped gradient cannot be split into: "
            f"training.clip_norm={training.clip_norm}. Set training.clip_norm=null."
        )
    spec = {
        "dataset": component_spec(config, "dataset", dataset.version, dataset.location_keys),
        "model": component_spec(config, "model", model_class.version, frozenset()),
        "unlearner": component_spec(config, "unlearner", unlearner.version, frozenset()),
        "attack": component_spec(config, "attack", attack.version, frozenset()),
        "screening": component_spec(config, "screening", screening.version, frozenset()),
        "training": resolved(config.training, "training"),
    }
    return Plan(
        dataset=dataset,
        model_class=model_class,
        unlearner=unlearner,
        attack=attack,
        screening=screening,
        training=training,
        gate=construct(Gate, resolved(config.gate, "gate"), "gate"),
        seeds=construct(Seeds, resolved(config.seeds, "seeds"), "seeds"),
        forget_classes=resolved(config.forget_classes, "forget_classes")
        if not isinstance(config.forget_classes, str | int)
        else config.forget_classes,
        spec=spec,
        names=names,
        store=Store(str(config.store)),
        device=device,
    )


def mismatch(attack: Attack, names: dict[str, str]) -> str:
    """The message for a screening that cannot read the evidence, with those that can."""
    from unlearnleak.screening import every_screening  # noqa: PLC0415  (only needed for this message)

    fitting = [name for name, cls in every_screening().items() if fits(attack, cls)]
    return (
        f"screening={names['screening']} cannot read the evidence of attack={names['attack']} "
        f"({attack.evidence!r}{'' if attack.calibrated else ', not calibrated'}). "
        f"Screenings that can: {', '.join(fitting)}."
    )
