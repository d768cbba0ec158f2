"""What Lightning and our own parts cost beside the arithmetic: training through `fit`, against plain loops.

python -m benchmarks.training [--model resnet18] [--data FILE.npz]

The same weights and batches in all ways, which end at the same bits but for bf16; each also counts the right answers on
test images after every epoch. Times are of whole trainings, from a fresh model to the last epoch's end.

- fit: what the stages do (unlearnleak/training/fit.py)
- bare: a loop over the same resident tensors with the same model, without Lightning, curve or progress bar
- usual (LeNet): per-image transforms, a DataLoader and Lightning with its defaults (benchmarks/usual.py)
- textbook (LeNet): the bare loop with PyTorch's own max pooling behind the ReLU
- bf16 (ResNet18): as fit, with training.precision=bf16

Made-up images of MNIST's and CIFAR-10's shapes unless a file is given; the time does not depend on what they show.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.race import Goal, arguments, race, ratio, ready, seconds
from benchmarks.usual import Pictures, textbook_lenet
from benchmarks.usual import train as usual
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.base import Classifier
from unlearnleak.model.lenet import LeNet
from unlearnleak.model.resnet18 import ResNet18
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.predict import evaluate

MODELS: dict[str, type[Classifier]] = {"lenet": LeNet, "resnet18": ResNet18}
SHAPES = {"lenet": (1, 28, 28), "resnet18": (3, 32, 32)}
SIZES = {"lenet": (6400, 1024), "resnet18": (1280, 128)}
EPOCHS = {"lenet": 4, "resnet18": 2}
GOALS = {"lenet": Goal("<=", 1.15), "resnet18": Goal("<=", 1.03)}
USUAL = Goal(">=", 5)
MEAN, STD = 0.25, 0.5
BATCH = 128


@dataclass(frozen=True)
class Task:
    """What all ways are given."""

    name: str
    train: LabeledImages
    test: LabeledImages
    optimization: Optimization

    def model(self) -> Classifier:
        shape = self.train.image_shape
        mean, std = (MEAN,) * shape[0], (STD,) * shape[0]
        with isolated(0, "weights"):
            return MODELS[self.name](image_shape=shape, num_classes=10, mean=mean, std=std)


def made_up(shape: tuple[int, int, int], *sizes: int) -> list[LabeledImages]:
    """Noise with random labels of ten classes."""
    draw, parts = generator(0, "images"), []
    for size in sizes:
        images = torch.randint(256, (size, *shape), dtype=torch.uint8, generator=draw)
        parts.append(LabeledImages(images, torch.randint(10, (size,), generator=draw), 10))
    return parts


def task(name: str, path: Path | None = None, epochs: int | None = None) -> Task:
    train, test = made_up(SHAPES[name], *SIZES[name])
    if path:
        with np.load(path) as file:
            train, test = (
                LabeledImages.from_arrays(file[f"{p}_images"], file[f"{p}_labels"], 10) for p in ("train", "test")
            )
        train, test = (part.select(torch.arange(n)) for part, n in zip((train, test), SIZES[name], strict=True))
    recipe = Optimization(
        epochs=epochs or EPOCHS[name], batch_size=BATCH, lr=0.05, schedule="cosine", warmup_epochs=1.0
    )
    return Task(name, train, test, replace(recipe, steps_per_epoch=len(train) // BATCH))


def ours(task: Task) -> nn.Module:
    model = task.model()
    fit(model, task.train, task.optimization, test=task.test, generator=generator(0, "batches"), label="benchmark")
    return model


def bare(task: Task, change: Callable[[Classifier], Classifier] = lambda model: model) -> nn.Module:
    model, draw = change(task.model()).train(), generator(0, "batches")
    built = task.optimization.build(model.parameters())
    optimizer, scheduler = built["optimizer"], built["lr_scheduler"]["scheduler"]
    images, labels = task.train.images, task.train.labels
    for _ in range(task.optimization.epochs):
        for index in torch.randperm(len(labels), generator=draw).view(-1, BATCH):
            loss = cross_entropy(model((images[index].float() / 255 - model.mean) / model.std), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        evaluate(model, task.test)
    return model


def textbook(model: Classifier) -> Classifier:
    """The same weights in a network as textbooks write it."""
    plain = textbook_lenet()
    for mine, its in zip(plain.parameters(), model.parameters(), strict=True):
        mine.data = its.data
    model.body, model.head = plain[:-1], plain[-1]
    return model


def loader(task: Task) -> nn.Module:
    net = textbook(task.model())
    pictures = [Pictures(part, MEAN, STD) for part in (task.train, task.test)]
    with tempfile.TemporaryDirectory() as folder:
        whole = nn.Sequential(*net.body, net.head)
        return usual(whole, *pictures, task.optimization, generator(0, "batches"), Path(folder))


def agree(one: nn.Module, other: nn.Module) -> None:
    """Fails unless two models have the same weights, bit by bit."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs), "the ways do not end at the same weights"


def ways_of(work: Task) -> dict[str, Callable[[], nn.Module]]:
    ways: dict[str, Callable[[], nn.Module]] = {"fit": partial(ours, work), "bare": partial(bare, work)}
    if work.name == "lenet":
        return ways | {"textbook": partial(bare, work, textbook), "usual": partial(loader, work)}
    return ways | {"bf16": partial(ours, replace(work, optimization=replace(work.optimization, precision="bf16")))}


def main() -> None:
    parser = arguments("training", "Time trainings.", repeats=5)
    parser.add_argument("--model", choices=MODELS, action="append", help="one or more (all)")
    parser.add_argument("--data", type=Path, help="images from FILE.npz, with the arrays that dataset=npz reads")
    options = parser.parse_args()
    ready(options)
    for name in options.model or MODELS:
        work = task(name, options.data)
        ways = ways_of(work)
        short = ways_of(replace(work, optimization=replace(work.optimization, epochs=1)))
        first = {way: train() for way, train in short.items()}  # also the warm-up
        for way, other in first.items():
            if way != "bf16":
                agree(first["fit"], other)
        epochs = work.optimization.epochs
        print(
            f"{name}: {epochs} epochs of {len(work.train)} images in batches of {BATCH}; "
            "all ways but bf16 end at the same bits"
        )
        took = race(ways, options)
        seconds(took, "ms per step", 1000 / (epochs * work.optimization.steps_per_epoch))
        ratio(took, "fit", "bare", GOALS[name])
        if name == "lenet":
            ratio(took, "textbook", "bare")
            ratio(took, "usual", "fit", USUAL)
        else:
            ratio(took, "fit", "bf16")


if __name__ == "__main__":
    main()
