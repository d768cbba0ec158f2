"""Every unlearner, attack and model on a GPU; where both are defined, held against the same on the CPU."""

import shutil
from pathlib import Path

import pytest
import torch

from tests.jobs import images, pipeline_in, run_stages, write_npz
from unlearnleak.config.folder import config_folder
from unlearnleak.pipeline.packing import unpack
from unlearnleak.training.curve import Curve

pytestmark = pytest.mark.gpu


def choices(group: str) -> list[str]:
    """The words of a group on the command line."""
    return sorted(path.stem for path in Path(config_folder(), group).glob("*.yaml"))


UNLEARNERS, ATTACKS = choices("unlearner"), choices("attack")
UNLEARNERS.remove("imported")  # which needs a file
DRAWN = {"inversion_genetic", "gradient_matching", "gradient_matching_exact"}
"""Searches in which a last bit may choose another individual or turn a step round: they run, and are not compared."""
SEARCHED = {"unsir"}
"""Unlearners whose steps grow a last bit: noise is made by hundreds of steps of Adam, each as long as the others."""


def far_apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference, as a share of the largest number."""
    return float((one - other).abs().max() / one.abs().max().clamp(min=1e-6))


def weights(artifact) -> torch.Tensor:
    named = sorted(name for name in artifact.tensors if name.startswith("model."))
    return torch.cat([artifact.tensors[name].flatten().float() for name in named])


@pytest.mark.parametrize("unlearner", UNLEARNERS)
def test_an_unlearner_moves_the_weights_as_on_the_cpu(tmp_path, exact, unlearner):
    ends = {}
    for device in ("cpu", "cuda"):
        words = [f"unlearner={unlearner}", f"runtime.device={device}", f"store={tmp_path / device}"]
        ends[device] = run_stages(pipeline_in(tmp_path, *words))
    made = ends["cuda"].artifact("unlearned").meta
    assert made["made_with"]["device"] == "cuda"
    assert made["device_memory_mib"] > 0
    assert [pipeline.key("unlearned") for pipeline in ends.values()] == [ends["cpu"].key("unlearned")] * 2
    for stage in ("original", *(["unlearned"] if unlearner not in SEARCHED else [])):  # rounding has not yet grown
        one, other = (weights(pipeline.artifact(stage)) for pipeline in (ends["cpu"], ends["cuda"]))
        assert far_apart(one, other) < 0.05


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_collects_what_it_does_on_the_cpu(tmp_path, exact, attack):
    words = [f"attack={attack}"]
    target = pipeline_in(tmp_path, *words, "runtime.device=cpu")
    target.artifact("unlearned")
    shutil.copytree(tmp_path / "store", tmp_path / "other")
    here = unpack(target.artifact("evidence"), target.plan.attack.evidence)
    on_gpu = pipeline_in(tmp_path, *words, "runtime.device=cuda", f"store={tmp_path / 'other'}")
    there = unpack(run_stages(on_gpu).artifact("evidence"), on_gpu.plan.attack.evidence)
    assert on_gpu.artifact("unlearned").hit
    assert on_gpu.artifact("evidence").meta["made_with"]["device"] == "cuda"
    assert here.queries == there.queries
    if attack not in DRAWN:
        assert here.samples_KMF.shape == there.samples_KMF.shape
        assert far_apart(here.samples_KMF, there.samples_KMF) < 0.02


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("unlearner", ["ft", "ng"])
def test_resnet18_runs(tmp_path, precision, unlearner):
    write_npz(tmp_path / "images.npz", **images(side=32))
    words = ["model=resnet18", f"unlearner={unlearner}", f"training.precision={precision}", "runtime.device=cuda"]
    pipeline = run_stages(pipeline_in(tmp_path, *words))
    assert pipeline.artifact("unlearned").meta["made_with"]["device"] == "cuda"


def test_resnet18_keeps_ledgers(tmp_path):
    write_npz(tmp_path / "images.npz", **images(side=32))
    common = ["model=resnet18", "unlearner=au", "runtime.device=cuda"]
    whole, parts = (
        run_stages(pipeline_in(tmp_path, *common, f"store={tmp_path / store}", *more))
        .artifact("original")
        .tensors["ledger_KP"]
        for store, more in (("whole", []), ("parts", ["unlearner.ledger_classes=3"]))
    )
    assert whole.shape == parts.shape


@pytest.mark.parametrize("model", choices("model"))
def test_a_model_learns_as_on_the_cpu(tmp_path, exact, model):
    write_npz(tmp_path / "images.npz", **images(side=32))
    gentle = [
        "training.epochs=1",
        "training.lr=0.001",
        "training.warmup_epochs=0",
        "unlearner=ft",
        "unlearner.lr=0.001",
    ]
    ends = [
        run_stages(
            pipeline_in(
                tmp_path,
                f"model={model}",
                "unlearner=ft",
                *gentle,
                f"runtime.device={device}",
                f"store={tmp_path / device}",
            )
        )
        for device in ("cpu", "cuda")
    ]
    for stage in ("original", "unlearned"):
        assert far_apart(*(weights(pipeline.artifact(stage)) for pipeline in ends)) < 0.05


@pytest.mark.parametrize("defense", [name for name in choices("defense") if name != "none"])
def test_a_defended_model_is_that_of_the_cpu(tmp_path, exact, defense):
    words = ["unlearner=ft", f"defense={defense}"]
    first = pipeline_in(tmp_path, *words, "runtime.device=cpu")
    first.artifact("unlearned")
    shutil.copytree(tmp_path / "store", tmp_path / "other")
    second = run_stages(pipeline_in(tmp_path, *words, "runtime.device=cuda", f"store={tmp_path / 'other'}"))
    assert second.artifact("unlearned").hit
    assert second.artifact("defended").meta["made_with"]["device"] == "cuda"
    assert far_apart(weights(first.artifact("defended")), weights(second.artifact("defended"))) < 0.05


@pytest.mark.parametrize("evaluation", [name for name in choices("evaluation") if name != "none"])
def test_an_evaluation_runs(tmp_path, evaluation):
    words = ["unlearner=ft", f"evaluation={evaluation}", "forget_share=0.5", "runtime.device=cuda"]
    artifact = run_stages(pipeline_in(tmp_path, *words)).artifact("evaluation")
    assert artifact.meta["made_with"]["device"] == "cuda"
    assert artifact.meta["found"]


class Killed(Exception):
    """What ends a training early."""


@pytest.mark.parametrize("unlearner", ["au", "ng"])
def test_a_killed_training_goes_on(tmp_path, monkeypatch, unlearner):
    words = [f"unlearner={unlearner}", "training.epochs=3", "runtime.device=cuda", "runtime.checkpoint_seconds=0"]
    begin = Curve.on_train_epoch_start

    def killed(self, trainer, module):
        if trainer.current_epoch == 1:
            raise Killed
        begin(self, trainer, module)

    with monkeypatch.context() as patch:
        patch.setattr(Curve, "on_train_epoch_start", killed)
        with pytest.raises(Killed):
            pipeline_in(tmp_path, *words).artifact("original")
    pipeline = pipeline_in(tmp_path, *words)
    assert pipeline.artifact("original").meta["resumed_from_epoch"] == 1
    run_stages(pipeline)
