import copy

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tests.trained import flat
from tests.training.conftest import Normalised
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.base import Classifier
from unlearnleak.model.resnet18 import ResNet18
from unlearnleak.training.batches import ResidentBatches
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit
from unlearnleak.training.lit import LitTraining
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.predict import evaluate
from unlearnleak.unlearner.base.subtracting import subtract

HOW = Optimization(epochs=2, batch_size=32, lr=0.05, schedule="cosine", warmup_epochs=1)


class Softmax(Classifier):
    """Multinomial logistic regression on the pixels."""

    version = 1

    def __init__(self, **shape):
        super().__init__(**shape)
        self.head = nn.Linear(784, self.num_classes)

    def features(self, x_NCHW):
        return x_NCHW.flatten(1)


class Bodied(Classifier):
    """Any one layer before the head."""

    version = 1

    def __init__(self, body, width, digits):
        super().__init__(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)
        self.body = body
        self.head = nn.Linear(width, 10)

    def features(self, x_NCHW):
        return self.body(x_NCHW).flatten(1)


@pytest.fixture
def build(digits, fresh_lenet):
    def make(kind):
        if kind == "lenet":
            return fresh_lenet()
        with isolated(0, "weights"):
            made = {"softmax": Softmax, "normalised": Normalised}[kind]
            return made(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)

    return make


def train(model, digits, how=HOW, ledger=None, **more):
    ledger = ClassLedger(10) if ledger is None else ledger
    callbacks = [ledger] if ledger else []
    fit(
        model,
        digits.train,
        how,
        test=digits.test,
        generator=generator(0),
        label="original",
        callbacks=callbacks,
        **more,
    )
    return ledger


@pytest.mark.parametrize("kind", ["softmax", "lenet", "normalised"])
def test_the_rows_sum_to_what_the_weights_moved(build, digits, kind):
    """Up to float32 rounding over 66 steps: 1e-5 where weights move by 0.1 and more."""
    model = build(kind)
    before = flat(model)
    ledger = train(model, digits)
    moved = flat(model) - before
    assert moved.abs().max() > 0.1
    assert torch.allclose(ledger.ledger_KP.sum(0), moved, rtol=0, atol=1e-5)
    assert (ledger.ledger_KP.norm(dim=1) > 0.1 * moved.norm()).all()


def test_it_holds_for_a_whole_training_run(original):
    moved = flat(original.model) - original.initial
    assert torch.allclose(original.ledger.sum(0), moved, rtol=0, atol=2e-5)


def test_it_holds_for_torchvision_s_network_with_its_relus_in_place():
    draw = generator(0)
    images = torch.randint(256, (32, 3, 32, 32), dtype=torch.uint8, generator=draw)
    data = LabeledImages(images, torch.arange(32) % 2, 2)
    with isolated(0):
        model = ResNet18(image_shape=(3, 32, 32), num_classes=2, mean=(0.5,) * 3, std=(0.3,) * 3)
    before, ledger = flat(model), ClassLedger(2)
    how = Optimization(epochs=1, batch_size=16, lr=0.01)
    fit(model, data, how, test=data, generator=draw, label="original", callbacks=[ledger])
    moved = flat(model) - before
    error = (ledger.ledger_KP.sum(0) - moved).norm() / moved.norm()
    assert error < 1e-4


@pytest.mark.parametrize("masks", [False, True], ids=["by samples", "by masks"])
@pytest.mark.parametrize("frozen", [False, True], ids=["batches' statistics", "frozen statistics"])
def test_every_tensor_of_a_network_with_batch_normalisation_is_split(frozen, masks):
    draw = generator(0)
    data = LabeledImages(
        torch.randint(256, (32, 3, 32, 32), dtype=torch.uint8, generator=draw), torch.arange(32) % 2, 2
    )
    with isolated(0):
        model = ResNet18(image_shape=(3, 32, 32), num_classes=2, mean=(0.5,) * 3, std=(0.3,) * 3)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    ledger, how = ClassLedger(2, masks=masks), Optimization(epochs=2, batch_size=16, lr=0.01, freeze_statistics=frozen)
    fit(model, data, how, test=data, generator=draw, label="original", callbacks=[ledger])
    rows = ledger.ledger_KP.sum(0).split([parameter.numel() for parameter in model.parameters()])
    for (name, parameter), start, row in zip(model.named_parameters(), before, rows, strict=True):
        moved = (parameter.detach() - start).flatten()
        assert moved.norm() > 0, name
        assert row.norm() > 0.9 * moved.norm(), name
        assert torch.allclose(row, moved, rtol=1e-3, atol=1e-6), name  # weights near 1 are rounded at 1e-7 a step


