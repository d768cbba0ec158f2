"""Plan: a composed config, checked and built before anything is trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from omegaconf import DictConfig

from unlearnleak.adversary.evidence import Calibrated
from unlearnleak.adversary.holdings import WITHOUT, Holdings
from unlearnleak.attack.base import Attack
from unlearnleak.config.build import component_name, construct, resolved, settings_of
from unlearnleak.config.component import Choices, Component
from unlearnleak.config.objective import check_objective
from unlearnleak.config.references import refuse_all
from unlearnleak.config.schema import GROUPS, KEYS, Gate, Runtime, Seeds
from unlearnleak.config.variables import refuse_variables
from unlearnleak.data import Splits
from unlearnleak.data.forget import UNKNOWN
from unlearnleak.data.title import title_of_file
from unlearnleak.dataset.base import Dataset
from unlearnleak.defense.base import Defense
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.evaluation.base import Evaluation
from unlearnleak.machine import seeds
from unlearnleak.machine.device import resolve_device
from unlearnleak.model.base import Classifier
from unlearnleak.pipeline.components import BASES, chosen_component
from unlearnleak.pipeline.resident import on_device
from unlearnleak.screening.base import Screening
from unlearnleak.store import Store
from unlearnleak.training.finetuning import Finetuning
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base import Unlearner

USUAL = (("precision", "fp32"), ("optimizer", "sgd"), ("augmentation", "none"))
"""Settings of a training that no key holds."""


class Facts(NamedTuple):
    """What a model is told of the data: (C, H, W) of an image, K, and mean and deviation per channel in [0, 1]."""

    image_shape: tuple[int, int, int]
    num_classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> "Facts":
        """From what the data stage keeps."""
        return cls(tuple(meta["image_shape"]), meta["num_classes"], tuple(meta["mean"]), tuple(meta["std"]))


@dataclass(frozen=True)
class Plan:
    """Everything that one job needs, from the data set to the device.

    `spec` holds each group's settings as the store's keys see them: resolved, without anything that says where. `names`
    are the groups' words on the command line, and for a data set of one's own what that is called.
    """

    dataset: Dataset
    model_class: type[Classifier]
    unlearner: Unlearner
    defense: Defense
    attack: Attack
    screening: Screening
    evaluation: Evaluation
    training: Optimization
    finetuning: Finetuning | None
    auxiliary: Holdings
    gate: Gate
    seeds: Seeds
    forget_classes: Any
    forget_share: float
    forget_rows: tuple[int, ...] | None
    spec: dict[str, Any]
    names: dict[str, str]
    store: Store
    runtime: Runtime
    until: str

    @property
    def last_training(self) -> Optimization:
        """How the original learnt what can be forgotten: all of its training, or its fine-tuning."""
        return self.finetuning or self.training

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
        if self.unlearner.architecture is not None:  # the file's own model says what it takes
            return
        try:
            self.model_class.check_images(image_shape)
        except UserError as error:
            raise UserError(f"{self.dataset.source}: {error}") from error

    @cached_property
    def resident(self) -> Splits:
        """The images on the device, where a worker's later jobs find them again if it is a GPU."""
        found = on_device(lambda: self.splits, self.images_spec(), self.device)
        self.check_images(found.train.image_shape)
        return found

    def images_spec(self) -> dict[str, Any]:
        """All that determines the images and how they are divided."""
        return {"dataset": self.spec["dataset"] | self.dataset.fingerprint(), "seed": self.seeds.data}


def check_keys(config: DictConfig) -> None:
    """Raises UserError unless the config has exactly the top-level keys of a job."""
    names = {str(key) for key in config}
    for what, wrong in (("Unknown", names - KEYS), ("Missing", KEYS - names)):
        if wrong:
            raise UserError(f"{what} setting: {', '.join(sorted(wrong))}. Allowed: {', '.join(sorted(KEYS))}.")
    if not isinstance(config.store, str) or not config.store:
        raise UserError(f"store={config.store!r} is not possible: name a folder, such as store=outputs/artifacts.")
    if not isinstance(config.until, str):
        raise UserError(f"until={config.until!r} is not possible: name a stage, such as until=unlearned.")
    check_objective(config.objective)


def samples_to_forget(config: DictConfig) -> dict[str, Any]:
    """Which samples of the forgotten classes are to be forgotten; all of them unless something else is said.

    Raises:
        UserError: a share that is no number, or rows that are no whole numbers.
    """
    share, rows = config.forget_share, resolved(config.forget_rows, "forget_rows")
    if not isinstance(share, int | float) or isinstance(share, bool):
        raise UserError(f"forget_share={share} is not possible: a number above 0 and at most 1.")
    whole = isinstance(rows, list) and all(isinstance(row, int) and not isinstance(row, bool) for row in rows)
    if rows is not None and not whole:
        raise UserError(f"forget_rows={rows} is not possible: a list of numbers of training images, or null.")
    return {"forget_share": float(share), "forget_rows": None if rows is None else tuple(rows)}


