"""Keys, sharing, hits and misses, damage, and that no truth reaches an attack or a screening."""

import logging
import os
import re
import shutil
import threading

import numpy as np
import pytest
import torch

from tests.jobs import STAGES, composed, images, overrides_in, pipeline_in, run_stages, write_npz
from unlearnleak.adversary.access import BlackBox, WhiteBox
from unlearnleak.adversary.evidence import Calibrated, DotProducts
from unlearnleak.attack.param_dot import ParameterDotProduct
from unlearnleak.data import LabeledImages
from unlearnleak.dataset.npz import Npz
from unlearnleak.errors import AccessDenied, UserError
from unlearnleak.model.lenet import LeNet
from unlearnleak.pipeline.graph import Stage
from unlearnleak.pipeline.packing import pack, unpack
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.record import description
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.screening.youden import Youden
from unlearnleak.store import Artifact, Contents, held
from unlearnleak.sweep.grid import planned
from unlearnleak.training.class_recorder import ClassUpdates
from unlearnleak.training.fit import fit
from unlearnleak.unlearner.ft import FineTune

# Keys


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store in which the data stage is found, so that keys cost little."""
    return tmp_path_factory.mktemp("keys")


def keys(folder, *overrides: str) -> dict[str, str]:
    pipeline = pipeline_in(folder, *overrides)
    return {stage: pipeline.key(stage) for stage in STAGES}


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [stage for stage in STAGES if before[stage] != after[stage]]


BASE = ["unlearner=ft", "attack=param_dot", "screening=youden", "forget_classes=[1]"]
ALL, FROM_ORIGINAL = list(STAGES), list(STAGES[1:])
FROM_UNLEARNED, FROM_EVIDENCE, FROM_VERDICT = list(STAGES[2:]), list(STAGES[3:]), list(STAGES[4:])
CHANGES = {
    "seeds.data": (["seeds.data=1"], ALL),
    "seeds.original": (["seeds.original=1"], FROM_ORIGINAL),
    "seeds.forget where classes are listed": (["seeds.forget=1"], []),
    "seeds.unlearning": (["seeds.unlearning=1"], FROM_UNLEARNED),
    "seeds.attack": (["seeds.attack=1"], FROM_EVIDENCE),
    "seed": (["seed=1"], ALL),
    "dataset setting": (["dataset.auxiliary_per_class=7"], ALL),
    "dataset limit": (["dataset.train_limit=40"], ALL),
    "training value": (["training.lr=0.011"], FROM_ORIGINAL),
    "training precision": (["training.precision=bf16"], FROM_ORIGINAL),
    "training optimizer": (["training.optimizer=adamw"], FROM_ORIGINAL),
    "the usual optimizer": (["training.optimizer=sgd"], []),
    "the usual precision": (["training.precision=fp32"], []),
    "training schedule": (["training.schedule=constant"], FROM_ORIGINAL),
    "unlearner": (["unlearner=rl"], FROM_UNLEARNED),
    "unlearner setting": (["unlearner.lr=0.011"], FROM_UNLEARNED),
    "forgotten classes": (["forget_classes=[2]"], FROM_UNLEARNED),
    "more forgotten classes": (["forget_classes=[1,2]"], FROM_UNLEARNED),
    "order of forgotten classes": (["forget_classes=[1]"], []),
    "attack": (["attack=head_sum", "screening=kmeans"], FROM_EVIDENCE),
    "attack setting": (["attack.heads=4"], FROM_EVIDENCE),
    "screening": (["screening=kmeans"], FROM_VERDICT),
    "device": (["runtime.device=auto"], []),
    "threads": (["runtime.threads=2"], []),
    "logger": (["logger=wandb"], []),
    "runs": (["runs=elsewhere"], []),
    "sweep": (["sweep_name=other"], []),
    "gate": (["gate.forget_acc=0.5"], []),
    "a default written out": (["dataset.train_limit=null", "training.momentum=0.9", "attack.shadow_lr=0.5"], []),
}


@pytest.mark.parametrize(("overrides", "expected"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_reaches_its_stage_and_those_below(folder, overrides, expected):
    named = {word.partition("=")[0] for word in overrides}
    kept = [word for word in BASE if word.partition("=")[0] not in named]
    assert changed(keys(folder, *BASE), keys(folder, *kept, *overrides)) == expected


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Npz, ALL),
        (LeNet, FROM_ORIGINAL),
        (FineTune, FROM_UNLEARNED),
        (ParameterDotProduct, FROM_EVIDENCE),
        (Youden, FROM_VERDICT),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_class_of_a_new_version_has_new_keys(folder, monkeypatch, cls, expected):
    before = keys(folder, *BASE)
    monkeypatch.setattr(cls, "version", cls.version + 1)
    assert changed(before, keys(folder, *BASE)) == expected


def test_a_model_has_its_own_keys(tmp_path):
    write_npz(tmp_path / "images.npz", **images(side=32))
    assert changed(keys(tmp_path, *BASE), keys(tmp_path, *BASE, "model=resnet18")) == FROM_ORIGINAL


def test_a_screenings_setting_changes_the_verdict_alone(folder):
    base = ["attack=head_sum", "screening=threshold"]
    assert changed(keys(folder, *base), keys(folder, *base, "screening.k=1.5")) == FROM_VERDICT


def test_a_place_and_a_files_name_are_in_no_key_and_its_content_is_in_all(folder, tmp_path):
    before = keys(folder, *BASE)
    shutil.copy(folder / "images.npz", tmp_path / "other.npz")
    assert keys(folder, *BASE, f"dataset.path={tmp_path / 'other.npz'}", "dataset.root=x") == before
    assert keys(folder, *BASE, "dataset.name=another name") == before
    assert keys(folder, *BASE, f"store={tmp_path / 'store'}") == before
    pixels = images()["train_images"]
    pixels[0, 0, 0] ^= 1
    write_npz(tmp_path / "other.npz", train_images=pixels)
    assert changed(before, keys(folder, *BASE, f"dataset.path={tmp_path / 'other.npz'}")) == ALL


@pytest.mark.parametrize("attack", ["param_dot", "param_diff", "param_confidence", "inversion_genetic"])
def test_how_much_memory_an_attack_may_take_is_in_no_key(folder, attack):
    assert keys(folder, f"attack={attack}") == keys(folder, f"attack={attack}", "attack.chunk=5")


# What is in a key is what was loaded


def replaced(folder):
    """Put other images in the place of `folder`/images.npz, of the same size and with the same time of modification."""
    path = folder / "images.npz"
    times, other = path.stat(), write_npz(folder / "other.npz", train_images=255 - images()["train_images"])
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)


def stored(folder):
    return sorted(path.parent.name for path in (folder / "store").glob("[a-z]*/*") if path.is_dir())


def test_a_file_that_is_replaced_after_its_key_was_made_is_refused_and_nothing_is_stored(tmp_path):
    pipeline = pipeline_in(tmp_path)
    assert pipeline.key("data")
    replaced(tmp_path)
    with pytest.raises(UserError, match=r"images\.npz was replaced or changed after this run had begun.*same command"):
        run_stages(pipeline)
    assert stored(tmp_path) == []
    run_stages(pipeline_in(tmp_path))
    assert stored(tmp_path) == sorted(STAGES)


@pytest.mark.parametrize("stage", ["original", "unlearned"])
def test_so_is_one_that_is_replaced_between_two_stages(tmp_path, stage):
    before = STAGES[: STAGES.index(stage)]
    for name in before:
        pipeline_in(tmp_path).artifact(name)
    pipeline = pipeline_in(tmp_path)
    pipeline.artifact("data")  # found, without a look at the images
    replaced(tmp_path)
    with pytest.raises(UserError, match="was replaced or changed"):
        pipeline.artifact(stage)
    assert stored(tmp_path) == sorted(before)


def test_a_run_that_waited_while_its_file_was_replaced_trains_on_nothing(tmp_path):
    pipeline_in(tmp_path).artifact("data")
    pipeline, failed = pipeline_in(tmp_path), []
    pipeline.artifact("data")  # found, so that its images are not loaded yet

    def run():
        try:
            pipeline.artifact("original")
        except UserError as error:
            failed.append(str(error))

    thread = threading.Thread(target=run)
    with held(pipeline.plan.store.lock(f"original-{pipeline.key('original')}")):
        thread.start()
        replaced(tmp_path)
    thread.join()
    assert "was replaced or changed" in failed[0]
    assert stored(tmp_path) == ["data"]


def test_a_described_run_is_that_of_its_keys_whatever_lies_there_now(tmp_path):
    pipeline = run_stages(pipeline_in(tmp_path))
    before = description(pipeline, "adhoc")
    replaced(tmp_path)
    assert description(pipeline, "adhoc") == before
    assert description(pipeline_in(tmp_path), "adhoc")["settings"] != before["settings"]


def test_drawn_classes_follow_their_seed(folder):
    drawn = {tuple(pipeline_in(folder, "forget_classes=draw:2", f"seeds.forget={s}").forget_classes) for s in range(8)}
    assert len(drawn) > 1
    same = pipeline_in(folder, "forget_classes=draw:2", "seeds.forget=3")
    listed = pipeline_in(folder, f"forget_classes={list(same.forget_classes)}".replace(" ", ""), "seeds.forget=0")
    assert same.key("verdict") == listed.key("verdict")


def test_the_control_is_one_model_whatever_the_config_names(folder):
    control = [keys(folder, "unlearner=none", f"forget_classes={named}") for named in ("[0]", "[1,2]", "draw:2")]
    assert control[0] == control[1] == control[2]
    pipeline = pipeline_in(folder, "unlearner=none", "forget_classes=[1,2]")
    assert (pipeline.forget_classes, pipeline.requested_classes) == ((), (1, 2))


def test_retraining_depends_on_data_model_and_training_and_not_on_the_original(folder, monkeypatch):
    before = keys(folder, "unlearner=rt")
    assert changed(before, keys(folder, "unlearner=rt", "seeds.original=1")) == ["original"]
    assert changed(before, keys(folder, "unlearner=rt", "training.lr=0.011")) == FROM_ORIGINAL
    with_ledger = pipeline_in(folder, "unlearner=rt")
    monkeypatch.setattr(type(with_ledger.plan.unlearner), "recorders", lambda self: (ClassUpdates(),))
    assert with_ledger.key("unlearned") == before["unlearned"]
    assert with_ledger.key("original") != before["original"]


def test_a_ledger_of_a_new_version_is_kept_anew(folder, monkeypatch):
    before = {name: keys(folder, f"unlearner={name}") for name in ("au", "ft")}
    assert before["au"]["original"] != before["ft"]["original"]
    monkeypatch.setattr(ClassUpdates, "version", ClassUpdates.version + 1)
    assert changed(before["au"], keys(folder, "unlearner=au")) == FROM_ORIGINAL
    assert keys(folder, "unlearner=ft") == before["ft"]


def test_in_how_many_trainings_a_ledger_is_kept_is_in_no_key(folder):
    assert keys(folder, "unlearner=au", "unlearner.ledger_classes=1") == keys(folder, "unlearner=au")


def test_a_files_fingerprint_is_taken_once_a_job(folder, monkeypatch):
    taken = []
    fingerprint = Npz.fingerprint
    monkeypatch.setattr(Npz, "fingerprint", lambda self: taken.append(1) or fingerprint(self))
    keys(folder, *BASE)
    assert len(taken) == 1


# Sharing, hits and misses


def test_stages_are_computed_once_and_shared(tmp_path, computed):
    def new(*overrides: str) -> list[str]:
        before = len(computed)
        run_stages(pipeline_in(tmp_path, *overrides))
        return computed[before:]

    assert new("unlearner=ft", "attack=head_sum", "screening=kmeans") == list(STAGES)
    assert new("unlearner=ft", "attack=head_sum", "screening=threshold") == ["verdict"]
    assert new("unlearner=ft", "attack=noise_prior", "screening=threshold") == ["evidence", "verdict"]
    assert new("unlearner=rl", "attack=head_sum", "screening=kmeans") == ["unlearned", "evidence", "verdict"]
    assert new("unlearner=rt", "attack=head_sum", "screening=kmeans") == ["unlearned", "evidence", "verdict"]
    assert new("unlearner=au", "attack=head_sum", "screening=kmeans") == FROM_ORIGINAL  # with a ledger
    assert new("unlearner=ft", "attack=head_sum", "screening=kmeans") == []
    assert new("unlearner=au", "attack=head_sum", "screening=threshold") == ["verdict"]


def test_what_is_found_needs_no_images_and_no_training(tmp_path, monkeypatch):
    run_stages(pipeline_in(tmp_path))
    monkeypatch.setattr(Npz, "load", lambda self: pytest.fail("loaded images"))
    for room in ("pipeline.stages", "training.task"):
        monkeypatch.setattr(f"unlearnleak.{room}.fit", lambda *a, **k: pytest.fail("trained"))
    pipeline = run_stages(pipeline_in(tmp_path))
    assert all(pipeline.artifact(stage).hit for stage in STAGES)


IMPOSSIBLE = {
    "classes that are not there": (["forget_classes=[9]"], "there is no class 9"),
    "ng's bound": (["unlearner=ng", "unlearner.loss_bound=1.0"], "loss_bound=1.0 is too low"),
    "the original's batches": (["training.batch_size=1"], r"training\.batch_size=1\) are not possible .* 32x32"),
    "the unlearner's batches": (["unlearner=ft", "unlearner.batch_size=1"], r"unlearner\.batch_size=1\) are not"),
}


@pytest.mark.parametrize(("overrides", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_the_data_rule_out_is_refused_before_anything_is_trained(tmp_path, monkeypatch, overrides, message):
    write_npz(tmp_path / "images.npz", **images(side=32))
    for room in ("pipeline.stages", "training.task"):
        monkeypatch.setattr(f"unlearnleak.{room}.fit", lambda *a, **k: pytest.fail("trained"))
    words = overrides_in(tmp_path, "model=resnet18", *overrides)
    with pytest.raises(UserError, match=message):
        run_stages(Pipeline(make_plan(composed(*words))))
    assert re.search(message, planned(composed(*words), [], tmp_path / "run").why)  # and in a dry run


@pytest.mark.parametrize(
    ("side", "overrides"),
    [
        (12, ["model=lenet", "training.batch_size=1"]),
        (64, ["model=resnet18", "training.batch_size=1"]),  # four values a channel are left
        (32, ["model=resnet18", "unlearner=ng", "unlearner.batch_size=1"]),  # keeps the original's statistics
        (32, ["model=resnet18", "training.batch_size=2"]),
    ],
)
def test_small_batches_are_left_alone_where_they_do(tmp_path, side, overrides):
    write_npz(tmp_path / "images.npz", **images(side=side, train=9))
    pipeline = pipeline_in(tmp_path, *overrides, "training.epochs=1", "attack=head_sum")
    pipeline.check()
    last = (
        pipeline.artifact("unlearned") if "unlearner=ng" in overrides else pipeline.artifact("original")
    )  # and it can be trained
    assert len(last.meta["curve"]) >= 1


def test_the_datas_facts_need_no_gpu(tmp_path):
    artifact = pipeline_in(tmp_path, "runtime.device=cuda:77").artifact("data")  # a sweep is planned on a login node
    assert artifact.meta["made_with"]["device"] == "cpu"
    assert "device_memory_mib" not in artifact.meta


def test_a_gpu_is_opened_before_a_stage_is_computed_on_it(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr("torch.cuda.init", lambda: done.append("init"))
    monkeypatch.setattr("torch.cuda.reset_peak_memory_stats", lambda device: done.append(f"reset {device}"))
    monkeypatch.setattr("torch.cuda.max_memory_allocated", lambda device: 2**20)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: f"the GPU {device}")
    pipeline = pipeline_in(tmp_path)
    vars(pipeline.plan)["device"] = torch.device("cuda:1")
    stage = Stage("original", dict, {}, lambda work: Contents({}, {"done": list(done)}))
    meta = pipeline.engine.artifact(stage).meta
    assert meta["done"] == ["init", "reset cuda:1"]
    assert (meta["device_memory_mib"], meta["made_with"]["device"]) == (1.0, "cuda")
    assert meta["hardware"] == "the GPU cuda:1"


UNTIMED = ("seconds", "memory_mib", "device_memory_mib")


def numbers(artifact: Artifact) -> tuple[dict, dict]:
    meta = {name: value for name, value in artifact.meta.items() if name not in UNTIMED}
    return meta, {name: tensor.numpy().tobytes() for name, tensor in artifact.tensors.items()}


def all_numbers(pipeline: Pipeline) -> dict[str, tuple[dict, dict]]:
    return {stage: numbers(pipeline.artifact(stage)) for stage in STAGES}


# Attacks and unlearners that draw; inversion so that images are among the tensors.
DRAWING = {
    "param_dot": ["unlearner=rl", "attack=param_dot"],
    "param_diff": ["unlearner=rt", "attack=param_diff"],
    "genetic": ["unlearner=au", "attack=inversion_genetic"],
}


@pytest.mark.parametrize("overrides", DRAWING.values(), ids=DRAWING.keys())
def test_a_hit_and_a_miss_give_the_same_numbers(tmp_path, overrides):
    first = all_numbers(run_stages(pipeline_in(tmp_path, *overrides)))
    for gone in [*STAGES, STAGES]:  # each stage alone, then all
        for stage in [gone] if isinstance(gone, str) else gone:
            shutil.rmtree(tmp_path / "store" / stage)
        torch.rand(17), np.random.rand(17)  # what others draw does not matter
        pipeline = run_stages(pipeline_in(tmp_path, *overrides))
        assert [stage for stage in STAGES if not pipeline.artifact(stage).hit] == list(
            [gone] if isinstance(gone, str) else gone
        )
        assert all_numbers(pipeline) == first


@pytest.mark.parametrize("stage", STAGES)
def test_a_damaged_artifact_is_named_and_computed_again(tmp_path, caplog, stage):
    first = run_stages(pipeline_in(tmp_path))
    damaged = first.artifact(stage).path
    name = "tensors.safetensors" if first.artifact(stage).tensors else "meta.json"
    content = bytearray((damaged / name).read_bytes())
    content[-1] ^= 1
    (damaged / name).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        again = run_stages(pipeline_in(tmp_path))
    assert str(damaged) in caplog.text
    assert "damaged" in caplog.text
    assert [stage for stage in STAGES if not again.artifact(stage).hit] == [stage]
    assert all_numbers(again) == all_numbers(first)


def test_a_ledger_leaves_every_weight_as_it_is(tmp_path):
    plain, kept = (pipeline_in(tmp_path, f"unlearner={name}").artifact("original") for name in ("ft", "au"))
    assert plain.key != kept.key
    assert set(kept.tensors) == {*plain.tensors, "ledger_KP"}
    for name, tensor in plain.tensors.items():
        assert torch.equal(tensor, kept.tensors[name]), name
    assert numbers(plain)[0] == numbers(kept)[0]


@pytest.mark.parametrize(("unlearner", "trainings"), [("rt", 1), ("rl", 2)])  # retraining needs no original
def test_unlearning_is_done_in_the_precision_of_training(tmp_path, monkeypatch, unlearner, trainings):
    seen = []

    def spy(model, data, optimization, **more):
        seen.append(optimization.precision)
        return fit(model, data, optimization, **more)

    for room in ("pipeline.stages", "training.task"):
        monkeypatch.setattr(f"unlearnleak.{room}.fit", spy)
    pipeline_in(tmp_path, f"unlearner={unlearner}", "training.precision=bf16").artifact("unlearned")
    assert seen == ["bf16"] * trainings


def test_the_control_is_the_original(tmp_path):
    pipeline = run_stages(pipeline_in(tmp_path, "unlearner=none"))
    assert numbers(pipeline.artifact("original"))[1] == numbers(pipeline.artifact("unlearned"))[1]


def test_seeds_decide_their_stage(tmp_path):
    first = pipeline_in(tmp_path, "unlearner=ft").artifact("original")
    other = pipeline_in(tmp_path, "unlearner=ft", "seeds.original=1").artifact("original")
    assert not torch.equal(first.tensors["model.head.weight"], other.tensors["model.head.weight"])


def test_counts_are_those_of_the_stored_model(tmp_path):
    pipeline = run_stages(pipeline_in(tmp_path, "training.epochs=4"))
    for stage in ("original", "unlearned"):
        artifact = pipeline.artifact(stage)
        model, test = pipeline.model(stage), pipeline.plan.splits.test
        with torch.no_grad():
            right = model(model.normalize(test.images)).argmax(1) == test.labels
        assert artifact.meta["correct_test"] == [int(right[test.labels == c].sum()) for c in range(4)]
        assert artifact.meta["total_test"] == [5] * 4


def test_a_training_that_runs_away_is_told_in_words_and_stored_nowhere(tmp_path):
    with pytest.raises(UserError, match=r"diverged.*training\.lr"):
        pipeline_in(tmp_path, "training.lr=1e12", "training.schedule=constant", "training.warmup_epochs=0").artifact(
            "original"
        )
    assert not list((tmp_path / "store" / "original").glob("[0-9a-f]*"))


# What an attack and a screening are handed


class Spy:
    """Stands in for a component's call: keeps the arguments and calls on."""

    def __init__(self, monkeypatch, cls):
        self.calls, original = [], cls.__call__

        def call(this, *args, **kwargs):
            self.calls.append((args, kwargs))
            return original(this, *args, **kwargs)

        monkeypatch.setattr(cls, "__call__", call)


