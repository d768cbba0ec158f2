"""Every unlearner, attack and model on a GPU; where both are defined, held against the same on the CPU."""

import shutil
from pathlib import Path

import pytest
import torch

from tests.jobs import composed, images, overrides_in, pipeline_in, run_stages, write_npz
from unlearnleak.config.folder import config_folder
from unlearnleak.pipeline.export import export_images, export_model
from unlearnleak.pipeline.packing import unpack
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.training.curve import Curve

pytestmark = pytest.mark.gpu


def choices(group: str) -> list[str]:
    """The words of a group on the command line."""
    return sorted(path.stem for path in Path(config_folder(), group).glob("*.yaml"))


UNLEARNERS, ATTACKS = choices("unlearner"), choices("attack")
UNLEARNERS.remove("imported")  # which needs a file
DRAWN = {"inversion_genetic", "gradient_matching", "gradient_matching_exact", "output_change_zoo"}
"""Searches in which a last bit may choose another individual or turn a step round: they run, and are not compared.

The zeroth-order search divides differences of answers by 2 h = 0.0002: fp32's last bit is a slope of 0.0003 there.
"""
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


BF16 = 0.02
"""How far weights in bf16 may be apart, as a share: on a CPU bf16 moves those of these jobs by 0.0023 from fp32's."""


@pytest.mark.parametrize("unlearner", ["rt", "ft", "rl", "ng", "salun", "scrub", "bad_teacher", "l1_sparse"])
def test_bf16_moves_the_weights_as_on_the_cpu(tmp_path, exact, unlearner):
    words = [f"unlearner={unlearner}", "training.precision=bf16"]
    here, there = (
        run_stages(pipeline_in(tmp_path, *words, f"runtime.device={device}", f"store={tmp_path / device}"))
        for device in ("cpu", "cuda")
    )
    assert there.artifact("unlearned").meta["made_with"]["device"] == "cuda"
    for stage in ("original", "unlearned"):
        one, other = (weights(pipeline.artifact(stage)) for pipeline in (here, there))
        assert far_apart(one, other) < BF16
    whole = run_stages(pipeline_in(tmp_path, f"unlearner={unlearner}", "runtime.device=cuda"))
    assert far_apart(weights(whole.artifact("original")), weights(there.artifact("original"))) > 1e-4  # it was not fp32


@pytest.fixture
def from_files(tmp_path):
    """Words for a retrained model in a file: a LeNet's weights, and a program with the attacker's images."""
    folder = tmp_path / "files"
    folder.mkdir()
    trained = pipeline_in(folder, "unlearner=rt", "runtime.device=cpu")
    trained.artifact("unlearned")
    for suffix in ("safetensors", "pt2"):
        export_model(trained, "unlearned", folder / f"unlearned.{suffix}")
    export_images(trained, folder / "images_held.npz")
    program = ["target=file", f"target.path={folder / 'unlearned.pt2'}"]
    return {
        "imported": ["unlearner=imported", f"unlearner.path={folder / 'unlearned.safetensors'}"],
        "file": [*program, "dataset=images", f"dataset.path={folder / 'images_held.npz'}"],
    }


@pytest.mark.parametrize("attack", ["param_dot", "inversion_gradient", "aux_confidence"])
@pytest.mark.parametrize("how", ["imported", "file"])
def test_a_model_from_a_file_is_attacked_as_on_the_cpu(tmp_path, exact, from_files, how, attack):
    not_there = ("dataset.auxiliary_per_class", "unlearner.epochs", "unlearner.batch_size") if how == "file" else ()
    found = {}
    for device in ("cpu", "cuda"):
        words = [*from_files[how], f"attack={attack}", f"runtime.device={device}", f"store={tmp_path / device}"]
        told = [word for word in overrides_in(tmp_path, *words) if not word.startswith(not_there)]
        pipeline = Pipeline(make_plan(composed(*told)))
        for stage in ("imported", "evidence"):
            assert pipeline.artifact(stage).meta["made_with"]["device"] == device
        found[device] = unpack(pipeline.artifact("evidence"), pipeline.plan.attack.evidence)
        judged = pipeline.artifact("imported").meta["correct_test" if how == "imported" else "correct_train"]
        found[f"{device} is right"] = judged
    assert found["cpu"].queries == found["cuda"].queries
    assert far_apart(found["cpu"].samples_KMF, found["cuda"].samples_KMF) < 0.02
    assert found["cpu is right"] == found["cuda is right"]


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