def fits(attack: Attack | type[Attack], screening: type[Screening]) -> bool:
    """Whether a screening can read an attack's evidence, calibration included."""
    return issubclass(attack.evidence, screening.accepts)


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
    parts = {group: chosen_component(config, group) for group in GROUPS}
    chosen = {group: component for group, (component, _) in parts.items()}
    spec = {group: known for group, (_, known) in parts.items()}
    dataset, model_class, unlearner, defense, attack, screening, evaluation = (chosen[group] for group in BASES)
    names["dataset"] = dataset.title
    if unlearner.architecture is not None:
        names["model"] = own_model_name(unlearner.architecture["model"])
    if not fits(attack, type(screening)):
        raise Incompatible(mismatch(attack, names))
    training, finetuning, known = trainings(config)
    if config.forget_classes == UNKNOWN:
        check_unknown(unlearner, defense, names)
    auxiliary = holdings(config, dataset.held_per_class)
    choices = choices_of(dataset, unlearner, finetuning or training, auxiliary, names)
    for component in chosen.values():
        if isinstance(component, Component):
            component.check(choices)
    if not defense.active:
        del spec["defense"]
    if not evaluation.active:
        del spec["evaluation"], names["evaluation"]
    return Plan(
        dataset=dataset,
        model_class=model_class,
        unlearner=unlearner,
        defense=defense,
        attack=attack,
        screening=screening,
        evaluation=evaluation,
        training=training,
        finetuning=finetuning,
        auxiliary=auxiliary,
        gate=construct(Gate, settings_of(config.gate, "gate"), "gate"),
        seeds=construct(Seeds, settings_of(config.seeds, "seeds"), "seeds"),
        forget_classes=resolved(config.forget_classes, "forget_classes"),
        **samples_to_forget(config),
        spec=spec | known,
        names=names,
        store=Store(config.store),
        runtime=runtime,
        until=config.until,
    )


def choices_of(
    dataset: Dataset, unlearner: Unlearner, training: Optimization, auxiliary: Holdings, names: dict[str, str]
) -> Choices:
    """What each component is told of the others; a model that comes from a file cannot be tuned here."""
    ours = unlearner.start != "file"
    if isinstance(training, Finetuning) and not ours:
        raise Incompatible(
            f"finetuning.samples={training.samples} is not possible with unlearner={names['unlearner']}: nothing is "
            "trained there. Set it to 0, or take another unlearner."
        )
    return Choices(
        names=names,
        training=training,
        auxiliary_per_class=dataset.held_per_class,
        has_original=ours or unlearner.file_of("original") is not None,
        can_shadow=ours,
        has_pretrained=isinstance(training, Finetuning),
        retrains=unlearner.start == "scratch",
        weaker=not auxiliary.usual,
    )


def trainings(config: DictConfig) -> tuple[Optimization, Finetuning | None, dict[str, Any]]:
    """How models are trained, how they are tuned where they are, and what a store's key knows of both."""
    how = settings_of(config.training, "training")
    training = construct(Optimization, how, "training", steps_per_epoch=1)  # which `fit` fills in
    tuning = settings_of(config.finetuning, "finetuning")
    tuned = construct(Finetuning, tuning, "finetuning", precision=training.precision, steps_per_epoch=1)
    known = {"training": without_usual(how)}
    if not tuned.samples:
        return training, None, known
    return training, tuned, known | {"finetuning": without_usual(tuning)}


def holdings(config: DictConfig, there: int) -> Holdings:
    """What labelled samples the attacker holds, of a data set that sets `there` images of each class aside."""
    found: Holdings = construct(Holdings, settings_of(config.auxiliary, "auxiliary"), "auxiliary")
    found.check(there)
    if found.classes == WITHOUT and config.forget_classes == UNKNOWN:
        raise Incompatible(f"auxiliary.classes={WITHOUT} is not possible where nobody knows what was forgotten.")
    return found


def without_usual(training: dict[str, Any]) -> dict[str, Any]:
    """Settings of a training without those that are as they always were: keys are older than the choice."""
    return {name: value for name, value in training.items() if (name, value) not in USUAL}


def own_model_name(said: str | None) -> str:
    """What a model that a file brings is called in results: as it was named, or "own"."""
    return "own" if said is None else title_of_file(said.rpartition("/")[2].replace(":", "."))


def check_unknown(unlearner: Unlearner, defense: Defense, names: dict[str, str]) -> None:
    """Raises Incompatible where it must be known what is forgotten, and is not."""
    if unlearner.start != "file":
        raise Incompatible(
            f"forget_classes={UNKNOWN} is for models of somebody else's, and unlearner={names['unlearner']} has to be "
            "told what to forget. Name classes, such as forget_classes=[3]."
        )
    if defense.needs_truth:
        raise Incompatible(
            f"defense={names['defense']} has to be told what was forgotten, and forget_classes={UNKNOWN} does not say "
            "so. Name classes, such as forget_classes=[3], or take another defense."
        )


def mismatch(attack: Attack, names: dict[str, str]) -> str:
    """The message for a screening that cannot read the evidence, with those that can."""
    from unlearnleak.screening import every_screening  # noqa: PLC0415  (only needed for this message)

    calibrated = "" if issubclass(attack.evidence, Calibrated) else ", not calibrated"
    fitting = [name for name, cls in every_screening().items() if cls.judges and fits(attack, cls)]
    return (
        f"screening={names['screening']} cannot read the evidence of attack={names['attack']} "
        f"({attack.evidence.kind!r}{calibrated}). "
        f"Screenings that can: {', '.join(fitting)}."
    )
