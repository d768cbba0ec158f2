"""Everything that a run reports: the one place where the verdict meets the truth."""

from collections.abc import Callable
from typing import Any

import numpy as np

from unlearnleak.adversary.evidence import Changes, Evidence, HeadMeasurements, Predictions, Reconstructions
from unlearnleak.config.schema import Gate
from unlearnleak.data import LabeledImages
from unlearnleak.metric import published
from unlearnleak.metric.accuracy import forget_accuracy, retain_accuracy
from unlearnleak.metric.detection import detection_score
from unlearnleak.metric.reconstruction import Pictures, reconstruction_metrics
from unlearnleak.metric.verdict import VERDICT_METRICS, asr, verdict_metrics
from unlearnleak.pipeline.packing import unpack, unpack_verdict
from unlearnleak.pipeline.stages import REFERENCE, Pipeline
from unlearnleak.screening.base import Screening
from unlearnleak.store import Artifact
from unlearnleak.training.predict import evaluate

VERSION = 3
"""Raise it when the same artifacts give other numbers than before: finished runs are then evaluated anew."""

PROTOCOLS: dict[str, Callable[..., float | None]] = {
    "youden": published.youden,
    "kmeans": published.kmeans,
    "decision_tree": published.decision_tree,
}
"""As-published protocols by the word in a screening's `published`."""

PUBLISHED = ("asr_published", "asr_published_placebo")


def published_asr(screening: Screening, evidence: Evidence, truth_K: np.ndarray, seed: int) -> float | None:
    """The paper's kind of figure from the same evidence; None where its protocol is not defined.

    For parameter attacks the separability of labelled heads (`metric.published`), for inversion attacks eq. 12 on the
    verdict as the paper reads it off the prediction vectors (`Screening.as_published`). For attacks that see the model
    before too, whose authors are Hu et al., the share of the forgotten classes that is named with their number given.
    """
    if isinstance(evidence, HeadMeasurements | Changes):
        return told_apart(screening, evidence, np.arange(len(truth_K)), truth_K, seed)
    if isinstance(evidence, Predictions) and (paper := screening.as_published()) is not None:
        return asr(paper(evidence).forgotten_K.numpy(), truth_K)
    return None


def told_apart(
    screening: Screening, evidence: HeadMeasurements | Changes, among: np.ndarray, truth_N: np.ndarray, seed: int
) -> float | None:
    """How well the classes `among` [N] are told apart by somebody who knows which are called forgotten (`truth_N`)."""
    if isinstance(evidence, Changes):
        return published.top_k(evidence.samples_KMF.numpy()[among], truth_N)
    protocol = PROTOCOLS.get(screening.published or "")
    return protocol(evidence.published().numpy()[among], truth_N, seed) if protocol else None


def placebo_asr(screening: Screening, evidence: Evidence, truth_K: np.ndarray, count: int, seed: int) -> float | None:
    """The published protocol on `count` classes that were not forgotten, drawn at random: what it says of nothing.

    The truly forgotten classes are left out. An attack whose published figure is no higher than this does not
    measure unlearning. None where the protocol needs no truth, or no retained class would be left to compare.
    """
    retained = np.flatnonzero(~truth_K)
    if not isinstance(evidence, HeadMeasurements | Changes) or not 0 < count < len(retained):
        return None
    chosen = np.random.default_rng([seed, *b"placebo"]).choice(retained, count, replace=False)
    return told_apart(screening, evidence, retained, np.isin(retained, chosen), seed)


def accuracies(model: Artifact | None, classes: tuple[int, ...], prefix: str = "") -> dict[str, float | None]:
    """Accuracy of a stored model on the samples of `classes` and on all others, test and train; None without one."""
    found: dict[str, float | None] = {}
    for part, suffix in (("test", ""), ("train", "_train")):
        if model is None:
            found |= {f"{prefix}forget_acc{suffix}": None, f"{prefix}retain_acc{suffix}": None}
            continue
        counts = (model.meta[f"correct_{part}"], model.meta[f"total_{part}"])
        found[f"{prefix}forget_acc{suffix}"] = forget_accuracy(*counts, classes)
        found[f"{prefix}retain_acc{suffix}"] = retain_accuracy(*counts, classes)
    return found


