"""What is computed from what. Read this first: from top to bottom one experiment, and the only list of its stages.

    data --> original --> unlearned --> [defended] --> evidence --> verdict
     |          |             | or                       ^   ^
     +----------|---------> imported (a file)            |   |
                +---- for attacks that see both models --+   |
    shadow models: original --> unlearned, of other seeds ---+   for attacks that ask for some

A stage is stored under a key made of everything that determines it and nothing else: what `describe` says, and the keys
of what it is made from. So one original serves all unlearners, one unlearned model all attacks, one evidence all
screenings, and running a command again resumes it. Each stage draws from its own generators: what comes after a stage
that was found is the same as after one that was computed.
"""

import logging
from collections.abc import Sequence
from functools import cache, cached_property, partial
from typing import Any, Literal

import pytorch_lightning as pl

from unlearnleak.adversary.shadow import forget_nothing, shadow_plan
from unlearnleak.adversary.threat import Access
from unlearnleak.adversary.view import view_of
from unlearnleak.config.schema import SEED_LIMIT
from unlearnleak.data import ForgetSet, ForgetSplit, forget_classes
from unlearnleak.errors import Incompatible
from unlearnleak.machine import seeds
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering
from unlearnleak.pipeline import models
from unlearnleak.pipeline.engine import Engine
from unlearnleak.pipeline.graph import Stage, Work, with_ancestors
from unlearnleak.pipeline.packing import check_evidence, pack, pack_verdict, unpack
from unlearnleak.pipeline.plan import Facts, Plan
from unlearnleak.store import Artifact, Contents
from unlearnleak.training.class_recorder import ClassUpdates
from unlearnleak.training.fit import check_single, fit
from unlearnleak.training.recorder import handed_over, record
from unlearnleak.training.task import Task

log = logging.getLogger(__name__)


