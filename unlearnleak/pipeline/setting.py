"""What one experiment is about: the data, which of them are learnt when, and what is forgotten."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from unlearnleak.adversary.shadow import forget_nothing, shadow_plan
from unlearnleak.data import ForgetSet, ForgetSplit, LabeledImages, Splits, forget_classes
from unlearnleak.data.forget import UNKNOWN
from unlearnleak.machine import seeds
from unlearnleak.pipeline import models
from unlearnleak.pipeline.candidates import Halves
from unlearnleak.pipeline.line import Line
from unlearnleak.training.augmentation import check_augmentation
from unlearnleak.training.finetuning import Phases
from unlearnleak.training.fit import check_single
from unlearnleak.training.optimization import Optimization


class Setting(Line):
    """The data and what is forgotten, as a plan says; looked at when first asked for."""

    # what is learnt

    @cached_property
    def phases(self) -> Phases:
        """The images of the pretraining and of the fine-tuning, on the device."""
        assert self.plan.finetuning is not None, "asked where there are two phases"
        return self.plan.finetuning.divide(
            self.plan.resident.train, seeds.generator(self.plan.seeds.data, "finetuning")
        )

    @property
    def pretraining(self) -> Splits:
        """The images on the device; to train on, those of the pretraining."""
        return replace(self.plan.resident, train=self.phases.pretraining)

    @property
    def learnt(self) -> Splits:
        """The images on the device; to train on, what the original learns and can be asked to forget."""
        return (
            self.plan.resident
            if self.plan.finetuning is None
            else replace(self.plan.resident, train=self.phases.tuning)
        )

    @property
    def learnt_counts(self) -> list[int]:
        """How many images of each class the original learns and can be asked to forget, known without an image."""
        counts: list[int] = self.artifact("data").meta["train"]
        return counts if self.plan.finetuning is None else self.plan.finetuning.counts(counts)

    # what is forgotten

    @property
    def truth_known(self) -> bool:
        """Whether it is said what was forgotten; of somebody else's model it need not be."""
        return bool(self.plan.forget_classes != UNKNOWN)

    @cached_property
    def requested_classes(self) -> tuple[int, ...]:
        """The classes that the config names or draws, also where the control then forgets none of them.

        None where nobody knows them.
        """
        if not self.truth_known:
            return ()
        generator = seeds.generator(self.plan.seeds.forget, "forget")
        return forget_classes(self.plan.forget_classes, self.facts.num_classes, generator)

    @property
    def forget_classes(self) -> tuple[int, ...]:
        """The classes to forget; none for the control, whatever the config names."""
        return self.requested_classes if self.plan.unlearner.forgets else ()

    @property
    def forget_set(self) -> ForgetSet:
        """What is to be forgotten: these classes, or samples of them."""
        return self.wanted(self.forget_classes)

    @property
    def partly(self) -> bool:
        """Whether the model may know the classes rightly after it forgot: it has learnt other samples of them."""
        return bool(self.forget_classes) and (self.forget_set.level == "sample" or self.plan.finetuning is not None)

    @cached_property
    def split(self) -> ForgetSplit:
        """What was learnt, divided into what is to be forgotten and what stays, on the device."""
        return self.split_of(self.forget_set)

    def split_of(self, forget: ForgetSet) -> ForgetSplit:
        """The same for any forget set."""
        return forget.split(self.learnt.train, seeds.generator(self.plan.seeds.forget, "forget samples"))

    def wanted(self, classes: Sequence[int]) -> ForgetSet:
        """As much of these classes as the config says."""
        return ForgetSet(classes=tuple(classes), share=self.plan.forget_share, rows=self.plan.forget_rows)

    def shadow_set(self, number: int) -> ForgetSet:
        """What a shadow model forgot: drawn by the attacker, who does not know how many classes the target forgot."""
        count, classes = self.plan.attack.threat.shadow_models, self.facts.num_classes
        forgotten_SK = shadow_plan(count, classes, seeds.generator(self.plan.seeds.attack, "shadow classes"))
        return ForgetSet(classes=tuple(forgotten_SK[number].nonzero()[:, 0].tolist()), share=self.plan.forget_share)

    # what an evaluation's shadow models learn

    @cached_property
    def halves(self) -> Halves:
        """Whose membership is in question, of a control too, and who learns which of them."""
        asked = self.split_of(self.wanted(self.requested_classes))
        return Halves(split=asked, test=self.plan.resident.test, seed=self.plan.seeds.original)

    def learnt_by(self, half: int | None) -> Splits:
        """The images on the device; to train on, what the original learns, or the shadow model of this number."""
        return self.learnt if half is None else replace(self.learnt, train=self.halves.training(half))

    def divided(self, forget: ForgetSet, half: int | None) -> ForgetSplit:
        """What is forgotten and what stays, of what the original learns or the shadow model of this number."""
        return self.split_of(forget) if half is None else self.halves.split_of(half, forgets=bool(forget.classes))

    def forgotten_samples(self, split: ForgetSplit) -> LabeledImages | None:
        """The forgotten samples where their accuracy says something beside the class's; else None."""
        return split.forget if self.partly and split.classes else None

    def check(self) -> None:
        """Hold the settings against the data's facts, before anything is trained.

        Raises:
            UserError: the classes, the unlearner's settings or the batches are not possible with these data.
        """
        plan, unlearner = self.plan, self.plan.unlearner
        assert self.requested_classes or not self.truth_known, "which are found out here"
        unlearner.check_classes(self.facts.num_classes)
        unlearner.check_forget(self.forget_set)
        plan.defense.check_classes(self.facts.num_classes)
        plan.attack.check_classes(self.facts.num_classes)
        plan.defense.check_counts(self.learnt_counts)
        plan.defense.check_forget(self.forget_set)
        for group, needs_head in {"unlearner": unlearner.needs_head, "defense": plan.defense.needs_head}.items():
            if needs_head:
                models.example(plan, self.facts).check_head(f"{group}={plan.names[group]}")
        for number in range(forget_nothing(plan.attack.threat.shadow_models), plan.attack.threat.shadow_models):
            unlearner.check_forget(self.shadow_set(number))
        asked = self.wanted(self.requested_classes)
        asked.check(self.learnt_counts)
        if plan.forget_rows is not None:
            asked.check_rows(self.learnt.train.labels)
        if unlearner.start == "file":
            return
        check_augmentation(plan.training.augmentation, self.facts.image_shape)
        trainings: dict[str, Optimization] = {"training": plan.training}
        own = unlearner.optimization(plan.last_training)
        if own and unlearner.start != "scratch" and not unlearner.freezes_statistics:
            trainings["unlearner"] = own
        if plan.finetuning is not None:
            trainings["finetuning"] = plan.finetuning
        for group, how in trainings.items():
            if how.epochs and how.batch_size == 1 and not how.freeze_statistics:
                batches = f"Batches of one ({group}.batch_size=1)"
                check_single(models.built(plan, self.facts, 0, "checked"), self.facts.image_shape, batches)
