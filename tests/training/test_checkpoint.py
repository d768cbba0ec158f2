"""A training that is interrupted and goes on must end as if nothing had happened, in every bit."""

import copy
import hashlib
import itertools
import logging
import multiprocessing
import os
import re
import resource
import shutil
import signal
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
import yaml
from torch.nn.functional import pad

from tests.jobs import pipeline_in
from tests.patience import PATIENCE
from tests.trained import SEED
from tests.training.conftest import Normalised
from unlearnleak.config.build import locate
from unlearnleak.config.folder import config_folder
from unlearnleak.data import ForgetSplit
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet
from unlearnleak.model.resnet18 import ResNet18
from unlearnleak.training.checkpoint import FOLDER, Checkpoints
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit
from unlearnleak.training.lit import LitTraining
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.task import Task
from unlearnleak.unlearner.au import Amnesiac
from unlearnleak.unlearner.au_placebo import AmnesiacPlacebo
from unlearnleak.unlearner.bad_teacher import BadTeacher
from unlearnleak.unlearner.base import TrainingUnlearner, Unlearner
from unlearnleak.unlearner.boundary_shrink import BoundaryShrink
from unlearnleak.unlearner.delete import Delete
from unlearnleak.unlearner.fewer_samples import FewerSamples
from unlearnleak.unlearner.ft import FineTune
from unlearnleak.unlearner.l1_sparse import L1Sparse
from unlearnleak.unlearner.ng import NegativeGradient
from unlearnleak.unlearner.noisy_labels import NoisyLabels
from unlearnleak.unlearner.rare_class import RareClass
from unlearnleak.unlearner.refit import Refit
from unlearnleak.unlearner.rl import RandomLabel
from unlearnleak.unlearner.rt import Retrain
from unlearnleak.unlearner.rt_noisy_labels import RetrainNoisyLabels
from unlearnleak.unlearner.rt_rare_class import RetrainRareClass
from unlearnleak.unlearner.salun import SaliencyUnlearning
from unlearnleak.unlearner.scrub import Scrub
from unlearnleak.unlearner.trew import TiltedReweighting
from unlearnleak.unlearner.undertrained import Undertrained
from unlearnleak.unlearner.unsir import Unsir

fork = multiprocessing.get_context("fork")
MODELS = {"lenet": LeNet, "normalised": Normalised, "resnet18": ResNet18}
HOW = Optimization(epochs=4, batch_size=64, lr=0.03, schedule="cosine", warmup_epochs=1.5, weight_decay=0.001)
PLAIN = {"epochs": 4, "lr": 0.05, "batch_size": 32}
UNLEARNERS = {
    "rt": Retrain,
    "ft": lambda: FineTune(**PLAIN),
    "rl": lambda: RandomLabel(**PLAIN, schedule="cosine"),
    "ng": lambda: NegativeGradient(
        **PLAIN | {"epochs": 100, "lr": 0.5, "momentum": 0.0, "batch_size": 16},
        clip_norm=0.04,
        forget_acc_goal=0.0,
        loss_bound=4.6,
        retain_weight=2.0,
        check_every=4,
    ),
    "au": lambda: Amnesiac(
        **PLAIN | {"epochs": 20, "clip_norm": 1.0}, schedule="cosine", repair_tolerance=0.002, share=1.0, rescale=False
    ),
    "au_placebo": lambda: AmnesiacPlacebo(
        **PLAIN | {"clip_norm": 1.0}, ledger="random", repair_tolerance=0.0, share=1.0, rescale=False
    ),
    "refit": lambda: Refit(**PLAIN),
    "noisy_labels": lambda: NoisyLabels(share=0.3),
    "rare_class": lambda: RareClass(share=0.2),
    "rt_noisy_labels": lambda: RetrainNoisyLabels(share=0.3),
    "rt_rare_class": lambda: RetrainRareClass(share=0.2),
    "fewer_samples": lambda: FewerSamples(share=0.2),
    "undertrained": lambda: Undertrained(share=1.0),
    "trew": lambda: TiltedReweighting(**PLAIN, tilt=10.0, explained=0.9),
    "delete": lambda: Delete(**PLAIN | {"batch_size": 16}),
    "boundary_shrink": lambda: BoundaryShrink(**PLAIN | {"batch_size": 16}, step=0.1),
    "l1_sparse": lambda: L1Sparse(**PLAIN, alpha=0.001, free_epochs=1),
    "salun": lambda: SaliencyUnlearning(**PLAIN | {"batch_size": 16}, share=0.5),
    "scrub": lambda: Scrub(
        **PLAIN | {"epochs": 7, "clip_norm": 1.0},
        **{"alpha": 0.5, "gamma": 1.0, "temperature": 4.0, "max_epochs": 4, "forget_batch_size": 16},
    ),
    "unsir": lambda: Unsir(
        **PLAIN | {"lr": 0.005},
        **{"noise_images": 16, "noise_repeats": 2, "noise_steps": 5, "noise_lr": 0.1, "noise_penalty": 0.1},
        **{"retain_per_class": 20, "repair_epochs": 3, "repair_lr": 0.002},
    ),
    "bad_teacher": lambda: BadTeacher(**PLAIN | {"lr": 0.001}, retain_share=0.3, temperature=1.0),
}
MOVED = ["lenet and moved ledger", "ng and moved", "scrub and moved"]
"""Kinds whose images are augmented."""
KINDS = ["lenet", "normalised", "resnet18", "lenet and ledger", "normalised and ledger", *UNLEARNERS, *MOVED]


