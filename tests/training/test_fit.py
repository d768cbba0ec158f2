import gc
import os
import signal
import weakref

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from tests.trained import TRAINING, flat
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.predict import evaluate

HOW = Optimization(epochs=2, batch_size=48, lr=0.05, schedule="cosine", warmup_epochs=0.5, weight_decay=0.01)


def plain_loop(model, data, test, how, order):
    """The same training without Lightning. Returns the curve's rows."""
    steps, rows, step = len(data) // how.batch_size, [], 0
    optimizer = torch.optim.SGD(model.parameters(), lr=how.lr, momentum=how.momentum, weight_decay=how.weight_decay)
    scheduled = Optimization(**{**vars(how), "steps_per_epoch": steps})
    for epoch in range(how.epochs):
        model.train()
        index_N = torch.randperm(len(data), generator=order)
        losses, hits = [], 0
        for batch in range(steps):
            chosen = index_N[batch * how.batch_size : (batch + 1) * how.batch_size]
            with torch.autocast("cpu", torch.bfloat16, enabled=how.precision == "bf16"):
                logits = model(model.normalize(data.images[chosen]))
                loss = nn.functional.cross_entropy(logits, data.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            if how.clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), how.clip_norm)
            optimizer.param_groups[0]["lr"] = how.lr * scheduled.rate_at(step)
            optimizer.step()
            step += 1
            losses.append(loss.item())
            hits += int((logits.argmax(1) == data.labels[chosen]).sum())
        model.eval()
        with torch.no_grad():
            logits = model(model.normalize(test.images))
        test_acc = (logits.argmax(1) == test.labels).double().mean().item()
        train_loss, train_acc = sum(losses) / steps, hits / (steps * how.batch_size)
        rows.append({"epoch": epoch + 1, "train_loss": train_loss, "train_acc": train_acc, "test_acc": test_acc})
    return rows


@pytest.mark.parametrize(("clip_norm", "precision"), [(None, "fp32"), (0.5, "fp32"), (0.5, "bf16")])
@pytest.mark.parametrize("kind", ["lenet", "normalised"])
def test_fit_ends_in_the_same_bits_as_a_plain_loop(request, digits, fresh_lenet, kind, clip_norm, precision):
    model = fresh_lenet() if kind == "lenet" else request.getfixturevalue("normalised")
    reference = type(model)(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)
    reference.load_state_dict(model.state_dict())
    if precision == "bf16":
        reference.to(memory_format=torch.channels_last)
    how = Optimization(**{**vars(HOW), "clip_norm": clip_norm, "precision": precision})
    rows = fit(model, digits.train, how, test=digits.test, generator=generator(1), label="model")
    expected = plain_loop(reference, digits.train, digits.test, how, generator(1))
    for name, value in reference.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    assert [row.keys() for row in rows] == [row.keys() for row in expected]
    for row, slow in zip(rows, expected, strict=True):
        assert row == pytest.approx(slow, rel=1e-6)
    assert not model.training
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]


def test_bf16_is_another_arithmetic_whose_weights_stay_fp32(digits, fresh_lenet):
    how = Optimization(epochs=6, batch_size=48, lr=0.05, schedule="cosine", warmup_epochs=1)
    models, last = [], []
    for precision in ("fp32", "bf16"):
        models.append(fresh_lenet())
        chosen = Optimization(**{**vars(how), "precision": precision})
        rows = fit(models[-1], digits.train, chosen, test=digits.test, generator=generator(1), label="model")
        last.append(rows[-1]["test_acc"])
    exact, coarse = models
    assert not torch.equal(flat(coarse), flat(exact))
    assert last[1] == pytest.approx(last[0], abs=0.02)
    assert all(weight.dtype == torch.float32 and weight.is_contiguous() for weight in coarse.state_dict().values())


def test_the_same_seed_gives_the_same_bits_and_another_does_not(digits, fresh_lenet):
    def train(seed):
        torch.manual_seed(seed + 77)  # the global generator must not matter
        model = fresh_lenet()
        rows = fit(model, digits.train, HOW, test=digits.test, generator=generator(seed), label="model")
        return flat(model), rows

    (first, rows), (again, rows_again), (other, _) = train(0), train(0), train(1)
    assert torch.equal(first, again)
    assert rows == rows_again
    assert not torch.equal(first, other)


def test_fit_leaves_the_global_generator_and_the_given_settings_alone(digits, fresh_lenet):
    state = torch.get_rng_state()
    fit(fresh_lenet(), digits.train, HOW, test=digits.test, generator=generator(0), label="model")
    assert torch.equal(torch.get_rng_state(), state)
    assert HOW.steps_per_epoch == 1


def test_no_epochs_change_nothing(digits, fresh_lenet):
    model = fresh_lenet()
    before = flat(model)
    how = Optimization(epochs=0, batch_size=8, lr=1.0)
    assert fit(model, digits.train, how, test=digits.test, generator=generator(0), label="model") == []
    assert torch.equal(flat(model), before)


def test_fit_writes_no_files_and_says_nothing(digits, fresh_lenet, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    fit(fresh_lenet(), digits.train, HOW, test=digits.test, generator=generator(0), label="model")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_callback_that_is_kept_does_not_keep_the_model(digits, fresh_lenet):
    """Lightning binds its methods `log` and `log_dict` to callbacks."""
    model, callback = fresh_lenet(), pl.Callback()
    held = weakref.ref(model)
    fit(model, digits.train, HOW, test=digits.test, generator=generator(0), label="model", callbacks=[callback])
    del model
    gc.collect()
    assert held() is None


def test_the_session_s_original_has_learned(original):
    correct_K, total_K = evaluate(original.model, original.splits.test)
    assert sum(correct_K) / sum(total_K) > 0.95
    assert min(c / n for c, n in zip(correct_K, total_K, strict=True)) > 0.85
    assert original.optimization is TRAINING


class Raises(pl.Callback):
    def __init__(self, act):
        self.act = act

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if batch_idx == 3:
            self.act()


def test_ctrl_c_arrives_as_an_interrupt_and_works_again_afterwards(digits, fresh_lenet):
    handler = signal.getsignal(signal.SIGINT)
    ctrl_c = Raises(lambda: os.kill(os.getpid(), signal.SIGINT))
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fit(
                fresh_lenet(),
                digits.train,
                HOW,
                test=digits.test,
                generator=generator(0),
                label="model",
                callbacks=[ctrl_c],
            )
        assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("error", [SystemExit(143), ValueError("a callback's own")])
def test_other_errors_come_through_as_they_are(digits, fresh_lenet, error):
    def act():
        raise error

    with pytest.raises(type(error)) as caught:
        fit(
            fresh_lenet(),
            digits.train,
            HOW,
            test=digits.test,
            generator=generator(0),
            label="model",
            callbacks=[Raises(act)],
        )
    assert caught.value is error


def test_a_set_of_one_image_is_refused_where_batch_normalisation_needs_two(digits, normalised):
    one = digits.train.select(torch.tensor([0]))
    fit(normalised, one, HOW, test=one, generator=generator(0), label="one")  # 64 values a channel: that does
    normalised.body = nn.Sequential(normalised.body[0], nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4), nn.Flatten())
    normalised.head = nn.Linear(4, 10)
    before = flat(normalised)
    with pytest.raises(UserError, match=r"Batches of one \(retain\) are not possible with a Normalised .*two images"):
        fit(normalised, one, HOW, test=one, generator=generator(0), label="retain")
    assert torch.equal(flat(normalised), before)
    assert torch.equal(normalised.body[2].running_mean, torch.zeros(4))
