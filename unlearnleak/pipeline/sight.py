"""What an attacker has before it: the samples that it holds, and the models as it sees them."""

from collections.abc import Callable
from functools import cached_property

from unlearnleak.adversary.holdings import FEWEST_CLASSES
from unlearnleak.adversary.restricted import Restricted, answering_among, kept_classes
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.machine import seeds
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering
from unlearnleak.pipeline import models
from unlearnleak.pipeline.setting import Setting
from unlearnleak.store import Artifact


class Sight(Setting):
    """An experiment as its attacker sees it; what is held is looked at when first asked for."""

    # samples

    @cached_property
    def held(self) -> LabeledImages:
        """The labelled samples of an attacker who is granted some, on the device."""
        own, holdings = self.plan.resident.auxiliary, self.plan.auxiliary
        if holdings.usual:
            return own
        generator = seeds.generator(self.plan.seeds.attack, "auxiliary")
        return holdings.held(own, self.requested_classes, self.plan.dataset.held_per_class, generator)

    @cached_property
    def candidates(self) -> tuple[int, ...] | None:
        """The classes that an attacker who needs samples has any of and can judge; None where these are all."""
        if self.plan.auxiliary.usual or not self.plan.attack.threat.auxiliary:
            return None
        found = tuple(self.held.class_counts().nonzero()[:, 0].tolist())
        return None if len(found) == self.facts.num_classes else found

    def check_held(self) -> None:
        """Raises UserError where the attack cannot be made with the samples that its attacker holds."""
        plan = self.plan
        if plan.auxiliary.usual or not plan.attack.threat.auxiliary:
            return
        counts = [count for count in self.held.class_counts().tolist() if count]
        if len(counts) < FEWEST_CLASSES:
            raise UserError(
                f"An attacker with {plan.auxiliary.words} has samples of {len(counts)} classes, and needs those of "
                f"{FEWEST_CLASSES} at least. Raise auxiliary.per_class, or lower auxiliary.label_noise."
            )
        plan.attack.check_held(counts)
        shadows = range(plan.attack.threat.shadow_models)
        known = range(self.facts.num_classes) if self.candidates is None else self.candidates
        if shadows and not any(set(self.shadow_set(number).classes) & set(known) for number in shadows):
            raise UserError(
                f"An attacker with {plan.auxiliary.words} has samples of no class that a shadow model forgot: name "
                "more classes in auxiliary.classes, or another seeds.attack."
            )

    def check(self) -> None:
        """Hold the settings against the data's facts, the attacker's samples first."""
        self.check_held()
        super().check()

    # models

    def seen_by(
        self, candidates: tuple[int, ...] | None
    ) -> tuple[Callable[[Classifier], Classifier], Callable[[Answering], Answering]]:
        """How an attacker sees a model, and what it is told by one that it asks: of the classes alone that it has
        samples of, where these are not all.
        """
        if candidates is None:
            return (lambda model: model), (lambda answering: answering)
        return (lambda model: Restricted(model, candidates)), (lambda answering: answering_among(answering, candidates))

    @property
    def shown(self) -> LabeledImages:
        """The labelled samples of an attacker, labelled as the models that it sees count their classes."""
        return self.held if self.candidates is None else kept_classes(self.held, self.candidates)

    def shadow_places(self, number: int) -> tuple[int, ...]:
        """What a shadow model forgot, as the models that an attacker sees count their classes."""
        forgotten = self.shadow_set(number).classes
        if self.candidates is None:
            return forgotten
        return tuple(place for place, c in enumerate(self.candidates) if c in forgotten)

    def pretrained_seen(self, artifact: Artifact) -> tuple[Classifier, int, int]:
        """The pretrained model, with how many samples were tuned on, and how many of these stay after unlearning."""
        learnt = sum(self.learnt_counts)
        kept = learnt - self.forget_set.count(self.learnt_counts)
        return models.stored(self.plan, self.facts, artifact, self.plan.device), learnt, kept

    def known_as(self, artifact: Artifact) -> str | None:
        """A target by the place of its artifact and when that was published; None of a stranger's, which may draw."""
        if self.plan.unlearner.start == "file":
            return None
        return f"{artifact.path} {artifact.path.stat().st_mtime_ns}"

    def answering(self, seed: int, *label: str) -> Answering:
        """What a model answers with the defence before it; random ones draw from (seed, label)."""
        return self.plan.defense.answering(seeds.generator(seed, *label))

    @property
    def shadows_defended(self) -> bool:
        """Whether the attacker's own models have the target's defence before them."""
        return self.plan.defense.active and self.plan.attack.knows_defense