class Stopped(Exception):
    """What the tests interrupt a training with."""


class Stop(pl.Callback):
    """Does something at one batch of one epoch, both counted from 0."""

    def __init__(self, epoch, batch, act):
        self.at, self.act = (epoch, batch), act

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == self.at:
            self.act()


class StopSecond(Stop):
    """The same in the second training alone."""

    fits = 0

    def on_fit_start(self, trainer, pl_module):
        self.fits += 1

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if self.fits == 2:
            super().on_train_batch_start(trainer, pl_module, batch, batch_idx)


def interrupt():
    raise Stopped


@dataclass(frozen=True, kw_only=True, eq=False)
class Stopping(Task):
    """A task whose training is interrupted."""

    stops: list[pl.Callback] = field(default_factory=list)

    def fit(self, model, data, optimization, callbacks=()):
        return super().fit(model, data, optimization, [*callbacks, *self.stops])


def fresh(name, digits):
    side = 32 if name == "resnet18" else 28
    with isolated(SEED, "weights"):
        return MODELS[name](image_shape=(1, side, side), num_classes=10, mean=digits.mean, std=digits.std)


def part(data, name):
    """Fewer images than there are, of the size that the model takes."""
    few = data.select(torch.arange(16 if name == "resnet18" else 360))
    return replace(few, images=pad(few.images, (2, 2, 2, 2))) if name == "resnet18" else few


def checkpoints_in(folder, **settings):
    return Checkpoints(**{"folder": folder, "seconds": 0.0, "made_with": {"torch": "2"}} | settings)


class Generators(dict):
    """Of this kind of training, one for each name; they go on from where they were."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def __missing__(self, name):
        return self.setdefault(name, generator(SEED, self.kind, name))


def beside(checkpoints, part):
    """Of a task's first training, or the same for a later one."""
    folder = checkpoints.folder.with_name(checkpoints.folder.name + part)
    return checkpoints_in(folder, seconds=checkpoints.seconds) if part else checkpoints