@pytest.mark.parametrize("kind", ["softmax", "lenet", "normalised"])
def test_a_run_with_a_ledger_ends_in_the_same_bits(build, digits, kind):
    with_ledger, without = build(kind), build(kind)
    train(with_ledger, digits)
    train(without, digits, ledger=False)
    for name, value in without.state_dict().items():
        assert torch.equal(with_ledger.state_dict()[name], value), name


def slow_ledger(model, data, how):
    """Replays the run, and asks autograd for the gradient of each class's part of every batch's loss."""
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(parameters, lr=1.0, momentum=how.momentum, weight_decay=how.weight_decay)
    ledger_KP = torch.zeros(10, len(flat(model)))
    velocity_KP, batches = (
        torch.zeros_like(ledger_KP),
        ResidentBatches(data, how.batch_size, generator(0), how.augmentation),
    )
    how, step = Optimization(**{**vars(how), "steps_per_epoch": len(batches)}), 0
    for _ in range(how.epochs):
        for images, labels in batches:
            losses = cross_entropy(model(model.normalize(images)), labels, reduction="none") / len(labels)
            lr = how.lr * how.rate_at(step)
            for c in range(10):
                parts = torch.autograd.grad(losses[labels == c].sum(), parameters, retain_graph=True)
                gradient = torch.cat([part.flatten() for part in parts]) + how.weight_decay * ledger_KP[c]
                velocity_KP[c] = how.momentum * velocity_KP[c] + gradient
                ledger_KP[c] -= lr * velocity_KP[c]
            optimizer.zero_grad()
            losses.sum().backward()
            optimizer.param_groups[0]["lr"] = lr
            optimizer.step()
            step += 1
    return ledger_KP


@pytest.mark.parametrize("masks", [False, True], ids=["by samples", "by masks"])
@pytest.mark.parametrize(
    ("kind", "decay", "augmentation"),
    [
        ("softmax", 0.0, "none"),
        ("softmax", 0.1, "none"),
        ("lenet", 0.0, "none"),
        ("lenet", 0.01, "none"),
        ("lenet", 0.01, "crop_flip"),
    ],
)
def test_each_row_is_what_autograd_says_of_that_class_s_samples(build, digits, kind, decay, augmentation, masks):
    """Without batch normalisation a class's part of the gradient is the gradient of its part of the loss."""
    few = digits.train.select(torch.arange(320))
    how = Optimization(**{**vars(HOW), "weight_decay": decay, "augmentation": augmentation})
    model, replayed, ledger = build(kind), build(kind), ClassLedger(10, masks=masks)
    fit(model, few, how, test=few, generator=generator(0), label="original", callbacks=[ledger])
    expected_KP = slow_ledger(replayed, few, how)
    assert torch.allclose(flat(model), flat(replayed), atol=1e-5)
    assert expected_KP.abs().max(1).values.min() > 1e-3
    assert torch.allclose(ledger.ledger_KP, expected_KP, rtol=1e-3, atol=1e-6)


