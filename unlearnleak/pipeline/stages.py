"""The stages and what each key contains. Read this first.

    data -> original -> unlearned -> evidence -> verdict

Each stage is one artifact in the store, under a key made of everything that determines it and nothing else:

| stage     | key                                                                                            |
|-----------|------------------------------------------------------------------------------------------------|
| data      | the data set's settings, class version and content (never where it lies), seeds.data; content is |
|           | the digest of the file that is loaded, and nothing for the official files of a downloaded set    |
| original  | data, model, training, whether a ledger is kept, seeds.original                                  |
| unlearned | unlearner, forgotten classes, seeds.unlearning, and original; for retraining data, model, training |
| evidence  | attack, seeds.attack, unlearned                                                                  |
| verdict   | screening, evidence                                                                              |

So one original serves all unlearners, one unlearned model all attacks, one evidence all screenings, and running a
command again resumes it. Each stage draws from its own generators: what comes after a hit is the same as after a miss.
"""

import gc
import logging
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

import unlearnleak
from unlearnleak.adversary.access import accessible
from unlearnleak.config.variables import recorded_variables
from unlearnleak.data import ForgetSplit, forget_classes
from unlearnleak.machine import seeds
from unlearnleak.machine.device import count_memory_anew, peak_memory
from unlearnleak.model.base import LitClassifier
from unlearnleak.pipeline.packing import pack, pack_verdict, unpack
from unlearnleak.pipeline.plan import Plan
from unlearnleak.store import Artifact, Contents, key_of
from unlearnleak.training.checkpoint import FOLDER, Checkpoints
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import check_finite, check_single, evaluate, fit

log = logging.getLogger(__name__)