def train(kind, original, checkpoints=None, stop=None):
    """Train as the pipeline does, from nothing but the seed. Returns everything that the training decides."""
    digits, generators = original.splits, Generators(kind)
    how = replace(HOW, augmentation="crop_flip" if kind in MOVED else "none")
    name, _, ledger = kind.partition(" and ")
    train, test = part(digits.train, name), part(digits.test, name)
    if name in UNLEARNERS:
        callback = UNLEARNERS[name]()
        task = Stopping(
            original=None if callback.start == "scratch" else copy.deepcopy(original.model),
            fresh=lambda: fresh("lenet", digits),
            split=ForgetSplit.of(train, (3,)),
            test=test,
            training=how,
            generator=generators.__getitem__,
            records={"class_updates": original.ledger},
            checkpoints=lambda part: checkpoints and beside(checkpoints, part),
        )
        task.stops.extend([stop] if stop else [])
        model = callback.unlearn(task)
        rows = task.curve
    else:
        model, callback = fresh(name, digits), ClassLedger(10) if ledger else pl.Callback()
        how = replace(how, batch_size=8) if name == "resnet18" else how
        more = {"label": kind, "callbacks": [callback, *([stop] if stop else [])], "checkpoints": checkpoints}
        rows = fit(model, train, how, test=test, generator=generators["batches"], **more)
    tensors = {**model.state_dict(), "drawn": torch.cat([generators[name].get_state() for name in sorted(generators)])}
    if isinstance(callback, ClassLedger):
        tensors["ledger_KP"] = callback.ledger_KP
    return tensors, rows, getattr(callback, "report", None)


@pytest.fixture(scope="module")
def undisturbed(original):
    """How each kind of training ends when nothing happens."""
    ends = {}

    def end(kind):
        if kind not in ends:
            ends[kind] = train(kind, original)
        return ends[kind]

    return end


def assert_same(found, expected):
    (tensors, rows, report), (wanted, wanted_rows, wanted_report) = found, expected
    assert [name for name in wanted if not torch.equal(tensors[name], wanted[name])] == []
    assert rows == wanted_rows
    assert report == wanted_report


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_on_to_the_same_bits(original, undisturbed, tmp_path, kind):
    """Interrupted right after a checkpoint, then in the middle of the epoch after another one."""
    folder = tmp_path / "ab"
    for epoch, batch in ((1, 0), (2, 1)):
        with pytest.raises(Stopped):
            train(kind, original, checkpoints_in(folder), Stop(epoch, batch, interrupt))
    last = checkpoints_in(folder)
    found = train(kind, original, last)
    assert last.resumed_from_epoch == 2
    assert len(found[1]) > 2  # epochs that were trained after the last interruption
    assert_same(found, undisturbed(kind))
    assert undisturbed(kind)[1][2]["train_loss"] != undisturbed(kind)[1][1]["train_loss"]


@pytest.mark.parametrize("kind", ["scrub", "unsir"])
def test_the_second_training_of_a_task_goes_on_after_the_first_is_repeated(original, undisturbed, tmp_path, kind):
    folder, second = tmp_path / "ab", StopSecond(2, 1, interrupt)
    with pytest.raises(Stopped):
        train(kind, original, checkpoints_in(folder), second)
    assert second.fits == 2
    assert list(tmp_path.glob("ab-2/*.ckpt"))
    found = train(kind, original, checkpoints_in(folder))
    assert_same(found, undisturbed(kind))


def test_what_was_reported_before_is_part_of_the_report(undisturbed):
    """The methods that stop by themselves did so after the interruptions above, or these would show nothing."""
    assert undisturbed("ng")[2]["stopped_by"] == "forget_acc_goal"
    assert undisturbed("ng")[2]["steps"] > 3 * 2
    assert 3 <= undisturbed("au")[2]["repair_epochs"] < 20


def test_every_unlearner_is_tried():
    files = Path(config_folder(), "unlearner").glob("*.yaml")
    kinds = {path.stem: locate(yaml.safe_load(path.read_text())["_target_"], Unlearner, "unlearner") for path in files}
    assert {name for name, kind in kinds.items() if issubclass(kind, TrainingUnlearner)} == set(UNLEARNERS)


