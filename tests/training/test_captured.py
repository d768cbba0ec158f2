"""Blocks of steps against the same steps batch by batch: on a CPU, where a step is called again and not replayed, or
its operations are recorded and repeated as a graph's are."""

import logging
from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from tests.jobs import composed, pipeline_in
from tests.recorded import Recorded
from tests.trained import flat
from unlearnleak.config.build import locate
from unlearnleak.config.folder import config_folder
from unlearnleak.data import LabeledImages
from unlearnleak.machine.graphs import WARM_UPS, allow_graphs, taken_back
from unlearnleak.machine.seeds import generator
from unlearnleak.training import captured, class_recorder
from unlearnleak.training import fit as fitting
from unlearnleak.training.batches import Blocks, Pass, Passes, ResidentBatches
from unlearnleak.training.captured import Outside, is_captured, why_not_captured
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.curve import Curve, FrozenStatistics
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner import bad_teacher, trew
from unlearnleak.unlearner.base import TrainingUnlearner, Unlearner

CUDA = torch.device("cuda:0")
UNLEARNERS = sorted(path.stem for path in Path(config_folder(), "unlearner").glob("*.yaml") if path.stem != "imported")
HOW = Optimization(epochs=3, batch_size=16, lr=0.05, weight_decay=1e-3, schedule="cosine", warmup_epochs=0.5)


@pytest.fixture
def in_blocks(monkeypatch):
    """Let trainings go in blocks on a CPU, or not, with a graph that is none: a step that is warmed up and put back."""

    def choose(yes, block=5):
        monkeypatch.setattr(fitting, "is_captured", lambda *_: yes)
        monkeypatch.setattr(captured, "BLOCK", block)
        monkeypatch.setattr(captured, "repeated", warmed_up)

    return choose


def warmed_up(step, state, device, what, *, times):
    """What machine.graphs does before it captures."""
    with taken_back(state):
        for _ in range(WARM_UPS):
            step()
    return step


def close(one, other):
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.fixture
def recorded(monkeypatch):
    """Have every training go in blocks whose steps are recorded, by the ways that a GPU goes."""

    def choose():
        recorder = Recorded()
        monkeypatch.setattr(fitting, "is_captured", lambda *_: True)
        monkeypatch.setattr(captured, "BLOCK", 5)
        monkeypatch.setattr(captured, "repeated", recorder)
        monkeypatch.setattr(Optimization, "captured_optimizer", fused)
        monkeypatch.setattr(class_recorder, "ClassLedger", partial(ClassLedger, masks=True))
        monkeypatch.setattr(bad_teacher, "runs_behind", lambda _: True)
        monkeypatch.setattr(trew, "one_hot", scattered)  # PyTorch's own asks on a CPU alone
        return recorder

    return choose


def fused(how, parameters, device):
    """The optimiser of captured steps: its rate is a tensor, which unfused SGD would ask on a CPU."""
    return how.made(parameters, lr=torch.tensor(how.lr), fused=True)


def scattered(labels_B: Tensor, num_classes: int) -> Tensor:
    return torch.zeros(len(labels_B), num_classes, dtype=torch.int64).scatter(1, labels_B[:, None], 1)


@pytest.mark.parametrize("unlearner", UNLEARNERS)
def test_recorded_steps_end_where_batches_do(tmp_path, recorded, unlearner):
    ends, recorder = {}, None
    for yes in (False, True):
        recorder = recorded() if yes else None
        words = [f"unlearner={unlearner}", f"store={tmp_path / str(yes)}", "training.epochs=3"]
        pipeline = pipeline_in(tmp_path, *words, "training.weight_decay=0.01")
        ends[yes] = {stage: pipeline.artifact(stage) for stage in ("original", "unlearned")}
    assert recorder.asked
    for stage, plain in ends[False].items():
        blocks = ends[True][stage]
        assert blocks.tensors.keys() == plain.tensors.keys()
        for name, tensor in plain.tensors.items():
            close(blocks.tensors[name], tensor)
        numbers = [[list(row.values()) for row in each.meta.get("curve", [])] for each in (plain, blocks)]
        close(*map(torch.tensor, numbers))


def trained(model, digits, how, callbacks=(), **more):
    rows = fit(
        model,
        digits.train,
        how,
        test=digits.test,
        generator=generator(0, "batches"),
        label="training",
        callbacks=callbacks,
        **more,
    )
    return flat(model), rows


@pytest.mark.parametrize("block", [4, 7, 1000])
@pytest.mark.parametrize(
    "how",
    [
        HOW,
        Optimization(epochs=2, batch_size=64, lr=0.1, momentum=0.0, clip_norm=0.05),
        Optimization(optimizer="adam", epochs=2, batch_size=64, lr=1e-3, schedule="cosine"),
        Optimization(optimizer="adamw", epochs=2, batch_size=64, lr=1e-3, weight_decay=0.5, warmup_epochs=0.5),
        Optimization(epochs=4, batch_size=64, lr=0.05, schedule="step"),
        Optimization(epochs=2, batch_size=64, lr=0.05, precision="bf16"),
    ],
    ids=["cosine", "clipped", "adam", "adamw", "step", "bf16"],
)
def test_any_block_has_the_same_steps(digits, fresh_lenet, in_blocks, how, block):
    in_blocks(False)
    plain, rows = trained(fresh_lenet(), digits, how)
    in_blocks(True, block)
    weights, found = trained(fresh_lenet(), digits, how)
    close(weights, plain)
    assert [row["train_acc"] for row in found] == pytest.approx([row["train_acc"] for row in rows], abs=2e-3)
    assert [row["train_loss"] for row in found] == pytest.approx([row["train_loss"] for row in rows], rel=1e-3)