def test_an_attack_is_handed_access_auxiliary_data_and_a_generator(tmp_path, monkeypatch):
    attack, screening = Spy(monkeypatch, ParameterDotProduct), Spy(monkeypatch, Youden)
    pipeline = run_stages(pipeline_in(tmp_path))
    ((view, generator),), (kwargs,) = zip(*attack.calls, strict=True)
    auxiliary = view.auxiliary
    assert (type(view.target), type(auxiliary), type(generator)) == (WhiteBox, LabeledImages, torch.Generator)
    assert kwargs == {}
    expected = pipeline.plan.splits.auxiliary
    assert torch.equal(auxiliary.images, expected.images)
    assert torch.equal(auxiliary.class_counts(), torch.full((4,), 6))  # the forgotten class like all others
    (((evidence,), kwargs),) = screening.calls
    assert type(evidence) is DotProducts
    assert kwargs == {}


@pytest.mark.parametrize(
    ("attack", "access"),
    [
        ("head_sum", WhiteBox),
        ("inversion_gradient", WhiteBox),
        ("inversion_genetic", BlackBox),
        ("noise_prior", BlackBox),
    ],
)
def test_who_needs_no_auxiliary_data_gets_none(tmp_path, monkeypatch, attack, access):
    pipeline = pipeline_in(tmp_path, f"attack={attack}")
    spy = Spy(monkeypatch, type(pipeline.plan.attack))
    pipeline.artifact("evidence")
    (((view, _), _),) = spy.calls
    assert type(view.target) is access
    for part in ("auxiliary", "original", "shadows"):
        with pytest.raises(AccessDenied, match="does not grant"):
            getattr(view, part)