def epochs_with_a_checkpoint(original, folder, clock, seconds):
    """After which of the four epochs LeNet's training wrote one."""
    seen = []
    checkpoints = checkpoints_in(folder, seconds=seconds, clock=clock)
    save = checkpoints.files.save_checkpoint

    def watched(checkpoint, path, storage_options=None):
        seen.append(checkpoint["epoch"] + 1)
        save(checkpoint, path, storage_options)

    checkpoints.files.save_checkpoint = watched
    train("lenet", original, checkpoints)
    return seen


def test_one_is_written_when_it_is_time_and_none_at_the_end(original, tmp_path):
    now = itertools.count().__next__  # a second passes from each look at the clock to the next
    assert epochs_with_a_checkpoint(original, tmp_path / "a", now, 0) == [1, 2, 3]
    assert epochs_with_a_checkpoint(original, tmp_path / "b", now, 2) == [2]
    assert epochs_with_a_checkpoint(original, tmp_path / "c", now, 100) == []


def test_none_is_written_where_a_method_ends_the_training(original, tmp_path, monkeypatch):
    """Going on from there would train an epoch too many: that it was to stop is in no checkpoint."""
    monkeypatch.setitem(UNLEARNERS, "au", lambda: Amnesiac(**PLAIN, repair_tolerance=1.0, share=1.0, rescale=False))
    _, rows, report = train("au", original, checkpoints_in(tmp_path / "ab"))
    assert len(rows) == report["repair_epochs"] == 1
    assert list(tmp_path.iterdir()) == []


def test_a_short_training_writes_nothing(original, tmp_path):
    train("lenet", original, checkpoints_in(tmp_path / "x" / "ab", seconds=300))
    assert list(tmp_path.iterdir()) == []


def test_the_seconds_before_are_counted(original, tmp_path):
    clock = itertools.count(0, 10).__next__
    with pytest.raises(Stopped):
        train("lenet", original, checkpoints_in(tmp_path / "ab", clock=clock), Stop(1, 3, interrupt))
    # Looked at when made, at the start, at the first epoch's end, and when the state was taken.
    went_on = checkpoints_in(tmp_path / "ab")
    train("lenet", original, went_on)
    assert went_on.seconds_before == 20


@pytest.mark.parametrize("difference", ["device", "another model"])
def test_one_that_fits_no_longer_is_left_out_with_a_warning(original, undisturbed, tmp_path, caplog, difference):
    before = "lenet" if difference == "device" else "normalised"
    with pytest.raises(Stopped):
        train(before, original, checkpoints_in(tmp_path / "ab"), Stop(2, 1, interrupt))
    made_with = {"torch": "2"} | ({"device": "cuda"} if difference == "device" else {})
    checkpoints = checkpoints_in(tmp_path / "ab", made_with=made_with)
    assert_same(train("lenet", original, checkpoints), undisturbed("lenet"))
    assert checkpoints.resumed_from_epoch == 0
    assert "another version or device" in caplog.text


def test_one_of_a_layout_before_is_left_out_with_a_warning(original, undisturbed, tmp_path, caplog):
    """Classifiers were Lightning modules themselves once: their tensors' names had nothing before them."""
    with pytest.raises(Stopped):
        train("lenet", original, checkpoints_in(tmp_path / "ab"), Stop(2, 1, interrupt))

    def older(held):
        return held | {"state_dict": {name.removeprefix("model."): w for name, w in held["state_dict"].items()}}

    rewrite(tmp_path / "ab", older)
    checkpoints = checkpoints_in(tmp_path / "ab")
    assert_same(train("lenet", original, checkpoints), undisturbed("lenet"))
    assert checkpoints.resumed_from_epoch == 0
    assert f"{tmp_path / 'ab'} was made with another version" in caplog.text


def test_a_damaged_one_is_left_out_with_a_warning(original, undisturbed, tmp_path, caplog):
    with pytest.raises(Stopped):
        train("lenet", original, checkpoints_in(tmp_path / "ab"), Stop(2, 1, interrupt))
    (file,) = (tmp_path / "ab").iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert_same(train("lenet", original, checkpoints_in(tmp_path / "ab")), undisturbed("lenet"))
    assert str(file) in caplog.text


