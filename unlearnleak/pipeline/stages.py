"""What is computed from what. Read this first: from top to bottom one experiment, and the only list of its stages.

    data --> original --> unlearned --> [defended] --> evidence --> [verdict]
     |          |             | or                       ^   ^
     +----------|---------> imported (a file)            |   |
                +---- for attacks that see both models --+   |
    shadow models: original --> unlearned, of other seeds ---+   for attacks that ask for some
    what is attacked, retrained models,                          by who knows the truth; no verdict is made of it
    and shadow models that learnt other halves --> [evaluation]

With a fine-tuning stage: data --> pretrained --> original, and retraining starts from the pretrained model, which some
attacks see as well.

A stage is stored under a key made of everything that determines it and nothing else: what `describe` says, and the keys
of what it is made from. So one original serves all unlearners, one unlearned model all attacks, one evidence all
screenings, and running a command again resumes it. Each stage draws from its own generators: what comes after a stage
that was found is the same as after one that was computed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import pytorch_lightning as pl

from unlearnleak.adversary.shadow import forget_nothing
from unlearnleak.adversary.threat import Access
from unlearnleak.adversary.view import view_of
from unlearnleak.config.schema import SEED_LIMIT
from unlearnleak.data import ForgetSet
from unlearnleak.data.split import SPLIT_VERSION
from unlearnleak.evaluation.base.subject import Shadow
from unlearnleak.machine import seeds
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import undefended
from unlearnleak.pipeline import models
from unlearnleak.pipeline.candidates import VERSION as HALVES_VERSION
from unlearnleak.pipeline.engine import Engine
from unlearnleak.pipeline.graph import Stage, Work
from unlearnleak.pipeline.packing import check_evidence, on_all_classes, pack, pack_verdict, unpack
from unlearnleak.pipeline.plan import Plan
from unlearnleak.pipeline.sight import Sight
from unlearnleak.pipeline.subject import seen, subject_of
from unlearnleak.store import Contents
from unlearnleak.training.class_recorder import ClassUpdates
from unlearnleak.training.fit import fit
from unlearnleak.training.recorder import handed_over, record
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import Role, Unlearner
from unlearnleak.unlearner.rt import Retrain

TUNED = ("model", "finetuning")
"""What determines a model that is made from a pretrained one."""


class Method(NamedTuple):
    """How a model is unlearned: the word on the command line, the unlearner, and what a key knows of it."""

    name: str
    unlearner: Unlearner
    spec: Mapping[str, Any]


RETRAINING = Method(
    "rt", Retrain(), {"target": f"{Retrain.__module__}.Retrain", "version": Retrain.version, "settings": {}}
)
"""What the shadow models of a control are made by."""
REFERENCE = "reference_"
"""What the roles of models begin with that an evaluation holds the target against; a number follows."""


class Pipeline(Sight):
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
            after = self.unlearned(original, plan.seeds.unlearning, self.target_set, self.own_method)
        assert after is not None, "unlearner.check has seen to it"
        target = self.defended(after, plan.seeds.unlearning, self.target_set) if plan.defense.active else after
        shadows = [self.shadow(data, number) for number in range(plan.attack.threat.shadow_models)]
        pretrained = original.parents.get("pretrained") if original else None
        evidence = self.evidence(target, original, shadows, pretrained)
        verdict = self.verdict(evidence) if plan.screening.judges else None
        evaluation = self.evaluation(data, target, original) if original and plan.evaluation.active else None
        line = (data, pretrained, original, after, target, evaluation, evidence, verdict)
        self.stages: dict[str, Stage] = {stage.name: stage for stage in line if stage is not None}
        self.after, self.attacked = after.name, target.name

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
            return plan.images_spec()

        return Stage("data", describe, {}, compute, cpu=True)

    def pretrained(self, data: Stage, seed: int) -> Stage:
        """The model before the fine-tuning, where there is one: trained on all images but those that it is tuned on."""
        plan = self.plan

        def compute(work: Work) -> Contents:
            self.check()
            model = models.built(plan, self.facts, seed, "original").to(plan.device)
            curve = fit(
                model,
                self.pretraining.train,
                plan.training,
                test=plan.resident.test,
                generator=seeds.generator(seed, "original", "batches"),
                label="pretrained model",
                checkpoints=work.checkpoints(),
            )
            return models.kept(model, self.pretraining, curve)

        def describe() -> dict[str, Any]:
            own = {"model": plan.spec["model"], "training": plan.spec["training"], "seed": seed}
            return own | {"finetuning_samples": plan.spec["finetuning"]["samples"], "split_version": SPLIT_VERSION}

        return Stage("pretrained", describe, {"data": data}, compute)

    def original(self, data: Stage, seed: int, half: int | None = None) -> Stage:
        """The original model: trained on all of D, or pretrained and then tuned on what can be forgotten.

        With it what its unlearner needs recorded of that. An evaluation's shadow models learn a `half` of the
        candidates in the place of D_f, and are tuned from the pretrained model of the target.
        """
        plan = self.plan
        first = seed if half is None else plan.seeds.original
        before = {"data": data} if plan.finetuning is None else {"pretrained": self.pretrained(data, first)}

        def compute(work: Work) -> Contents:
            self.check()

            def train(recording: list[pl.Callback], part: str) -> Contents:
                """One training, which ends in the same weights whatever is recorded."""
                model = self.beginning(work, seed, "original")
                curve = fit(
                    model,
                    self.learnt_by(half).train,
                    plan.last_training,
                    test=plan.resident.test,
                    generator=seeds.generator(seed, "original", "batches" if "data" in before else "tuning"),
                    label="original model",
                    callbacks=recording,
                    checkpoints=work.checkpoints(part),
                )
                return models.kept(model, self.learnt_by(half), curve)

            contents, records = record(plan.unlearner.recorders(), self.facts.num_classes, train)
            contents.tensors.update(records)
            return contents

        def describe() -> dict[str, Any]:
            needs = {recorder.name: recorder.version for recorder in plan.unlearner.recorders()}
            ledger = needs.pop(ClassUpdates.name, None)  # keys are older than other recorders
            own = {"ledger": ledger, "seed": seed} | ({"records": needs} if needs else {}) | self.half_told(half)
            if ledger is not None and plan.last_training.freeze_statistics:
                own["frozen_statistics"] = 1  # ledgers once left such layers out
            return own | {name: plan.spec[name] for name in (("model", "training") if "data" in before else TUNED)}

        return Stage("original", describe, before, compute, several="originals")

    def beginning(self, work: Work, seed: int, stage: str) -> Classifier:
        """What a training from scratch begins with: initial weights, or the pretrained model."""
        if self.plan.finetuning is not None:
            return models.stored(self.plan, self.facts, work["pretrained"], self.plan.device)
        return models.built(self.plan, self.facts, seed, stage).to(self.plan.device)

    def half_told(self, half: int | None) -> dict[str, Any]:
        """What a key knows of the samples that an evaluation's shadow model learns; nothing for all other models."""
        if half is None:
            return {}
        asked = self.requested_set().describe(self.plan.seeds.forget)
        versions = {"version": HALVES_VERSION, "split_version": SPLIT_VERSION}
        return {"half": {"number": half, "of": asked, "seed": self.plan.seeds.original} | versions}

    def unlearned(
        self, original: Stage, seed: int, forget: Callable[[], ForgetSet], by: Method, half: int | None = None
    ) -> Stage:
        """The model after an unlearner: the target, or a shadow model, which forgot something else.

        Retraining starts from scratch: it is made from what the original is made from, not from the original.
        """
        plan, unlearner, scratch = self.plan, by.unlearner, by.unlearner.start == "scratch"
        before = original.parents if scratch else {"original": original}

        def compute(work: Work) -> Contents:
            self.check()
            kept = {} if scratch else work["original"].tensors
            task = Task(
                original=None if scratch else models.stored(plan, self.facts, work["original"], plan.device),
                fresh=lambda: self.beginning(work, seed, "unlearned"),
                split=self.divided(forget(), half),
                test=plan.resident.test,
                training=plan.last_training,
                generator=partial(seeds.generator, seed, "unlearned"),
                records=handed_over(unlearner.recorders(), kept, lambda tensor: tensor.to(plan.device)),
                label=f"unlearning ({by.name})",
                checkpoints=work.checkpoints,
            )
            model = unlearner.unlearn(task)
            models.check(plan, self.facts, model, f"unlearner={by.name}")
            forgotten = self.forgotten_samples(task.split)
            return models.kept(model, self.learnt_by(half), task.curve, forgotten, report=unlearner.report)

        def describe() -> dict[str, Any]:
            own = {"unlearner": by.spec, "forget_classes": forget().describe(plan.seeds.forget), "seed": seed}
            own |= self.half_told(half)
            trained = ("model", "training") if "data" in before else TUNED if "pretrained" in before else ()
            return own | {name: plan.spec[name] for name in trained}

        return Stage("unlearned", describe, before, compute)

    def imported(self, data: Stage, role: Role) -> Stage | None:
        """Somebody else's model in a role, from a file; None where there is no file for it."""
        plan, file = self.plan, self.plan.unlearner.file_of(role)
        if file is None:
            return None

        def compute(work: Work) -> Contents:
            model = models.built(plan, self.facts, 0, "imported")
            file.load_into(model)
            return models.kept(model.to(plan.device).eval(), plan.resident, [], report={})

        def describe() -> dict[str, Any]:
            return {"model": plan.unlearner.architecture or plan.spec["model"], "weights": file.sha256}

        return Stage("imported" if role == "unlearned" else "original", describe, {"data": data}, compute)

    def defended(self, unlearned: Stage, seed: int, forget: Callable[[], ForgetSet], half: int | None = None) -> Stage:
        """A model after a defence: what is shipped and attacked, or a shadow model of who knows the defence."""
        plan = self.plan

        def compute(work: Work) -> Contents:
            model = models.stored(plan, self.facts, work[unlearned.name], plan.device)
            split = self.divided(forget(), half)
            model = plan.defense(model, split, seeds.generator(seed, "defended"))
            models.check(plan, self.facts, model, f"defense={plan.names['defense']}")
            forgotten, answering = self.forgotten_samples(split), self.answering(seed, "defended answers")
            return models.kept(model, self.learnt_by(half), [], forgotten, answering)

        def describe() -> dict[str, Any]:
            own = {"defense": plan.spec["defense"], "seed": seed}
            if plan.unlearner.start == "file":  # whose key does not say what is forgotten, as a defense is told
                own["forget_classes"] = forget().describe(plan.seeds.forget)
            return own

        return Stage("defended", describe, {unlearned.name: unlearned}, compute)

    def shadow(self, data: Stage, number: int) -> Stage:
        """A model that the attacker trains and unlearns alone, as the target was, on the same images with other seeds.

        An ordinary stage: of the same seed and classes it is another run's model, and sweeps share it. Of the control,
        which was not unlearned, shadow models are retrained. Who knows the defence defends them as well.
        """
        seed = seeds.derive(self.plan.seeds.attack, "shadow", str(number)) % SEED_LIMIT
        original = self.original(data, seed)
        forget = partial(self.shadow_set, number)
        if number < forget_nothing(self.plan.attack.threat.shadow_models):
            made = original
        else:
            made = self.unlearned(
                original, seed, forget, self.own_method if self.plan.unlearner.forgets else RETRAINING
            )
        return self.defended(made, seed, forget) if self.shadows_defended else made

    def evidence(
        self, target: Stage, original: Stage | None, shadows: Sequence[Stage] = (), pretrained: Stage | None = None
    ) -> Stage:
        """What the attack collected. It is handed what its threat model grants, and a generator."""
        plan, threat = self.plan, self.plan.attack.threat
        granted = {"original": (threat.original, original), "pretrained": (threat.pretrained, pretrained)}
        before = {
            role: stage for role, (access, stage) in granted.items() if access is not Access.NONE and stage is not None
        }
        made = {f"shadow_{number}": stage for number, stage in enumerate(shadows)}

        def compute(work: Work) -> Contents:
            seen, told = self.seen_by(self.candidates)
            self.check_held()
            view = view_of(
                threat,
                target=seen(models.stored(plan, self.facts, work[target.name], plan.device)),
                original=models.stored(plan, self.facts, work["original"], plan.device)
                if "original" in before
                else None,
                pretrained=self.pretrained_seen(work["pretrained"]) if "pretrained" in before else None,
                auxiliary=self.shown if threat.auxiliary else None,
                answering=told(self.answering(plan.seeds.unlearning, "answers")),
                shadows_answering=told(self.answering(plan.seeds.attack, "answers"))
                if self.shadows_defended
                else undefended,
                shadows=[
                    (seen(models.stored(plan, self.facts, work[role], plan.device)), self.shadow_places(number))
                    for number, role in enumerate(made)
                ],
                known_as=self.known_as(work[target.name]),
            )
            found = plan.attack(view, seeds.generator(plan.seeds.attack, "evidence"))
            judged = self.facts.num_classes if self.candidates is None else len(self.candidates)
            check_evidence(found, plan.attack.evidence, judged, f"attack={plan.names['attack']}")
            contents = pack(found)
            if self.candidates is not None:
                contents.meta["candidates"] = list(self.candidates)
            return contents

        def describe() -> dict[str, Any]:
            own = {"attack": plan.spec["attack"], "seed": plan.seeds.attack}
            own |= plan.attack.beyond_settings(self.facts.num_classes, self.facts.image_shape)
            if plan.auxiliary.usual or not threat.auxiliary:
                return own
            return own | {"auxiliary": plan.auxiliary.described(self.requested_classes, self.facts.num_classes)}

        return Stage("evidence", describe, {target.name: target} | before | made, compute)

    def verdict(self, evidence: Stage) -> Stage:
        """What the screening made of the evidence: forgotten_K and score_K."""
        plan = self.plan

        def compute(work: Work) -> Contents:
            found = work["evidence"]
            verdict = plan.screening(unpack(found, plan.attack.evidence))
            return pack_verdict(on_all_classes(verdict, found.meta.get("candidates"), self.facts.num_classes))

        def describe() -> dict[str, Any]:
            return {"screening": plan.spec["screening"]} | plan.screening.beyond_settings(
                self.facts.num_classes, self.facts.image_shape
            )

        return Stage("verdict", describe, {"evidence": evidence}, compute, several="verdicts")

    def reference(self, original: Stage, number: int) -> Stage:
        """A model retrained without what was to be forgotten, of a seed that whatever is done to the original shares.

        Of a control it is what would have been forgotten.
        """
        seed = seeds.derive(self.plan.seeds.original, "reference", str(number)) % SEED_LIMIT
        return self.unlearned(original, seed, self.requested_set, RETRAINING)

    def half_seed(self, number: int) -> int:
        """Of the weights and batches of an evaluation's shadow model."""
        return seeds.derive(self.plan.seeds.original, "half", str(number)) % SEED_LIMIT

    def half(self, data: Stage, number: int) -> dict[str, Stage]:
        """An evaluation's shadow model by its roles: after all that was done to the target, and before where it counts.

        It learnt a half of the candidates and forgot it, by the target's method and behind its defence.
        """
        seed, plan = self.half_seed(number), self.plan
        before = self.original(data, seed, number)
        after = self.unlearned(before, seed, self.target_set, self.own_method, number)
        if plan.defense.active:
            after = self.defended(after, seed, self.target_set, number)
        return {f"half_{number}": after} | ({f"half_{number}_before": before} if plan.evaluation.sees_before else {})

    def evaluation(self, data: Stage, target: Stage, original: Stage) -> Stage:
        """What somebody measures who knows the truth. It draws by the original's seed, whatever the attacker's is."""
        plan, seed = self.plan, self.plan.seeds.original
        before = {"original": original} if plan.evaluation.sees_before else {}
        references = {f"{REFERENCE}{n}": self.reference(original, n) for n in range(plan.evaluation.references)}
        halves = [self.half(data, number) for number in range(plan.evaluation.shadows)]

        def shadows(work: Work) -> Iterator[Shadow]:
            for number, roles in enumerate(halves):
                answering = self.answering(self.half_seed(number), "defended answers")
                found = [seen(self, work[role], how) for role, how in zip(roles, (answering, undefended), strict=False)]
                yield Shadow(found[0], self.halves.learnt(number), found[1] if len(found) > 1 else None)

        def compute(work: Work) -> Contents:
            self.check()
            answering = self.answering(plan.seeds.unlearning, "defended answers")
            subject = subject_of(
                self,
                target=seen(self, work[target.name], answering),
                original=seen(self, work["original"]) if before else None,
                references=[seen(self, work[role]) for role in references],
                shadows=partial(shadows, work),
            )
            found = plan.evaluation(subject)
            return Contents(dict(found.tensors), {"found": dict(found.numbers)})

        def describe() -> dict[str, Any]:
            forget = self.requested_set().describe(plan.seeds.forget)
            return {"evaluation": plan.spec["evaluation"], "forget_classes": forget, "seed": seed}

        parents = {target.name: target} | before | references
        parents |= {role: stage for roles in halves for role, stage in roles.items()}
        return Stage("evaluation", describe, parents, compute, several="evaluations")

    def target_set(self) -> ForgetSet:
        """What the target forgot; a function, as stages are described when their keys are asked for."""
        return self.forget_set

    def requested_set(self) -> ForgetSet:
        """The same, also where the target is a control, which forgot nothing of it."""
        return self.wanted(self.requested_classes)

    @property
    def own_method(self) -> Method:
        """The plan's unlearner."""
        return Method(self.plan.names["unlearner"], self.plan.unlearner, self.plan.spec["unlearner"])