def test_with_weight_decay_only_the_decay_of_the_initial_weights_is_missing(build, digits):
    """That part follows the same recursion without any gradient: v <- mv + w(d + theta_0), d <- d - lr v."""
    how = Optimization(epochs=2, batch_size=32, lr=0.05, weight_decay=0.05)
    model = build("lenet")
    before = flat(model)
    ledger = train(model, digits, how)
    velocity, decayed = torch.zeros_like(before), torch.zeros_like(before)
    for _ in range(2 * (len(digits.train) // 32)):
        velocity = how.momentum * velocity + how.weight_decay * (before + decayed)
        decayed -= how.lr * velocity
    assert decayed.abs().max() > 0.01
    assert torch.allclose(ledger.ledger_KP.sum(0) + decayed, flat(model) - before, atol=2e-5)


def test_batch_normalisation_is_split_by_sample_position(build, digits):
    """Against a network where each sample has parameters of its own, and all are normalised together."""
    model, count = build("normalised"), 24
    data = digits.train.select(torch.arange(count))
    convolution, normalisation = model.body[0], model.body[1]
    own = {
        name: value.detach()[None].repeat(count, *[1] * value.dim()).requires_grad_()
        for name, value in model.named_parameters()
    }
    x = model.normalize(data.images)
    y = torch.cat(
        [
            nn.functional.conv2d(x[i : i + 1], own["body.0.weight"][i], own["body.0.bias"][i], stride=3)
            for i in range(count)
        ]
    )
    mean, variance = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), correction=0, keepdim=True)
    y = (y - mean) / (variance + normalisation.eps).sqrt()
    y = y * own["body.1.weight"][:, :, None, None] + own["body.1.bias"][:, :, None, None]
    logits = torch.einsum("nd,nkd->nk", y.relu().flatten(1), own["head.weight"]) + own["head.bias"]
    cross_entropy(logits, data.labels).backward()
    each_NP = torch.cat([own[name].grad.flatten(1) for name, _ in model.named_parameters()], 1)
    expected_KP = torch.zeros(10, each_NP.shape[1]).index_add_(0, data.labels, each_NP)
    ledger, how = ClassLedger(10), Optimization(epochs=1, batch_size=count, lr=1.0, momentum=0.0)
    fit(model, data, how, test=data, generator=generator(0), label="original", callbacks=[ledger])
    assert convolution.bias.grad is not None
    assert torch.allclose(ledger.ledger_KP, -expected_KP, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("c", range(10))
def test_subtracting_a_class_hits_that_class_before_any_repair(digits, c, softmax):
    """In a linear model, early. A deep one is left with little of any class until it is repaired."""
    model, ledger_KP = softmax
    unlearned = copy.deepcopy(model)
    subtract(unlearned, ledger_KP[c])
    before = torch.tensor(evaluate(model, digits.test)[0]) / 36
    after = torch.tensor(evaluate(unlearned, digits.test)[0]) / 36
    lost = before - after
    others = torch.cat([lost[:c], lost[c + 1 :]])
    assert before[c] > 0.5
    assert after[c] == 0
    assert others.max() < lost[c] - 0.3
    assert others.mean() < 0.1


@pytest.fixture(scope="module")
def softmax(digits):
    with isolated(0, "weights"):
        model = Softmax(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)
    return model, train(model, digits, Optimization(epochs=2, batch_size=32, lr=0.0005)).ledger_KP


@pytest.mark.parametrize("masks", [False, True], ids=["by samples", "by masks"])
def test_a_class_without_samples_moved_nothing(build, digits, masks):
    data = digits.train.without([4])
    ledger = ClassLedger(10, masks=masks)
    fit(
        build("lenet"),
        data,
        HOW,
        test=digits.test,
        generator=generator(0),
        label="original",
        callbacks=[ledger],
    )
    assert (ledger.ledger_KP[4] == 0).all()
    assert (ledger.ledger_KP[[0, 1, 2, 3, 5, 6, 7, 8, 9]].abs().sum(1) > 0).all()


def test_clipping_is_refused_before_any_step(build, digits):
    model = build("softmax")
    before = flat(model)
    with pytest.raises(UserError, match=r"clip_norm is 1\.5.*training.clip_norm=null"):
        train(model, digits, Optimization(**{**vars(HOW), "clip_norm": 1.5}))
    assert torch.equal(flat(model), before)


def test_accumulated_batches_are_refused(build, digits):
    trainer = pl.Trainer(
        accelerator="cpu",
        accumulate_grad_batches=2,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        callbacks=[ClassLedger(10)],
    )
    model = LitTraining(build("softmax"), HOW)
    with pytest.raises(UserError, match="one per 2 batches"):
        trainer.fit(model, train_dataloaders=ResidentBatches(digits.train, 32, generator(0)))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda p: torch.optim.Adam(p, lr=0.01), "found Adam"),
        (lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True), "SGD with nesterov"),
        (lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, dampening=0.5), "SGD with dampening"),
        (lambda p: torch.optim.SGD(p, lr=0.01, maximize=True), "SGD with maximize"),
        (lambda p: torch.optim.SGD([{"params": p[:1]}, {"params": p[1:]}], lr=0.01), "with 2 group"),
    ],
)
def test_other_optimizers_are_refused_by_name(build, digits, monkeypatch, make, named):
    model = build("softmax")
    monkeypatch.setattr(LitTraining, "configure_optimizers", lambda lit: make(list(lit.parameters())))
    with pytest.raises(UserError, match=named):
        train(model, digits)
    with pytest.raises(UserError, match=named):
        train(model, digits, ledger=ClassLedger(10, masks=True))