def gate(
    numbers: dict[str, Any], bounds: Gate, forgets: bool, *, whole: bool = True, known: bool = True
) -> dict[str, Any]:
    """Whether the model counts as unlearned: "passed", "failed" with the reasons, "control", or "unknown".

    The last is of a model of which nobody says what it forgot.

    Where samples of a class were forgotten and others stay, even a retrained model knows the class: then nothing is
    asked of its accuracy there.
    """
    if not forgets:
        return {"gate": "control", "gate_reasons": []}
    if not known:
        return {"gate": "unknown", "gate_reasons": []}
    reasons = []
    if whole and numbers["forget_acc"] is not None and numbers["forget_acc"] > bounds.forget_acc:
        reasons.append(f"forget_acc {numbers['forget_acc']:.3f} is above {bounds.forget_acc}")
    if whole and numbers["original_forget_acc"] is not None and numbers["original_forget_acc"] <= bounds.forget_acc:
        reasons.append(f"the original model did not know the classes: {numbers['original_forget_acc']:.3f}")
    before = numbers["original_retain_acc"]  # None where nobody knows the model before
    least = 0.0 if before is None else before - bounds.retain_loss
    if numbers["retain_acc"] < least:
        reasons.append(f"retain_acc {numbers['retain_acc']:.3f} is below {least:.3f}")
    return {"gate": "failed" if reasons else "passed", "gate_reasons": reasons}


def evaluate_run(pipeline: Pipeline) -> dict[str, Any]:
    """Run all stages that are not stored yet and return the run's numbers.

    Accuracies and rates are in [0, 1], times in seconds, memory in MiB. What is undefined is None.
    """
    plan = pipeline.plan
    for stage in pipeline.needed:  # one after the other, so that each one's seconds are its own
        pipeline.engine.artifact(stage)
    evidence = unpack(pipeline.artifact("evidence"), plan.attack.evidence)
    classes, forgotten = pipeline.requested_classes, pipeline.forget_classes
    numbers = judged(pipeline, evidence)
    if isinstance(evidence, Reconstructions) and pipeline.truth_known:
        numbers |= recovered(pipeline, evidence)
    numbers |= accuracies(pipeline.artifact(pipeline.attacked), classes)
    if pipeline.attacked != pipeline.after:
        numbers |= accuracies(pipeline.artifact(pipeline.after), classes, "undefended_")
    original = pipeline.artifact("original") if "original" in pipeline.stages else None
    numbers |= accuracies(original, classes, "original_")
    numbers |= gate(numbers, plan.gate, plan.unlearner.forgets, whole=not pipeline.partly, known=pipeline.truth_known)
    if pipeline.partly:
        counts = pipeline.artifact(pipeline.attacked).meta
        if "correct_forget" in counts:
            correct, total = counts["correct_forget"], counts["total_forget"]
        else:  # somebody else's model, whose key does not say what was forgotten
            answering = pipeline.answering(plan.seeds.unlearning, "defended answers")
            correct, total = evaluate(pipeline.model(pipeline.attacked), pipeline.split.forget, answering)
        numbers["forget_acc_samples"] = forget_accuracy(correct, total, classes)
    numbers |= {
        "num_classes": pipeline.facts.num_classes,
        "forgotten": list(forgotten),
        "queries": evidence.queries,
        "unlearner_report": pipeline.artifact(pipeline.after).meta["report"],
    }
    return numbers | evaluated(pipeline) | costs(pipeline)


