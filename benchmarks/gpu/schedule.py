"""A step of the unlearning literature's training, and how long its whole schedule is at that rate."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from benchmarks.gpu import steps
from benchmarks.gpu.rows import Row
from benchmarks.training import MEAN, STD, Task, made_up
from unlearnleak.machine.seeds import isolated
from unlearnleak.model.base import Classifier
from unlearnleak.model.resnet18_cifar import ResNet18Cifar
from unlearnleak.training.optimization import Optimization

MODEL, BATCH, EPOCHS, IMAGES = "resnet18_cifar", 256, 182, 49_000
"""What conf/recipe/cifar10_resnet18_cifar.yaml says of its model; CIFAR-10 without the attacker's 1,000 images."""
TESTED = 10_000
"""Images of which each epoch of the schedule tests all, once."""


@dataclass(frozen=True)
class Scheduled(Task):
    """ResNet18 with the 3x3 stem."""

    def model(self) -> Classifier:
        with isolated(0, "weights"):
            return ResNet18Cifar(image_shape=(3, 32, 32), num_classes=10, mean=(MEAN,) * 3, std=(STD,) * 3)


def work(count: int, device: torch.device, precision: str = "fp32", batch: int = BATCH) -> Scheduled:
    """A training of random images with so many steps an epoch, by the literature's settings, all on the device."""
    tested = max(1, count * batch * TESTED // IMAGES)
    images, test = (part.to(device) for part in made_up((3, 32, 32), count * batch, tested))
    how = Optimization(
        epochs=1, batch_size=batch, lr=0.1, weight_decay=0.0005, schedule="step", augmentation="crop_flip"
    )
    return Scheduled(MODEL, images, test, replace(how, precision=precision, steps_per_epoch=count))


def rows(device: torch.device, count: int = 48, batch: int = BATCH) -> Iterator[Callable[[], Row]]:
    """`fit` in both precisions; the note says how many minutes an original's whole schedule takes at that rate."""
    for precision in ("fp32", "bf16"):

        def row(precision: str = precision) -> Row:
            task = work(count, device, precision, batch)
            values = tuple(1000 * steps.beyond_first(task, 3, tuple) for _ in range(steps.REPEATS))
            whole = IMAGES // BATCH * EPOCHS
            minutes = statistics.median(values) * whole / 60_000
            note = f"an original, {whole:,} steps: {minutes:.1f} minutes"
            return Row("literature", MODEL, f"fit, {precision}, batches of {batch}", values, note=note)

        yield row