@pytest.mark.parametrize(
    ("body", "width", "named"),
    [
        (
            lambda: nn.Sequential(nn.Flatten(), nn.LayerNorm(784)),
            784,
            "LayerNorm layer: it knows Linear, Conv2d",
        ),
        (lambda: nn.Conv2d(1, 2, 3, padding="same"), 1568, "padding='same'"),
        (lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), 1568, "padding_mode='reflect'"),
    ],
)
def test_layers_that_cannot_be_split_are_refused_by_name(digits, body, width, named):
    model = Bodied(body(), width, digits)
    with pytest.raises(UserError, match=named):
        train(model, digits)


def test_grouped_strided_and_biasless_convolutions_are_split_too(digits):
    with isolated(0):
        body = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(4, 4, 3, groups=2, dilation=2),
        )
        model = Bodied(body, 400, digits)
    few, replayed, ledger = digits.train.select(torch.arange(160)), copy.deepcopy(model), ClassLedger(10)
    fit(model, few, HOW, test=few, generator=generator(0), label="original", callbacks=[ledger])
    assert torch.allclose(ledger.ledger_KP, slow_ledger(replayed, few, HOW), rtol=1e-3, atol=1e-6)


class Skips(nn.Module):
    """A layer that is used in every second batch alone."""

    def __init__(self):
        super().__init__()
        self.often, self.seldom, self.count = nn.Linear(784, 20), nn.Linear(784, 20), 0

    def forward(self, x):
        self.count += 1
        often = self.often(x.flatten(1))
        return often + self.seldom(x.flatten(1)) if self.training and self.count % 2 else often


def test_a_layer_that_a_batch_leaves_out_has_decay_and_momentum_alone(digits):
    """Of samples and of masks: the same rows."""
    how, ledgers = Optimization(**{**vars(HOW), "weight_decay": 0.01}), []
    for masks in (False, True):
        with isolated(0):
            model = Bodied(Skips(), 20, digits)
        ledgers.append(ClassLedger(10, masks=masks))
        few = digits.train.select(torch.arange(320))
        fit(model, few, how, test=few, generator=generator(0), label="original", callbacks=[ledgers[-1]])
    by_samples_KP, by_masks_KP = (ledger.ledger_KP for ledger in ledgers)
    assert (by_samples_KP[:, 784 * 20 + 20 : 2 * 784 * 20].abs().sum(1) > 0).all()
    assert torch.allclose(by_masks_KP, by_samples_KP, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("masks", [False, True], ids=["by samples", "by masks"])
def test_a_layer_that_is_used_twice_counts_both_times(digits, masks):
    with isolated(0):
        twice = nn.Linear(784, 784)
        model = Bodied(nn.Sequential(nn.Flatten(), twice, nn.ReLU(), twice), 784, digits)
    few, replayed = digits.train.select(torch.arange(64)), copy.deepcopy(model)
    ledger = ClassLedger(10, masks=masks)
    fit(model, few, HOW, test=few, generator=generator(0), label="original", callbacks=[ledger])
    assert torch.allclose(ledger.ledger_KP, slow_ledger(replayed, few, HOW), rtol=1e-3, atol=1e-6)


class Fails(pl.Callback):
    def on_train_batch_end(self, *_):
        raise ZeroDivisionError


def test_no_hook_stays_on_the_model_not_even_after_a_failure(build, digits):
    model = build("lenet")
    train(model, digits)
    assert not any(module._forward_hooks for module in model.modules())
    with pytest.raises(ZeroDivisionError):
        fit(
            model,
            digits.train,
            HOW,
            test=digits.test,
            generator=generator(0),
            label="original",
            callbacks=[ClassLedger(10), Fails()],
        )
    assert not any(module._forward_hooks for module in model.modules())