def test_a_ledger_in_blocks_is_the_one_of_batches(digits, fresh_lenet, in_blocks):
    in_blocks(False)
    plain, masked = ClassLedger(10, masks=False), ClassLedger(10, masks=True)
    before = flat(fresh_lenet())
    weights, _ = trained(fresh_lenet(), digits, HOW, [plain])
    in_blocks(True)
    trained(fresh_lenet(), digits, HOW, [masked])
    close(masked.ledger_KP, plain.ledger_KP)
    assert plain.ledger_KP.abs().max() > 0.1 * (weights - before).abs().max()


class Killed(Exception):
    """What ends a training early."""


@pytest.fixture
def killed(monkeypatch):
    """Train an original of these words until its third epoch begins, where the training ends early."""
    begin = Curve.on_train_epoch_start

    def kill(self, trainer, module):
        if trainer.current_epoch == 2:
            raise Killed
        begin(self, trainer, module)

    def train(folder, *words):
        with monkeypatch.context() as patch:
            patch.setattr(Curve, "on_train_epoch_start", kill)
            with pytest.raises(Killed):
                pipeline_in(folder, *words).artifact("original")

    return train


def test_a_killed_training_in_blocks_goes_on_to_the_same_bits(tmp_path, in_blocks, killed):
    in_blocks(True)
    words = ["unlearner=ng", "unlearner.check_every=2", "training.epochs=4", "runtime.checkpoint_seconds=0"]
    whole = pipeline_in(tmp_path, *words, f"store={tmp_path / 'whole'}").artifact("original")
    killed(tmp_path, *words)
    on = pipeline_in(tmp_path, *words).artifact("original")
    assert on.meta["resumed_from_epoch"] == 2
    assert all(torch.equal(on.tensors[name], tensor) for name, tensor in whole.tensors.items())
    assert on.meta["curve"] == whole.meta["curve"]


def test_a_checkpoint_of_batches_is_not_gone_on_from_in_blocks(tmp_path, in_blocks, killed):
    words = ["training.epochs=4", "runtime.checkpoint_seconds=0"]
    in_blocks(False)
    killed(tmp_path, *words)
    in_blocks(True)
    assert pipeline_in(tmp_path, *words).artifact("original").meta.get("resumed_from_epoch") is None


def numbered(count):
    return LabeledImages(torch.zeros(count, 1, 1, 1, dtype=torch.uint8), torch.arange(count), count)


def test_blocks_are_the_batches_in_order():
    parts = [Pass(numbered(23), 4), Pass(numbered(9), 3)]
    batches = [labels for _, labels in Passes(parts, generator(0))]
    blocks = list(Blocks(Passes(parts, generator(0)), 2))
    assert [(block.pass_number, block.first, len(block.index_SB)) for block in blocks] == [
        (0, 0, 2),
        (0, 2, 2),
        (0, 4, 1),
        (1, 5, 2),
        (1, 7, 1),
    ]
    assert torch.equal(torch.cat([block.index_SB.flatten() for block in blocks]), torch.cat(batches))


@pytest.mark.parametrize("done", [0, 5])
def test_blocks_end_where_somebody_looks(done):
    """Counted from the first epoch's first batch, also where a training goes on."""
    blocks, ends = Blocks(ResidentBatches(numbered(20), 4, generator(0)), 100, every=3, done=done), []
    for _ in range(2):
        for block in blocks:
            done += len(block.index_SB)
            ends.append(done)
    every_third = {end for end in range(min(ends) - 2, done + 1) if end % 3 == 0 and end >= min(ends)}
    assert every_third <= set(ends)


class Plain(pl.Callback):
    """Says nothing about captures."""


class Derived(FrozenStatistics):
    """Nor does this one, whose base does."""


@pytest.mark.parametrize("callback", [Plain(), Derived()])
def test_who_does_not_say_that_it_may_be_captured_is_not(callback, caplog):
    name = type(callback).__name__
    assert why_not_captured([FrozenStatistics(), callback], CUDA) == f"{name} does not say captured = True"
    with caplog.at_level(logging.INFO):
        assert not is_captured([callback], CUDA, "unlearning")
    assert caplog.messages == [f"unlearning goes batch by batch: {name} does not say captured = True"]


def test_steps_are_captured_on_a_gpu_unless_the_user_says_no():
    assert why_not_captured([FrozenStatistics()], CUDA) is None
    assert why_not_captured([FrozenStatistics()], torch.device("cpu")) == "the device is cpu"
    allow_graphs(False)
    try:
        assert why_not_captured([FrozenStatistics()], CUDA) == "runtime.cuda_graphs=false"
    finally:
        allow_graphs(True)


def test_lightning_does_not_call_what_is_within_a_step():
    class Watches(pl.Callback):
        def __init__(self):
            self.seen = []

        def on_train_batch_start(self, *_):
            self.seen.append("within")

        def on_train_epoch_end(self, *_):
            self.seen.append("outside")

        def state_dict(self):
            return {"seen": self.seen}

    outside = Outside(Watches())
    outside.on_train_batch_start(None, None, None, 0)
    outside.on_train_epoch_end(None, None)
    assert outside.state_dict() == {"seen": ["outside"]}
    assert outside.state_key == Watches().state_key


def test_every_unlearner_that_trains_may_be_captured():
    kinds = [locate(composed(f"unlearner={name}").unlearner["_target_"], Unlearner, "unlearner") for name in UNLEARNERS]
    training = [kind for kind in kinds if issubclass(kind, TrainingUnlearner)]
    assert len(training) > 10
    assert [kind.__name__ for kind in training if not vars(kind).get("captured")] == []
