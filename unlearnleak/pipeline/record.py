"""What a run leaves behind: result.json, the logger's curves, tables, histograms and images, and a short summary.

All of it is made from stored artifacts, so that it is the same whether a stage was computed or found.
"""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import unlearnleak
from unlearnleak.adversary.evidence import DotProducts, Predictions
from unlearnleak.data.forget import UNKNOWN
from unlearnleak.logger.base import RunLogger
from unlearnleak.pipeline.packing import unpack
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.store import key_of

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "hydra-core", "scikit-learn", "numpy", "wandb")
MANY_CLASSES = 20
Sheet: TypeAlias = tuple[np.ndarray, list[str]]


@cache
def git_revision() -> str | None:
    """The commit of the source tree that runs, with "+changes" where it has any; None outside a checkout.

    An installed copy inside somebody else's checkout, as in its .venv, has none: that revision is not ours.
    """
    source = Path(unlearnleak.__file__)
    tracked = ["ls-files", "--error-unmatch", source.name]
    describe = ["describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"]
    try:
        for command in (tracked, describe):
            git = ["git", "-C", str(source.parent), *command]
            found = subprocess.run(git, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def package_version(package: str) -> str | None:
    """The installed version; None where it is not installed, as W&B need not be for logger=none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def provenance(pipeline: Pipeline) -> dict[str, Any]:
    """Versions, revision and device: what ran, and on what."""
    return {
        "versions": {"unlearnleak": unlearnleak.__version__, "python": platform.python_version()}
        | {package: package_version(package) for package in PACKAGES},
        "revision": git_revision(),
        "device": str(pipeline.plan.device),
    }


def description(pipeline: Pipeline, sweep_name: str) -> dict[str, Any]:
    """What was run, in the words of the command line."""
    plan = pipeline.plan
    spec = {group: known for group, known in plan.spec.items() if group != "evaluation"}  # which changes no verdict
    settings: dict[str, Any] = {"spec": spec, "data": plan.dataset.fingerprint()}
    weaker = plan.attack.threat.auxiliary and not plan.auxiliary.usual
    if weaker:
        settings["auxiliary"] = plan.auxiliary.described((), pipeline.facts.num_classes)  # not by run: whoever they are
    if plan.unlearner.start == "file":
        settings["weights"] = [stage.payload.get("weights") for stage in pipeline.stages.values()]
    told = {
        "settings": key_of(settings)[:8],
        "dataset_caution": pipeline.artifact("data").meta.get("caution"),
        "forget_classes": list(pipeline.requested_classes),
        "forget_level": "sample" if pipeline.partly else "class",
        "forget_share": plan.forget_share,
        "forget_samples": pipeline.forget_set.count(pipeline.learnt_counts),
        "finetuning_samples": plan.finetuning and plan.finetuning.samples,
        "sees_target": plan.attack.threat.target.value,
        "sees_original": plan.attack.threat.original.value,
        "seeds": vars(plan.seeds),
        "sweep_name": sweep_name,
    }
    attacker = [plan.auxiliary.words] if weaker else []
    attacker += [plan.attack.unusual] if plan.attack.unusual else []
    told |= {"held": ", ".join(attacker)} if attacker else {}
    return plan.names | told | ({"defense_settings": plan.spec["defense"]["settings"]} if plan.defense.active else {})


def log_pictures(logger: RunLogger, pipeline: Pipeline, result: dict[str, Any], sheet: Sheet | None = None) -> None:
    """Curves, score table, histograms, inverted images, and the contact sheet of recovered ones with its captions."""
    for stage in pipeline.stages:
        if rows := pipeline.artifact(stage).meta.get("curve"):
            logger.curve(stage, rows)
    evidence = unpack(pipeline.artifact("evidence"), pipeline.plan.attack.evidence)
    if result["verdict"] is not None:
        judged, truth = result["verdict"], result["forgotten"]
        rows = [[c, score, c in judged, c in truth] for c, score in enumerate(result["scores"])]
        logger.table("class_scores", ["class", "score", "judged_forgotten", "forgotten"], rows)
    evidence_of = [c for c in range(result["num_classes"]) if c not in result.get("not_judged", ())]
    if isinstance(evidence, DotProducts) and result["num_classes"] <= MANY_CLASSES:
        samples_KM = evidence.samples_KMF[..., 0]
        by_class = zip(evidence_of, samples_KM, strict=True)
        logger.histogram("dot_products", {f"class_{c}": values.tolist() for c, values in by_class})
    if isinstance(evidence, Predictions):
        images = (evidence.images_KCHW.clamp(0, 1) * 255).round().byte().numpy()
        captions = [f"class {c}{', forgotten' if c in result['forgotten'] else ''}" for c in evidence_of]
        logger.images("inverted", images, captions)
    if sheet is not None and len(sheet[0]):
        logger.images("recovered", *sheet)


def percent(value: float | None) -> str:
    """A rate in [0, 1] as a percentage; a dash where it is not defined."""
    return "-" if value is None else f"{100 * value:.1f} %"


def classes_text(classes: list[int]) -> str:
    """Class numbers for people."""
    return ", ".join(map(str, classes)) or "none"


def verdict_lines(result: dict[str, Any]) -> list[str]:
    """What was judged, and how rightly; nothing where no class was judged."""
    if result["verdict"] is None:
        return []
    if result["exact_match"] is None:
        return [f"  verdict   {classes_text(result['verdict'])}; what was forgotten is not known"]
    exact = "exact" if result["exact_match"] else "not exact"
    return [
        f"  verdict   {classes_text(result['verdict'])}; in truth {classes_text(result['forgotten'])}: {exact}",
        f"  ASR       {percent(result['asr'])} (constant answer {percent(result['asr_constant'])}, "
        f"as published {percent(result['asr_published'])})",
    ]


def recovered_lines(result: dict[str, Any]) -> list[str]:
    """How close recovered images come, beside the placebos; nothing where none were recovered."""
    mse = [result.get(f"reconstruction_mse{of}") for of in ("", "_placebo", "_class_mean")]
    if mse[0] is None:
        return []
    here, placebo, class_mean = ("-" if value is None else f"{value:.4f}" for value in mse)
    return [f"  recovered MSE {here} (a retained image {placebo}, the class mean {class_mean})"]


def done_to_the_model(result: dict[str, Any]) -> str:
    """The unlearner, what it forgot and the defence, such as "ft of 4 samples of class 3, then weight_noise"."""
    part = ""
    if result.get("forget_level") == "sample":
        count = result.get("forget_samples")
        part = "samples of " if count is None else f"{count} sample{'' if count == 1 else 's'} of "
    defense = result.get("defense", "none")
    after = "" if defense == "none" else f", then {defense}"
    of = f" of {part}class {classes_text(result['forget_classes'])}" if result["gate"] != UNKNOWN else ""
    return f"{result['unlearner']}{of}{after}"


def accuracy_line(result: dict[str, Any]) -> str:
    """The accuracies before and after, of forgotten and retained classes where it is known which these are."""
    before, after = (percent(result[f"{of}retain_acc"]) for of in ("original_", ""))
    if result["gate"] == UNKNOWN:
        return f"  accuracy  {after} over all classes{'' if before == '-' else f', before {before}'}"
    forget = f"{percent(result['original_forget_acc'])} -> {percent(result['forget_acc'])}"
    return f"  accuracy  forget {forget}, retain {before} -> {after}"


def summary(result: dict[str, Any], where: Path) -> str:
    """A few lines for the terminal."""
    if "stage" in result:
        return f"{result['stage']} {result['key']} is stored\n  run       {where}"
    stages = [name.removeprefix("key_") for name in result if name.startswith("key_")]
    spent = ", ".join(
        f"{stage} {result[f'seconds_{stage}']:.1f} s{' (stored)' if result[f'stored_{stage}'] else ''}"
        for stage in stages
        if stage not in ("data", "verdict")  # which take no time
    )
    reasons = "".join(f"; {reason}" for reason in result["gate_reasons"])
    return "\n".join(
        [
            f"{result['dataset']} {result['model']}, {done_to_the_model(result)}, "
            f"{result['attack']} / {result['screening']}",
            *verdict_lines(result),
            *recovered_lines(result),
            accuracy_line(result),
            f"  gate      {result['gate']}{reasons}",
            f"  time      {spent}",
            f"  run       {where}",
        ]
    )