@pytest.mark.parametrize("attack", ["param_dot", "param_diff", "head_sum", "inversion_gradient", "inversion_genetic"])
def test_the_truth_changes_neither_evidence_nor_verdict(tmp_path, attack):
    """The control's weights are the same for every forget set; so must be all that follows from them."""

    def outcome(named: str, folder: str) -> tuple[bytes, ...]:
        (tmp_path / folder).mkdir()
        shutil.copy(tmp_path / "images.npz", tmp_path / folder)
        pipeline = pipeline_in(tmp_path / folder, "unlearner=none", f"attack={attack}", f"forget_classes={named}")
        # The truth is shuffled behind the stages' back too: whoever asks for it is told another one.
        pipeline.plan.unlearner.forgets = True
        for name in ("evidence", "verdict"):
            vars(pipeline.stages[name])["payload"] = {"stage": name}
        run_stages(pipeline)
        assert pipeline.forget_classes == tuple(int(c) for c in named.strip("[]").split(","))
        return tuple(
            tensor.numpy().tobytes()
            for stage in ("unlearned", "evidence", "verdict")
            for tensor in pipeline.artifact(stage).tensors.values()
        )

    write_npz(tmp_path / "images.npz")
    assert outcome("[0]", "a") == outcome("[1,3]", "b")


def test_evidence_survives_the_store(tmp_path):
    for attack in ("param_dot", "param_diff", "inversion_genetic", "noise_prior"):
        pipeline = pipeline_in(tmp_path, f"attack={attack}")
        artifact = pipeline.artifact("evidence")
        evidence = unpack(artifact, pipeline.plan.attack.evidence)
        again = pack(evidence)
        assert again.meta == {"kind": evidence.kind, "queries": evidence.queries}
        assert set(again.tensors) == set(artifact.tensors)
        assert all(torch.equal(again.tensors[name], tensor) for name, tensor in artifact.tensors.items())
        assert type(evidence) is pipeline.plan.attack.evidence
        assert ("calibration.forgotten_SK" in artifact.tensors) == isinstance(evidence, Calibrated)


def test_a_relative_path_starts_at_the_working_directory(tmp_path, monkeypatch):
    before = keys(tmp_path, *BASE)
    monkeypatch.chdir(tmp_path)
    overrides = [word for word in overrides_in(tmp_path, *BASE) if not word.startswith("dataset.path=")]
    config = composed(*overrides, f"dataset.path={os.curdir}/images.npz")
    assert Pipeline(make_plan(config)).key("verdict") == before["verdict"]