class Pipeline:
    """One experiment: its stages by name, in their order, and their artifacts, found or computed when asked for.

    Where another process computes a stage already, it is waited for; with `wait` false, `store.Busy` is raised instead.
    """

    def __init__(self, plan: Plan, *, wait: bool = True) -> None:
        self.plan, self.engine = plan, Engine(plan, wait=wait)
        data = self.data()
        if plan.unlearner.start == "file":
            original, after = self.imported(data, "original"), self.imported(data, "unlearned")
        else:
            original = self.original(data, plan.seeds.original)
            after = self.unlearned(data, original, plan.seeds.unlearning)
        assert after is not None, "unlearner.check has seen to it"
        target = self.defended(after) if plan.defense.active else after
        shadows = [self.shadow(data, number) for number in range(plan.attack.threat.shadow_models)]
        evidence = self.evidence(target, original, shadows)
        line = (data, original, after, target, evidence, self.verdict(evidence))
        self.stages: dict[str, Stage] = {stage.name: stage for stage in line if stage is not None}
        self.after, self.attacked = after.name, target.name
        """The names of the stages whose model is after unlearning, and whose is attacked."""

    # the stages

    def data(self) -> Stage:
        """Facts about the splits, so that a job whose other stages are stored need not load an image.

        Its key holds the data set's settings, class version and content, never where it lies.
        """
        plan = self.plan

        def compute(work: Work) -> Contents:
            splits = plan.splits
            facts = {
                "num_classes": splits.train.num_classes,
                "image_shape": splits.train.image_shape,
                "mean": splits.mean,
                "std": splits.std,
                "train": splits.train.class_counts().tolist(),
                "test": splits.test.class_counts().tolist(),
                "auxiliary": splits.auxiliary.class_counts().tolist(),
            }
            if plan.dataset.caution:
                facts["caution"] = plan.dataset.caution
            return Contents({}, facts)

        def describe() -> dict[str, Any]:
            return {"dataset": plan.spec["dataset"] | plan.dataset.fingerprint(), "seed": plan.seeds.data}

        return Stage("data", describe, {}, compute, cpu=True)

    def original(self, data: Stage, seed: int) -> Stage:
        """The original model, trained on all of D; with it what its unlearner needs recorded."""
        plan = self.plan

        def compute(work: Work) -> Contents:
            self.check()

            def train(recording: list[pl.Callback], part: str) -> Contents:
                """One training on all of D, which ends in the same weights whatever is recorded."""
                model = models.built(plan, self.facts, seed, "original").to(plan.device)
                curve = fit(
                    model,
                    plan.resident.train,
                    plan.training,
                    test=plan.resident.test,
                    generator=seeds.generator(seed, "original", "batches"),
                    label="original model",
                    callbacks=recording,
                    checkpoints=work.checkpoints(part),
                )
                return models.kept(model, plan.resident, curve)

            contents, records = record(plan.unlearner.recorders(), self.facts.num_classes, train)
            contents.tensors.update(records)
            return contents

        def describe() -> dict[str, Any]:
            needs = {recorder.name: recorder.version for recorder in plan.unlearner.recorders()}
            ledger = needs.pop(ClassUpdates.name, None)  # keys are older than other recorders
            own = {"model": plan.spec["model"], "training": plan.spec["training"], "ledger": ledger, "seed": seed}
            return own | ({"records": needs} if needs else {})

        return Stage("original", describe, {"data": data}, compute, several="originals")

    def unlearned(self, data: Stage, original: Stage, seed: int, shadow: int | None = None) -> Stage:
        """The model after the unlearner, or a `shadow` model, which forgot other classes.

        Retraining starts from scratch: it is made from the data, not the original.
        """
        plan, scratch = self.plan, self.plan.unlearner.start == "scratch"

        def compute(work: Work) -> Contents:
            self.check()
            unlearner = plan.unlearner
            kept = {} if scratch else work["original"].tensors
            task = Task(
                original=None if scratch else models.stored(plan, self.facts, work["original"], plan.device),
                fresh=lambda: models.built(plan, self.facts, seed, "unlearned").to(plan.device),
                split=self.split_of(forget()),
                test=plan.resident.test,
                training=plan.training,
                generator=partial(seeds.generator, seed, "unlearned"),
                records=handed_over(unlearner.recorders(), kept, lambda tensor: tensor.to(plan.device)),
                label=f"unlearning ({plan.names['unlearner']})",
                checkpoints=work.checkpoints,
            )
            model = unlearner.unlearn(task)
            models.check(plan, self.facts, model, f"unlearner={plan.names['unlearner']}")
            return models.kept(model, plan.resident, task.curve, task.split, report=unlearner.report)

        def forget() -> ForgetSet:
            return self.forget_set if shadow is None else self.shadow_set(shadow)

        def describe() -> dict[str, Any]:
            own = {
                "unlearner": plan.spec["unlearner"],
                "forget_classes": forget().describe(plan.seeds.forget),
                "seed": seed,
            }
            return own | ({name: plan.spec[name] for name in ("model", "training")} if scratch else {})

        return Stage("unlearned", describe, {"data": data} if scratch else {"original": original}, compute)

    def imported(self, data: Stage, role: Literal["unlearned", "original"]) -> Stage | None:
        """Somebody else's model in a role, from a file; None where there is no file for it."""
        plan, file = self.plan, self.plan.unlearner.file_of(role)
        if file is None:
            return None

        def compute(work: Work) -> Contents:
            model = models.built(plan, self.facts, 0, "imported")
            file.load_into(model)
            return models.kept(model.to(plan.device).eval(), plan.resident, [], report={})

        def describe() -> dict[str, Any]:
            return {"model": plan.spec["model"], "weights": file.sha256}

        return Stage("imported" if role == "unlearned" else "original", describe, {"data": data}, compute)

    def defended(self, unlearned: Stage) -> Stage:
        """The unlearned model after a defence: what is shipped, and attacked."""
        plan = self.plan

        def compute(work: Work) -> Contents:
            model = models.stored(plan, self.facts, work[unlearned.name], plan.device)
            model = plan.defense(model, self.split, seeds.generator(plan.seeds.unlearning, "defended"))
            models.check(plan, self.facts, model, f"defense={plan.names['defense']}")
            return models.kept(model, plan.resident, [], self.split, self.answering("defended answers"))

        def describe() -> dict[str, Any]:
            own = {"defense": plan.spec["defense"], "seed": plan.seeds.unlearning}
            if plan.unlearner.start == "file":  # whose key does not say what is forgotten, as a defense is told
                own["forget_classes"] = self.forget_set.describe(plan.seeds.forget)
            return own

        return Stage("defended", describe, {unlearned.name: unlearned}, compute)

    def shadow(self, data: Stage, number: int) -> Stage:
        """A model that the attacker trains and unlearns alone, as the target was, on the same images with other seeds.

        An ordinary stage: of the same seed and classes it is another run's model, and sweeps share it.
        """
        seed = seeds.derive(self.plan.seeds.attack, "shadow", str(number)) % SEED_LIMIT
        original = self.original(data, seed)
        if number < forget_nothing(self.plan.attack.threat.shadow_models):
            return original
        return self.unlearned(data, original, seed, shadow=number)

    def shadow_set(self, number: int) -> ForgetSet:
        """What a shadow model forgot: drawn by the attacker, who does not know how many classes the target forgot."""
        count, classes = self.plan.attack.threat.shadow_models, self.facts.num_classes
        forgotten_SK = shadow_plan(count, classes, seeds.generator(self.plan.seeds.attack, "shadow classes"))
        return ForgetSet(classes=tuple(forgotten_SK[number].nonzero()[:, 0].tolist()))

    def evidence(self, target: Stage, original: Stage | None, shadows: Sequence[Stage] = ()) -> Stage:
        """What the attack collected. It is handed what its threat model grants, and a generator."""
        plan, threat = self.plan, self.plan.attack.threat
        before = {} if threat.original is Access.NONE or original is None else {"original": original}
        made = {f"shadow_{number}": stage for number, stage in enumerate(shadows)}

        def compute(work: Work) -> Contents:
            view = view_of(
                threat,
                target=models.stored(plan, self.facts, work[target.name], plan.device),
                original=models.stored(plan, self.facts, work["original"], plan.device) if before else None,
                auxiliary=plan.resident.auxiliary if threat.auxiliary else None,
                answering=self.answering("answers"),
                shadows=[
                    (models.stored(plan, self.facts, work[role], plan.device), self.shadow_set(number).classes)
                    for number, role in enumerate(made)
                ],
            )
            found = plan.attack(view, seeds.generator(plan.seeds.attack, "evidence"))
            check_evidence(found, plan.attack.evidence, self.facts.num_classes, f"attack={plan.names['attack']}")
            return pack(found)

        def describe() -> dict[str, Any]:
            return {"attack": plan.spec["attack"], "seed": plan.seeds.attack}

        return Stage("evidence", describe, {target.name: target} | before | made, compute)

    def verdict(self, evidence: Stage) -> Stage:
        """What the screening made of the evidence: forgotten_K and score_K."""
        plan = self.plan

        def compute(work: Work) -> Contents:
            return pack_verdict(plan.screening(unpack(work["evidence"], plan.attack.evidence)))

        def describe() -> dict[str, Any]:
            return {"screening": plan.spec["screening"]}

        return Stage("verdict", describe, {"evidence": evidence}, compute, several="verdicts")

    def answering(self, *label: str) -> Answering:
        """What the attacked model answers, with the defence before it; random ones draw from (seed, label)."""
        return self.plan.defense.answering(seeds.generator(self.plan.seeds.unlearning, *label))

    # what is asked of them

    def artifact(self, name: str) -> Artifact:
        """The artifact of the stage of this name."""
        artifact = self.engine.artifact(self.stages[name])
        if name == "data":
            if caution := artifact.meta.get("caution"):
                warn_once(f"{self.plan.dataset.source}: {caution}")
            self.plan.check_images(tuple(artifact.meta["image_shape"]))
        return artifact

    def model(self, name: str) -> Classifier:
        """The model that the stage of this name ends with, on the device and in evaluation mode."""
        return models.stored(self.plan, self.facts, self.artifact(name), self.plan.device)

    def key(self, name: str) -> str:
        """The key of the stage of this name, found without computing any but the data's facts."""
        return self.stages[name].key

    @cached_property
    def last(self) -> Stage:
        """The stage that the job is to stop at.

        Raises:
            Incompatible: `until` names none that this job has, such as `defended` without a defense.
        """
        name, _, key = self.plan.until.partition("/")
        if not key and name in self.stages:
            return self.stages[name]
        for stage in with_ancestors(self.stages.values()):
            if (stage.name, stage.key) == (name, key):
                return stage
        raise Incompatible(f"until={self.plan.until} is not possible: one of {', '.join(self.stages)}.")

    @property
    def whole(self) -> bool:
        """Whether the job goes on to its result, and does not stop at an earlier stage."""
        return self.last is [*self.stages.values()][-1]

    @property
    def needed(self) -> list[Stage]:
        """Every stage that the job needs, each after those that it is made from: for a result all there are."""
        return with_ancestors(self.stages.values() if self.whole else [self.last])

    @property
    def judged(self) -> list[Stage]:
        """What a result is of: the models that it compares, and the verdict."""
        names = dict.fromkeys(("original", self.after, self.attacked, "verdict"))
        return [self.stages[name] for name in names if name in self.stages]

    # the data and what is forgotten

    @cached_property
    def facts(self) -> Facts:
        """What a model is told of the data, which are looked at for that.

        Raises:
            UserError: what lies there is no such data set, or its images are too small for the model.
        """
        return Facts.of(self.artifact("data").meta)

    @cached_property
    def requested_classes(self) -> tuple[int, ...]:
        """The classes that the config names or draws, also where the control then forgets none of them."""
        generator = seeds.generator(self.plan.seeds.forget, "forget")
        return forget_classes(self.plan.forget_classes, self.facts.num_classes, generator)

    @property
    def forget_classes(self) -> tuple[int, ...]:
        """The classes to forget; none for the control, whatever the config names."""
        return self.requested_classes if self.plan.unlearner.forgets else ()

    @property
    def forget_set(self) -> ForgetSet:
        """What is to be forgotten: these classes, or samples of them."""
        plan = self.plan
        return ForgetSet(classes=self.forget_classes, share=plan.forget_share, rows=plan.forget_rows)

    @cached_property
    def split(self) -> ForgetSplit:
        """The training images on the device, divided into what is to be forgotten and what stays."""
        return self.split_of(self.forget_set)

    def split_of(self, forget: ForgetSet) -> ForgetSplit:
        """The same for any forget set."""
        return forget.split(self.plan.resident.train, seeds.generator(self.plan.seeds.forget, "forget samples"))

    def check(self) -> None:
        """Hold the settings against the data's facts, before anything is trained.

        Raises:
            UserError: the classes, the unlearner's settings or the batches are not possible with these data.
        """
        plan, unlearner = self.plan, self.plan.unlearner
        assert self.requested_classes, "which are found out here"
        unlearner.check_classes(self.facts.num_classes)
        unlearner.check_forget(self.forget_set)
        for number in range(forget_nothing(plan.attack.threat.shadow_models), plan.attack.threat.shadow_models):
            unlearner.check_forget(self.shadow_set(number))
        asked = ForgetSet(classes=self.requested_classes, share=plan.forget_share, rows=plan.forget_rows)
        asked.check(self.artifact("data").meta["train"])
        if plan.forget_rows is not None:
            asked.check_rows(plan.splits.train.labels)
        if unlearner.start == "file":
            return
        trainings = {"training": plan.training}
        own = unlearner.optimization(plan.training)
        if own and unlearner.start != "scratch" and not unlearner.freezes_statistics:
            trainings["unlearner"] = own
        for group, how in trainings.items():
            if how.epochs and how.batch_size == 1:
                batches = f"Batches of one ({group}.batch_size=1)"
                check_single(models.built(plan, self.facts, 0, "checked"), self.facts.image_shape, batches)


@cache
def warn_once(text: str) -> None:
    """Log a warning, once in a process."""
    log.warning("%s", text)