def judged(pipeline: Pipeline, evidence: Evidence) -> dict[str, Any]:
    """The verdict and how right it is: None where `screening=none` judges nothing, or where nobody knows the truth."""
    plan, classes = pipeline.plan, pipeline.requested_classes
    if not plan.screening.judges:
        return dict.fromkeys((*VERDICT_METRICS, "detection_score", *PUBLISHED, "verdict", "scores"))
    verdict = unpack_verdict(pipeline.artifact("verdict"))
    truth_K = np.isin(np.arange(pipeline.facts.num_classes), pipeline.forget_classes)
    judged_K = np.ones_like(truth_K) if verdict.judged_K is None else verdict.judged_K.numpy()
    measured: dict[str, float | None] = dict.fromkeys((*VERDICT_METRICS, *PUBLISHED))
    if pipeline.truth_known:
        measured |= verdict_metrics(verdict.forgotten_K.numpy(), verdict.score_K.numpy(), truth_K, judged_K)
        truth_J = truth_K[judged_K]  # what the evidence is of
        measured |= {
            PUBLISHED[0]: published_asr(plan.screening, evidence, truth_J, plan.seeds.attack),
            PUBLISHED[1]: placebo_asr(plan.screening, evidence, truth_J, len(classes), plan.seeds.attack),
        }
    not_judged = np.flatnonzero(~judged_K).tolist()
    return {
        **measured,
        "detection_score": detection_score(verdict.score_K.numpy()[judged_K]),
        "verdict": verdict.forgotten_K.nonzero()[:, 0].tolist(),
        "scores": [score if there else None for score, there in zip(verdict.score_K.tolist(), judged_K, strict=True)],
    } | ({"not_judged": not_judged} if not_judged else {})


def evaluated(pipeline: Pipeline) -> dict[str, Any]:
    """What was measured by who knows the truth, under one name; nothing where nothing was."""
    if "evaluation" not in pipeline.stages:
        return {}
    plan = pipeline.plan
    told = {"name": plan.names["evaluation"], "settings": plan.spec["evaluation"]["settings"]}
    return {"evaluation": told | pipeline.artifact("evaluation").meta["found"] | durations(pipeline)}


def durations(pipeline: Pipeline) -> dict[str, Any]:
    """How long unlearning took beside retraining; nothing where no model was retrained to be held against.

    Seconds are those of when a stage was computed, on whatever machine that was: there is no ratio of two machines, nor
    of different numbers of threads.
    """
    parents = pipeline.stages["evaluation"].parents
    retrained = [pipeline.engine.artifact(stage).meta for role, stage in parents.items() if role.startswith(REFERENCE)]
    if not retrained:
        return {}
    unlearned = pipeline.artifact(pipeline.after).meta
    where = {(meta.get("hardware"), meta["made_with"]["threads"]) for meta in (unlearned, *retrained)}
    mean = sum(meta["seconds"] for meta in retrained) / len(retrained)
    return {
        "seconds": unlearned["seconds"],
        "retrained_seconds": mean,
        "seconds_ratio": unlearned["seconds"] / mean if len(where) == 1 and mean else None,
        "hardware": unlearned.get("hardware"),
        "retrained_hardware": retrained[0].get("hardware"),
    }


def recovered(pipeline: Pipeline, evidence: Reconstructions) -> dict[str, float | None]:
    """How close reconstructions come to the images that were to be forgotten, of a control too, beside the placebos."""
    split = pipeline.split_of(pipeline.wanted(pipeline.requested_classes))
    targets, retained = pictures(split.forget), pictures(split.retain)
    found = Pictures(evidence.images_NCHW.to(targets.images.device), evidence.labels_N)
    return reconstruction_metrics(found, targets, retained, pipeline.plan.seeds.attack)


def pictures(data: LabeledImages) -> Pictures:
    """Images as the metrics take them, on the device where they are."""
    return Pictures(data.images.float() / 255, data.labels.cpu())


def costs(pipeline: Pipeline) -> dict[str, Any]:
    """Per stage: the seconds and memory that computing it took, whether it came from the store, and its key."""
    found: dict[str, Any] = {}
    for stage in pipeline.stages:
        artifact = pipeline.artifact(stage)
        found[f"seconds_{stage}"] = artifact.meta["seconds"]
        found[f"memory_mib_{stage}"] = artifact.meta.get("device_memory_mib", artifact.meta["memory_mib"])
        found[f"stored_{stage}"] = artifact.hit
        found[f"made_with_{stage}"] = artifact.meta["made_with"]
        found[f"key_{stage}"] = artifact.key
    return found
