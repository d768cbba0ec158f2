"""Plan: a composed config, checked and built before anything is trained."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from omegaconf import DictConfig

from unlearnleak.attack.base import Attack
from unlearnleak.config.build import (
    build,
    check_settings,
    component_name,
    construct,
    locate,
    resolved,
    settings_of,
    target_of,
)
from unlearnleak.config.objective import check_objective
from unlearnleak.config.references import refuse_all
from unlearnleak.config.variables import refuse_variables
from unlearnleak.data import Splits
from unlearnleak.dataset.base import Dataset
from unlearnleak.errors import Incompatible, UserError, require
from unlearnleak.machine import seeds
from unlearnleak.machine.device import resolve_device
from unlearnleak.model.base import LitClassifier
from unlearnleak.screening.base import Screening
from unlearnleak.store import Store
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base import Unlearner

GROUPS = ("dataset", "model", "unlearner", "attack", "screening")
STAGES = ("original", "unlearned", "evidence", "verdict")
"""The stages that a job can be run up to (`until`), in their order."""
KEYS = frozenset(
    {*GROUPS, "logger", "runtime", "forget_classes", "seed", "seeds", "training", "gate", "until"}
    | {"store", "runs", "sweep_name", "dry_run", "fail_fast", "only", "objective"}
)
"""All keys of a job's config."""
SHAPE = ("image_shape", "num_classes", "mean", "std")
"""What a model's constructor learns from the data set, not from the config."""


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """One seed per source of chance (conf/config.yaml says what each decides)."""

    data: int
    forget: int
    original: int
    unlearning: int
    attack: int

    def __post_init__(self) -> None:
        wrong = [f"seeds.{name}={value}" for name, value in vars(self).items() if not 0 <= value < SEED_LIMIT]
        if wrong:
            raise UserError(f"{', '.join(wrong)}: a seed is a whole number from 0 to {SEED_LIMIT - 1}.")


SEED_LIMIT = 2**32
"""What scikit-learn and NumPy take."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """When a model counts as unlearned: bounds on test accuracies, in [0, 1]."""

    forget_acc: float
    retain_loss: float

    def __post_init__(self) -> None:
        wrong = [f"gate.{name}={value}" for name, value in vars(self).items() if not 0 <= value <= 1]
        if wrong:
            raise UserError(f"{', '.join(wrong)}: a bound on an accuracy is a number from 0 to 1.")


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where and how things run (conf/runtime)."""

    device: str
    threads: int | None
    checkpoint_seconds: float | None
    ledger_classes: int | None

    def __post_init__(self) -> None:
        chunk = self.ledger_classes
        require(chunk is None or chunk >= 1, "runtime.ledger_classes", chunk, "at least 1, or null for all at once")
        if self.checkpoint_seconds is not None and self.checkpoint_seconds < 0:
            raise UserError(
                f"runtime.checkpoint_seconds={self.checkpoint_seconds} is not possible: 0 or more seconds, or null for "
                "no checkpoints."
            )


@dataclass(frozen=True)
class Plan:
    """Everything that one job needs, from the data set to the device.

    `spec` holds each group's settings as the store's keys see them: resolved, without anything that says where. `names`
    are the groups' words on the command line, and for a data set of one's own what that is called.
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
    runtime: Runtime
    until: str

    @cached_property
    def device(self) -> torch.device:
        """Where it runs; looked for when first asked for: a sweep is planned where there may be no GPU."""
        return resolve_device(self.runtime.device)

    @cached_property
    def splits(self) -> Splits:
        """The images, loaded when first asked for: a job whose stages are all stored needs none.

        What can be known without reading them is looked at first.
        """
        if (shape := self.dataset.image_shape()) is not None:
            self.check_images(shape)
        try:
            return self.dataset.splits(seeds.generator(self.seeds.data, "data"))
        except MemoryError as error:
            raise UserError(f"{self.dataset.source}: there is no memory left to read and divide the images.") from error

    def check_images(self, image_shape: tuple[int, int, int]) -> None:
        """Raises UserError, naming where they come from, if images of this shape (C, H, W) are not for this model."""
        try:
            self.model_class.check_images(image_shape)
        except UserError as error:
            raise UserError(f"{self.dataset.source}: {error}") from error

    @cached_property
    def resident(self) -> Splits:
        """The images on the device."""
        cpu = self.splits
        train, test, auxiliary = (part.to(self.device) for part in (cpu.train, cpu.test, cpu.auxiliary))
        return Splits(train, test, auxiliary, cpu.mean, cpu.std)


def component_spec(config: DictConfig, group: str, component: Any, leave_out: Collection[str] = ()) -> dict[str, Any]:
    """What a store's key knows of a component: its class, its version and all its settings, defaults included."""
    target, version = target_of(config[group]), getattr(component, "version", None)
    if not isinstance(version, int):
        raise UserError(f"{group}._target_={target} has no `version`: give the class one, such as version = 1.")
    values = settings_of(config[group], group)
    kept = {name: value for name, value in values.items() if name not in leave_out}
    return {"target": target, "version": version, "settings": kept}