class Pipeline:
    """The stages of one plan, each computed or found when first asked for; `artifacts` holds those so far.

    Where another process computes a stage already, it is waited for; with `wait` false, `store.Busy` is raised instead.
    """

    def __init__(self, plan: Plan, *, wait: bool = True) -> None:
        self.plan, self.wait = plan, wait
        self.artifacts: dict[str, Artifact] = {}
        self.payloads: dict[str, dict[str, Any]] = {}
        self.trainings: dict[str, list[Checkpoints]] = {}

    def payload(self, stage: str) -> dict[str, Any]:
        """What determines a stage; made once, since the data set's fingerprint may read a whole file."""
        if stage not in self.payloads:
            self.payloads[stage] = getattr(self, f"{stage}_payload")()
        return self.payloads[stage]

    def key(self, stage: str) -> str:
        """The stage's key, found without computing or reading the stage itself."""
        return key_of(self.payload(stage))

    def stage(self, name: str, compute: Callable[[], Contents]) -> Artifact:
        """One stage's artifact, with what it took and what it was made with when it was computed.

        Seconds are the stage's own. `memory_mib` is the most that the process had held by then, earlier jobs of a sweep
        included; on a GPU `device_memory_mib` is the stage's own peak. `resumed_from_epoch` is there where a training
        was killed and went on; its seconds then count the epochs before, and the checkpoint is removed.
        """
        if name in self.artifacts:
            return self.artifacts[name]

        def measured() -> Contents:
            device = self.device_of(name)
            count_memory_anew(device)
            start = time.perf_counter()
            tensors, meta = compute()
            meta["seconds"] = time.perf_counter() - start
            meta["made_with"] = self.made_with(device)
            for training in self.trainings.get(name, []):
                if training.resumed_from_epoch:
                    meta["resumed_from_epoch"] = training.resumed_from_epoch
                    meta["seconds"] += training.seconds_before
            meta["memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            return Contents(tensors, meta | peak_memory(device))

        artifact = self.artifacts[name] = self.plan.store.get_or_compute(
            name, self.payload(name), measured, wait=self.wait
        )
        for training in self.trainings.get(name, []):
            training.discard()
        return artifact

    def device_of(self, stage: str) -> torch.device:
        """Where a stage is computed. The data's facts need no GPU: sweeps are planned where there is none."""
        return torch.device("cpu") if stage == "data" else self.plan.device

    def made_with(self, device: torch.device) -> dict[str, Any]:
        """What may change the last bits of an artifact and is in no key."""
        return {
            "unlearnleak": unlearnleak.__version__,
            "torch": torch.__version__,
            "device": device.type,
            "threads": torch.get_num_threads(),
        } | recorded_variables()

    def checkpoints(self, stage: str, part: str = "") -> Checkpoints | None:
        """Where the training of `stage` goes on if it is killed; None if it is to start over.

        Where a stage needs several trainings, `part` tells them apart.
        """
        seconds = self.plan.runtime.checkpoint_seconds
        if seconds is None:
            return None
        folder = self.plan.store.root / FOLDER / stage / f"{self.key(stage)}{part}"
        checkpoints = Checkpoints(folder=folder, seconds=seconds, made_with=self.made_with(self.plan.device))
        self.trainings.setdefault(stage, []).append(checkpoints)
        return checkpoints

    # data

    def data_payload(self) -> dict[str, Any]:
        """What determines the splits."""
        plan = self.plan
        return {"dataset": plan.spec["dataset"] | plan.dataset.fingerprint(), "seed": plan.seeds.data}

    def data(self) -> Artifact:
        """Facts about the splits, so that a job whose other stages are stored need not load an image.

        Raises:
            UserError: what lies there is no such data set, or its images are too small for the model.
        """

        def compute() -> Contents:
            splits = self.plan.splits
            facts = {
                "num_classes": splits.train.num_classes,
                "image_shape": splits.train.image_shape,
                "mean": splits.mean,
                "std": splits.std,
                "train": splits.train.class_counts().tolist(),
                "test": splits.test.class_counts().tolist(),
                "auxiliary": splits.auxiliary.class_counts().tolist(),
            }
            if self.plan.dataset.caution:
                facts["caution"] = self.plan.dataset.caution
            return Contents({}, facts)

        artifact = self.stage("data", compute)
        if caution := artifact.meta.get("caution"):
            warn_once(f"{self.plan.dataset.source}: {caution}")
        self.plan.check_images(tuple(artifact.meta["image_shape"]))
        return artifact

    def check(self) -> None:
        """Hold the settings against the data's facts, before anything is trained.

        Raises:
            UserError: the classes, the unlearner's settings or the batches are not possible with these data.
        """
        unlearner, facts = self.plan.unlearner, self.data().meta
        self.named_classes()
        unlearner.check_classes(facts["num_classes"])
        trainings = {"training": self.plan.training}
        if unlearner.start != "scratch" and not unlearner.freezes_statistics:
            trainings["unlearner"] = unlearner.optimization(self.plan.training)
        for group, how in trainings.items():
            if how.epochs and how.batch_size == 1:
                batches = f"Batches of one ({group}.batch_size=1)"
                check_single(self.built_model(0, "checked"), tuple(facts["image_shape"]), batches)

    def forgotten(self) -> tuple[int, ...]:
        """The classes to forget; none for the control, whatever the config names."""
        if not self.plan.unlearner.forgets:
            return ()
        return self.named_classes()

    def named_classes(self) -> tuple[int, ...]:
        """The classes that the config names or draws, also where the control then forgets none of them."""
        generator = seeds.generator(self.plan.seeds.forget, "forget")
        return forget_classes(self.plan.forget_classes, self.data().meta["num_classes"], generator)

    # original

    def original_payload(self) -> dict[str, Any]:
        """What determines the original model."""
        plan = self.plan
        return {
            "data": self.key("data"),
            "model": plan.spec["model"],
            "training": plan.spec["training"],
            "ledger": ClassLedger.version if plan.unlearner.needs_ledger else None,
            "seed": plan.seeds.original,
        }

    def fresh_model(self, seed: int, stage: str) -> LitClassifier:
        """The model with initial weights drawn from (seed, stage), on the device."""
        return self.built_model(seed, stage).to(self.plan.device)

    def built_model(self, seed: int, stage: str) -> LitClassifier:
        """The same in main memory."""
        facts = self.data().meta
        shape = {
            "image_shape": tuple(facts["image_shape"]),
            "num_classes": facts["num_classes"],
            "mean": tuple(facts["mean"]),
            "std": tuple(facts["std"]),
        }
        with seeds.isolated(seed, stage, "weights"):
            return self.plan.model_class(**self.plan.spec["model"]["settings"], **shape)

    def stored_model(self, artifact: Artifact) -> LitClassifier:
        """The model whose weights an artifact holds."""
        model = self.fresh_model(0, "loaded")
        weights = {name.removeprefix("model."): t for name, t in artifact.tensors.items() if name.startswith("model.")}
        model.load_state_dict(weights)
        return model.eval()

    def trained(self, model: LitClassifier, curve: list[Any], **more: Any) -> Contents:
        """What is kept of a trained model: weights, curve, and counts of right answers per class."""
        data = self.plan.resident
        check_finite(model, curve)
        meta: dict[str, Any] = {"curve": curve, **more}
        for part, images in (("train", data.train), ("test", data.test)):
            meta[f"correct_{part}"], meta[f"total_{part}"] = evaluate(model, images)
        return Contents({f"model.{name}": t.detach() for name, t in model.state_dict().items()}, meta)

    def original(self) -> Artifact:
        """The original model, trained on all of D; with AU also the ledger of every class."""
        plan = self.plan

        def compute() -> Contents:
            self.check()
            if not plan.unlearner.needs_ledger:
                return self.train_original(None)
            every = range(self.data().meta["num_classes"])
            size = plan.runtime.ledger_classes or len(every)
            if size >= len(every):
                ledger = ClassLedger(len(every))
                contents = self.train_original(ledger)
                contents.tensors["ledger_KP"] = ledger.ledger_KP
                return contents
            whole_KP = torch.empty(0)
            for start in every[::size]:
                contents, rows_kP = self.train_part(every[start : start + size], len(every))
                whole_KP = whole_KP if start else torch.empty(len(every), rows_kP.shape[1])
                whole_KP[start : start + size] = rows_kP
                del rows_kP
                gc.collect()  # a training's parts point at each other, and would stay until the next one has begun
            contents.tensors["ledger_KP"] = whole_KP
            return contents

        return self.stage("original", compute)

    def train_part(self, only: range, classes: int) -> tuple[Contents, Tensor]:
        """The original model, trained with the ledgers of some of its `classes` alone, and these."""
        ledger = ClassLedger(classes, only)
        contents = self.train_original(ledger, f"-{only[0]}-{only[-1]}")
        return contents, ledger.ledger_KP

    def train_original(self, ledger: ClassLedger | None, part: str = "") -> Contents:
        """One training on all of D, which ends in the same weights whatever ledger is kept."""
        plan, data = self.plan, self.plan.resident
        model = self.fresh_model(plan.seeds.original, "original")
        curve = fit(
            model,
            data.train,
            plan.training,
            test=data.test,
            generator=seeds.generator(plan.seeds.original, "original", "batches"),
            label="original model",
            callbacks=[ledger] if ledger else [],
            checkpoints=self.checkpoints("original", part),
        )
        return self.trained(model, curve)

    # unlearned

    def unlearned_payload(self) -> dict[str, Any]:
        """What determines the unlearned model. Retraining starts from scratch: no original in its key."""
        plan = self.plan
        parents: dict[str, Any] = {"original": self.key("original")}
        if plan.unlearner.start == "scratch":
            parents = {"data": self.key("data"), "model": plan.spec["model"], "training": plan.spec["training"]}
        return {
            "unlearner": plan.spec["unlearner"],
            "forget_classes": self.forgotten(),
            "seed": plan.seeds.unlearning,
            **parents,
        }

    def unlearned(self) -> Artifact:
        """The model after the unlearner."""
        plan = self.plan

        def compute() -> Contents:
            self.check()
            unlearner, data, original = plan.unlearner, plan.resident, self.original()
            optimization = replace(unlearner.optimization(plan.training), precision=plan.training.precision)
            if unlearner.start == "scratch":
                model = self.fresh_model(plan.seeds.unlearning, "unlearned")
            else:
                model = self.stored_model(original)
            curve: list[Any] = []
            if optimization.epochs:
                split = ForgetSplit.of(data.train, self.forgotten())
                generator = seeds.generator(plan.seeds.unlearning, "unlearned", "training set")
                training_set = unlearner.training_set(split, generator)
                ledger_KP = original.tensors.get("ledger_KP")
                unlearner.prepare(split, ledger_KP if ledger_KP is None else ledger_KP.to(plan.device))
                curve = fit(
                    model,
                    training_set,
                    optimization,
                    test=data.test,
                    generator=seeds.generator(plan.seeds.unlearning, "unlearned", "batches"),
                    label=f"unlearning ({plan.names['unlearner']})",
                    callbacks=[unlearner],
                    checkpoints=self.checkpoints("unlearned"),
                )
            return self.trained(model, curve, report=unlearner.report)

        return self.stage("unlearned", compute)

    # evidence

    def evidence_payload(self) -> dict[str, Any]:
        """What determines the evidence."""
        plan = self.plan
        return {"attack": plan.spec["attack"], "seed": plan.seeds.attack, "unlearned": self.key("unlearned")}

    def evidence(self) -> Artifact:
        """What the attack collected. It is handed its access object, auxiliary data if it may, and a generator."""
        plan = self.plan

        def compute() -> Contents:
            target = accessible(plan.attack.access, self.stored_model(self.unlearned()))
            auxiliary = plan.resident.auxiliary if plan.attack.needs_auxiliary else None
            evidence = plan.attack(target, auxiliary, seeds.generator(plan.seeds.attack, "evidence"))
            return pack(evidence)

        return self.stage("evidence", compute)

    # verdict

    def verdict_payload(self) -> dict[str, Any]:
        """What determines the verdict."""
        return {"screening": self.plan.spec["screening"], "evidence": self.key("evidence")}

    def verdict(self) -> Artifact:
        """What the screening made of the evidence: forgotten_K and score_K."""

        def compute() -> Contents:
            return pack_verdict(self.plan.screening(unpack(self.evidence())))

        return self.stage("verdict", compute)


@cache
def warn_once(text: str) -> None:
    """Log a warning, once in a process."""
    log.warning("%s", text)