WAYS = {
    "cpu": ["runtime.device=cpu"],
    "whole": ["runtime.device=cuda"],
    "parts": ["runtime.device=cuda", "unlearner.ledger_classes=3"],
}
"""Of keeping a ledger: by samples on a CPU, by masks of all classes, and of three classes a training."""


@pytest.mark.parametrize("stage", [[], ["finetuning.samples=24", "finetuning.batch_size=8", "finetuning.lr=0.001"]])
@pytest.mark.parametrize("model", ["lenet", "resnet18"])
def test_a_ledger_is_that_of_the_cpu_whole_and_in_parts(tmp_path, exact, model, stage):
    """With decay, strides and batch normalisation, whose statistics the fine-tuning stage freezes."""
    write_npz(tmp_path / "images.npz", **images(side=32))
    gentle = ["training.epochs=1", "training.lr=0.001", "training.warmup_epochs=0", "training.weight_decay=0.01"]
    ledgers = {}
    for name, how in WAYS.items():
        words = [f"model={model}", "unlearner=au", *gentle, *stage, f"store={tmp_path / name}", *how]
        ledgers[name] = pipeline_in(tmp_path, *words).artifact("original").tensors["ledger_KP"]
    assert (ledgers["cpu"].abs().sum(1) > 0).all()
    for name in ("whole", "parts"):
        assert far_apart(ledgers["cpu"], ledgers[name]) < 0.02, name


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


TOLD_APART = ("seconds", "steps", "epochs")
"""What an evaluation says that two devices need not agree on: times, and counts that one last bit may change."""


def numbers(found, name="") -> dict[str, float]:
    """What an evaluation found, by the path to each number."""
    if isinstance(found, dict):
        return {key: value for word, each in found.items() for key, value in numbers(each, f"{name}.{word}").items()}
    if isinstance(found, list):
        return {key: value for at, each in enumerate(found) for key, value in numbers(each, f"{name}.{at}").items()}
    return {name: float(found)} if isinstance(found, int | float) else {}


@pytest.mark.parametrize("evaluation", [name for name in choices("evaluation") if name != "none"])
def test_an_evaluation_finds_what_it_does_on_the_cpu(tmp_path, exact, evaluation):
    """Of the same models: the CPU's, which the GPU takes from the store."""
    words = ["unlearner=ft", f"evaluation={evaluation}", "forget_share=0.5"]
    here = run_stages(pipeline_in(tmp_path, *words, "runtime.device=cpu")).artifact("evaluation")
    shutil.copytree(tmp_path / "store", tmp_path / "other")
    shutil.rmtree(tmp_path / "other" / "evaluation")
    on_gpu = pipeline_in(tmp_path, *words, "runtime.device=cuda", f"store={tmp_path / 'other'}")
    there = run_stages(on_gpu).artifact("evaluation")
    assert on_gpu.artifact("unlearned").hit
    assert there.meta["made_with"]["device"] == "cuda"
    one, other = numbers(here.meta["found"]), numbers(there.meta["found"])
    assert one
    assert one.keys() == other.keys()
    for name, value in one.items():
        if not any(word in name for word in TOLD_APART):
            assert other[name] == pytest.approx(value, rel=0.05, abs=0.05), name


class Killed(Exception):
    """What ends a training early."""


@pytest.mark.parametrize("unlearner", ["au", "ng"])
def test_a_killed_training_goes_on(tmp_path, monkeypatch, exact, unlearner):
    words = [f"unlearner={unlearner}", "training.epochs=3", "runtime.device=cuda", "runtime.checkpoint_seconds=0"]
    begin, other = Curve.on_train_epoch_start, tmp_path / "other"

    def killed(self, trainer, module):
        if trainer.current_epoch == 1:
            raise Killed
        begin(self, trainer, module)

    with monkeypatch.context() as patch:
        patch.setattr(Curve, "on_train_epoch_start", killed)
        with pytest.raises(Killed):
            pipeline_in(tmp_path, *words).artifact("original")
    pipeline = pipeline_in(tmp_path, *words)
    went_on, whole = (each.artifact("original") for each in (pipeline, pipeline_in(tmp_path, *words, f"store={other}")))
    assert went_on.meta["resumed_from_epoch"] == 1
    for name, tensor in whole.tensors.items():
        assert far_apart(tensor.float(), went_on.tensors[name].float()) < 1e-3, name
    run_stages(pipeline)