def rewrite(folder, change):
    """Change what the one checkpoint in a folder holds, under the digest that is then right."""
    (file,) = folder.glob("*.ckpt")
    held = torch.load(file, weights_only=True)
    file.unlink()
    torch.save(change(held), folder / "new")
    named = folder / f"{hashlib.sha256((folder / 'new').read_bytes()).hexdigest()}.ckpt"
    (folder / "new").rename(named)
    return named


def without(held, name):
    return {key: value for key, value in held.items() if key != name}


LACKING = {
    "callbacks": lambda held: without(held, "callbacks"),
    "callbacks that are none": lambda held: held | {"callbacks": None},
    "one callback": lambda held: held | {"callbacks": without(held["callbacks"], "Curve")},
    "its own": lambda held: held | {"callbacks": without(held["callbacks"], "Checkpoints")},
    "the weights": lambda held: without(held, "state_dict"),
    "the optimiser": lambda held: without(held, "optimizer_states"),
    "the loops": lambda held: without(held, "loops"),
    "where it stood": lambda held: held | {"loops": {"fit_loop": {}}},
    "an optimiser": lambda held: held | {"optimizer_states": []},
    "the epoch": lambda held: without(held, "epoch"),
    "the version": lambda held: without(held, "pytorch-lightning_version"),
    "all of it": lambda held: {"nothing": 0},
    "a dictionary": lambda held: [1, 2],
}


@pytest.mark.parametrize("change", LACKING.values(), ids=LACKING.keys())
def test_one_that_lacks_a_part_is_named_set_aside_and_computed_again(original, undisturbed, tmp_path, caplog, change):
    with pytest.raises(Stopped):
        train("lenet", original, checkpoints_in(tmp_path / "ab"), Stop(2, 1, interrupt))
    file = rewrite(tmp_path / "ab", change)
    checkpoints = checkpoints_in(tmp_path / "ab", seconds=300)
    assert_same(train("lenet", original, checkpoints), undisturbed("lenet"))
    assert checkpoints.resumed_from_epoch == 0
    assert f"{file} cannot be used and is set aside: it " in caplog.text
    assert [path.suffix for path in (tmp_path / "ab").iterdir()] == [".unusable"]


def test_text_of_the_right_digest_is_set_aside(original, undisturbed, tmp_path, caplog):
    (tmp_path / "ab").mkdir()
    text = b"[" * 100_000
    (tmp_path / "ab" / f"{hashlib.sha256(text).hexdigest()}.ckpt").write_bytes(text)
    assert_same(train("lenet", original, checkpoints_in(tmp_path / "ab", seconds=300)), undisturbed("lenet"))
    assert "is set aside" in caplog.text


def test_one_that_lightning_cannot_go_on_from_is_named_and_trained_anew_by_repeating(original, undisturbed, tmp_path):
    with pytest.raises(Stopped):
        train("lenet", original, checkpoints_in(tmp_path / "ab"), Stop(2, 1, interrupt))
    rewrite(tmp_path / "ab", lambda held: held | {"optimizer_states": [{"state": {}, "param_groups": []}]})
    with pytest.raises(UserError, match=r"ab cannot be gone on from \(.* is set aside"):
        train("lenet", original, checkpoints_in(tmp_path / "ab"))
    assert_same(train("lenet", original, checkpoints_in(tmp_path / "ab")), undisturbed("lenet"))


def test_one_that_is_removed_after_it_was_found_does_no_harm(original, undisturbed, tmp_path):
    """As another process does that has ended the same training."""
    with pytest.raises(Stopped):
        train("lenet", original, checkpoints_in(tmp_path / "ab"), Stop(2, 1, interrupt))
    checkpoints = checkpoints_in(tmp_path / "ab")
    find = checkpoints.find

    def found_and_lost(*args):
        found = find(*args)
        checkpoints.discard()
        return found

    checkpoints.find = found_and_lost
    assert_same(train("lenet", original, checkpoints), undisturbed("lenet"))
    assert checkpoints.resumed_from_epoch == 2