def check_keys(config: DictConfig) -> None:
    """Raises UserError unless the config has exactly the top-level keys of a job."""
    names = {str(key) for key in config}
    for what, wrong in (("Unknown", names - KEYS), ("Missing", KEYS - names)):
        if wrong:
            raise UserError(f"{what} setting: {', '.join(sorted(wrong))}. Allowed: {', '.join(sorted(KEYS))}.")
    if not isinstance(config.store, str) or not config.store:
        raise UserError(f"store={config.store!r} is not possible: name a folder, such as store=outputs/artifacts.")
    require(config.until in STAGES, "until", config.until, f"one of {', '.join(STAGES)}")
    check_objective(config.objective)


def fits(attack: Attack | type[Attack], screening: type[Screening]) -> bool:
    """Whether a screening can read an attack's evidence, calibration included."""
    return attack.evidence in screening.accepts and (attack.calibrated or not screening.needs_calibration)


def make_plan(config: DictConfig) -> Plan:
    """Check a config as a whole and build its components; nothing is loaded or trained.

    Raises:
        UserError: with the value, what is allowed and what to do.
        Incompatible: the screening cannot read the attack's evidence.
    """
    check_keys(config)
    refuse_all(config)
    refuse_variables()
    names = {group: component_name(config[group]) for group in GROUPS}
    runtime = construct(Runtime, settings_of(config.runtime, "runtime"), "runtime")
    dataset = build(config.dataset, Dataset, "dataset")  # type: ignore[type-abstract]
    names["dataset"] = dataset.title
    model_class = locate(target_of(config.model), LitClassifier, "model")  # type: ignore[type-abstract]
    check_settings(model_class, settings_of(config.model, "model"), "model", SHAPE)
    unlearner = build(config.unlearner, Unlearner, "unlearner")
    attack = build(config.attack, Attack, "attack")  # type: ignore[type-abstract]
    screening = build(config.screening, Screening, "screening")  # type: ignore[type-abstract]
    if not fits(attack, type(screening)):
        raise Incompatible(mismatch(attack, names))
    attack.check_auxiliary(dataset.auxiliary_per_class)
    how = settings_of(config.training, "training")
    training = construct(Optimization, how, "training", steps_per_epoch=1)  # which `fit` fills in
    if unlearner.needs_ledger and training.clip_norm is not None:
        raise UserError(
            f"unlearner={names['unlearner']} keeps a ledger per class, which a clipped gradient cannot be split into: "
            f"training.clip_norm={training.clip_norm}. Set training.clip_norm=null."
        )
    if unlearner.needs_ledger and training.precision != "fp32":
        raise Incompatible(
            f"unlearner={names['unlearner']} keeps a ledger per class, whose sum is exact in fp32 only: "
            f"training.precision={training.precision}. Set training.precision=fp32."
        )
    spec = {
        "dataset": component_spec(config, "dataset", dataset, dataset.location_keys),
        "model": component_spec(config, "model", model_class),
        "unlearner": component_spec(config, "unlearner", unlearner),
        "attack": component_spec(config, "attack", attack, attack.memory_keys),
        "screening": component_spec(config, "screening", screening),
        "training": {name: value for name, value in how.items() if (name, value) != ("precision", "fp32")},
    }  # fp32 is left out: keys are older than the choice
    return Plan(
        dataset=dataset,
        model_class=model_class,
        unlearner=unlearner,
        attack=attack,
        screening=screening,
        training=training,
        gate=construct(Gate, settings_of(config.gate, "gate"), "gate"),
        seeds=construct(Seeds, settings_of(config.seeds, "seeds"), "seeds"),
        forget_classes=resolved(config.forget_classes, "forget_classes"),
        spec=spec,
        names=names,
        store=Store(config.store),
        runtime=runtime,
        until=config.until,
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
