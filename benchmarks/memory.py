"""Peak memory of ResNet18 at CIFAR-10's size: python -m benchmarks.memory

Each figure is the most that a process of its own had held (maximum resident set size), in MiB. 50,000 training and
10,000 test images of 32 x 32 colour pixels are 176 MiB. They are made up, and read by no file; training takes a few
steps on all of them (the recipe's batch of 128), since later steps hold no more.

- modules: the imports alone
- images: with the data set
- copy: what a second copy of the training images would add; no line below may hold that much more than its parts
- training, ledger: a few steps of `fit` without and with AU's ledgers; three [10, P] tensors are 1,280 MiB. The same
  with the ledgers of two classes, as each training of unlearner.ledger_classes=2 keeps them
- original: AU's original as a job computes and stores it, on 2,000 training images, without and with that setting
- attack: param_dot with its default settings on 1,000 auxiliary images, and with attack.chunk=100
- inversion: gradient inversion of 40 images, 5 steps
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.race import machine
from benchmarks.shadow import auxiliary, with_shadows
from benchmarks.training import BATCH, MEAN, STD
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.attack.inversion_gradient import InversionGradient
from unlearnleak.config.folder import config_folder
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator
from unlearnleak.model.resnet18 import ResNet18
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization

SHAPE, TRAIN, TEST, STEPS = (3, 32, 32), 50_000, 10_000, 3
IMAGES_MIB = TRAIN * 3 * 32 * 32 / 2**20


class Few(Callback):
    """Ends the epoch after a few steps; the test images are judged then."""

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        if index + 1 == STEPS:
            raise StopIteration


def data(size: int) -> LabeledImages:
    images = torch.randint(256, (size, *SHAPE), dtype=torch.uint8)
    return LabeledImages(images, torch.arange(size) % 10, 10)


def model() -> ResNet18:
    return ResNet18(image_shape=SHAPE, num_classes=10, mean=(MEAN,) * 3, std=(STD,) * 3)


def train(train: LabeledImages, test: LabeledImages, *callbacks: Callback) -> None:
    recipe = Optimization(epochs=1, batch_size=BATCH, lr=0.01)
    how: dict[str, Any] = {"test": test, "generator": generator(0, "batches"), "label": "memory"}
    fit(model(), train, recipe, callbacks=[*callbacks, Few()], **how)


def original(ledger_classes: str) -> None:
    with tempfile.TemporaryDirectory() as folder, initialize_config_dir(str(config_folder()), version_base=None):
        train, test = data(2000), data(500)
        arrays = {"train_images": train.images, "test_images": test.images}
        labels = {"train_labels": train.labels, "test_labels": test.labels}
        np.savez(f"{folder}/images.npz", **{name: part.numpy() for name, part in labels.items()}, **{
            name: part.permute(0, 2, 3, 1).numpy() for name, part in arrays.items()
        })  # fmt: skip
        told = ["dataset=npz", f"dataset.path={folder}/images.npz", "model=resnet18", "unlearner=au", "logger=none"]
        told += ["training.epochs=1", "training.warmup_epochs=0", f"training.batch_size={BATCH}", "runtime.device=cpu"]
        told += [f"store={folder}/store", f"unlearner.ledger_classes={ledger_classes}"]
        Pipeline(make_plan(compose("config", overrides=told))).original()


def inversion() -> None:
    attack = InversionGradient(restarts=4, steps=5, lr=1.0, l2=0.01, tv=0.001, chunk=None)
    attack(WhiteBox(model()), None, generator(0, "inversion"))


PARTS: dict[str, Callable[[], object]] = {
    "modules": lambda: None,
    "images": lambda: (data(TRAIN), data(TEST)),
    "model step": lambda: train(data(STEPS * BATCH), data(1024)),
    "training": lambda: train(data(TRAIN), data(TEST)),
    "training with ledger": lambda: train(data(TRAIN), data(TEST), ClassLedger(10)),
    "ledger of two classes": lambda: train(data(TRAIN), data(TEST), ClassLedger(10, range(2))),
    "original": lambda: original("null"),
    "original in parts": lambda: original("2"),
    "attack": lambda: with_shadows(WhiteBox(model()), auxiliary("resnet18")),
    "attack in chunks": lambda: with_shadows(WhiteBox(model()), auxiliary("resnet18"), chunk=100),
    "inversion": inversion,
}


def peak(part: str) -> float:
    """MiB that a process held which did one part."""
    command = [sys.executable, "-m", "benchmarks.memory", "--part", part]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description="Measure peak memory.")
    parser.add_argument("--part", choices=PARTS, help="do this one here and print the peak in MiB")
    part = parser.parse_args().part
    torch.set_num_threads(1)
    if part:
        PARTS[part]()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    print(f"{machine()}; maximum resident set size in MiB, one process each")
    peaks = {name: peak(name) for name in PARTS}
    for name, value in peaks.items():
        print(f"  {name:24}{value:8.0f}")
    images = peaks["images"] - peaks["modules"]
    beside = peaks["training"] - peaks["model step"] - images
    verdict = "none" if beside < IMAGES_MIB / 2 else "THERE IS ONE"
    print(
        f"training holds {beside:.0f} MiB beside images and steps; a second copy would be {IMAGES_MIB:.0f}: {verdict}"
    )
    sys.exit(verdict != "none")


if __name__ == "__main__":
    main()