def test_a_full_disk_ends_no_training(original, undisturbed, tmp_path, caplog):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        found = train("lenet", original, checkpoints_in(tmp_path / "ab"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_same(found, undisturbed("lenet"))
    assert "no checkpoint could be written" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_removing_what_is_gone_or_cannot_go_is_no_error(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    checkpoints_in(tmp_path / "ab").discard()
    (tmp_path / "ab").mkdir()

    def full(path):
        raise OSError("Directory not empty")

    monkeypatch.setattr("pathlib.Path.rmdir", full)
    checkpoints_in(tmp_path / "ab").discard()
    assert "Directory not empty" in caplog.text


# Through the pipeline

JOB = ("unlearner=rl", "training.epochs=4", "unlearner.epochs=4", "runtime.checkpoint_seconds=0")


def job_in(folder, *overrides):
    folder.mkdir(exist_ok=True)
    return pipeline_in(folder, *JOB, *overrides)


def outcome(pipeline, stage):
    """The stage's artifact, and its meta without what may differ from one computation to the next."""
    artifact = pipeline.artifact(stage)
    meta = {k: v for k, v in artifact.meta.items() if k not in ("seconds", "memory_mib", "resumed_from_epoch")}
    return artifact, meta


def killed_in_a_child(folder, stage, act):
    """Run the job in a process of its own that does `act` in the third epoch of that stage's training."""

    def child():
        pipeline = job_in(folder)
        if stage == "unlearned":
            pipeline.artifact("original")
        usual = LitTraining.training_step

        def training_step(lit, batch, batch_idx):
            if (lit.current_epoch, batch_idx) == (2, 1):
                act()
            return usual(lit, batch, batch_idx)

        LitTraining.training_step = training_step
        pipeline.artifact(stage)

    process = fork.Process(target=child)
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_when_writing():
    """From now on a checkpoint's file is written half, and then the process is killed."""

    def half(checkpoint, file):
        file.write(b"PK\x03\x04" + bytes(1000))
        file.flush()
        kill()

    torch.save = half


@pytest.mark.parametrize("act", [kill, kill_when_writing])
@pytest.mark.parametrize("stage", ["original", "unlearned"])
def test_a_killed_job_goes_on_and_leaves_nothing(tmp_path, caplog, stage, act):
    caplog.set_level(logging.INFO)
    expected, expected_meta = outcome(job_in(tmp_path / "undisturbed"), stage)
    killed_in_a_child(tmp_path / "killed", stage, act)
    store = tmp_path / "killed" / "store"
    assert len(list((store / FOLDER / stage / expected.key).iterdir())) == 1
    found, meta = outcome(job_in(tmp_path / "killed"), stage)
    assert meta == expected_meta
    assert [name for name, t in expected.tensors.items() if not torch.equal(t, found.tensors[name])] == []
    assert found.meta["resumed_from_epoch"] == 2
    assert "resumed_from_epoch" not in expected.meta
    assert found.meta["seconds"] > 0
    assert "goes on from epoch 2 of 4" in caplog.text
    left = [path for path in (store / FOLDER).rglob("*") if path.is_file()]
    assert all(".tmp" in str(path) for path in left)
    assert len(left) == (act is kill_when_writing)  # what the killed one had begun to write, which is never read


def test_a_ledger_in_parts_is_the_ledger_and_goes_on_in_the_part_that_was_killed(tmp_path, caplog, monkeypatch):
    """Each part is a training of its own, which ends in the same weights."""
    caplog.set_level(logging.INFO)
    at_once, in_parts = ["unlearner=au"], ["unlearner=au", "unlearner.ledger_classes=2"]
    whole = job_in(tmp_path / "whole", *at_once).artifact("original")
    expected = job_in(tmp_path / "parts", *in_parts).artifact("original")
    assert (expected.key, expected.tensors["ledger_KP"].shape) == (whole.key, whole.tensors["ledger_KP"].shape)
    for name, tensor in whole.tensors.items():
        if name == "ledger_KP":
            torch.testing.assert_close(tensor, expected.tensors[name], rtol=1e-4, atol=1e-7)
        else:
            assert torch.equal(tensor, expected.tensors[name]), name
    assert expected.meta["curve"] == whole.meta["curve"]

    def die_in_the_second_part():
        pipeline, usual, begun = job_in(tmp_path / "killed", *in_parts), ClassLedger.on_fit_start, []

        def on_fit_start(ledger, *what):
            begun.append(ledger.classes)
            usual(ledger, *what)

        def on_train_epoch_start(ledger, trainer, module):
            if len(begun) == 2 and trainer.current_epoch == 2:
                kill()

        monkeypatch.setattr(ClassLedger, "on_fit_start", on_fit_start)
        monkeypatch.setattr(ClassLedger, "on_train_epoch_start", on_train_epoch_start)
        pipeline.artifact("original")

    process = fork.Process(target=die_in_the_second_part)
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    caplog.clear()
    others = shutil.copytree(tmp_path / "killed", tmp_path / "others")
    found = job_in(others, "unlearner=au", "unlearner.ledger_classes=3").artifact("original")  # other parts start anew
    torch.testing.assert_close(found.tensors["ledger_KP"], whole.tensors["ledger_KP"], rtol=1e-4, atol=1e-7)
    assert "goes on" not in caplog.text
    found = job_in(tmp_path / "killed", *in_parts).artifact("original")
    assert all(torch.equal(tensor, found.tensors[name]) for name, tensor in expected.tensors.items())
    assert re.findall("goes on from epoch . of 4", caplog.text) == [f"goes on from epoch {n} of 4" for n in (3, 2)]
    assert not [path for path in (tmp_path / "killed" / "store" / FOLDER).rglob("*") if path.is_file()]


def test_what_was_found_in_the_store_is_no_resumed_training(tmp_path):
    job_in(tmp_path).artifact("original")
    again = job_in(tmp_path)
    assert again.artifact("original").hit
    assert "resumed_from_epoch" not in again.artifact("original").meta


@pytest.mark.parametrize("seconds", ["null", "300"])
def test_by_default_and_with_null_small_jobs_write_none(tmp_path, seconds):
    pipeline_in(tmp_path, *JOB[:-1], f"runtime.checkpoint_seconds={seconds}").artifact("unlearned")
    assert not (tmp_path / "store" / FOLDER).exists()


def test_two_processes_that_compute_the_same_do_not_disturb_each_other(tmp_path):
    """Without a working lock, as on some network file systems: both train, both save, the first to end removes."""
    expected, expected_meta = outcome(job_in(tmp_path / "alone"), "original")
    folder = tmp_path / "both"
    job_in(folder).artifact("data")  # the file of images, and the store
    for lock in (folder / "store" / ".locks").iterdir():
        lock.unlink()
    (folder / "store" / ".locks").rmdir()
    (folder / "store" / ".locks").write_text("in the way")
    barrier = fork.Barrier(4)

    def child(number):
        pipeline = job_in(folder)
        barrier.wait(PATIENCE)
        time.sleep(0.1 * number)
        artifact, meta = outcome(pipeline, "original")
        assert meta == expected_meta
        assert all(torch.equal(t, artifact.tensors[name]) for name, t in expected.tensors.items())

    children = [fork.Process(target=child, args=(number,)) for number in range(4)]
    for process in children:
        process.start()
    for process in children:
        process.join(PATIENCE)
    assert [process.exitcode for process in children] == [0] * 4


def test_less_than_no_seconds_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"runtime\.checkpoint_seconds=-1.*0 or more.*null"):
        job_in(tmp_path, "runtime.checkpoint_seconds=-1")
