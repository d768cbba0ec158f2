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
- ATTACK, 100 classes: the attack with its default settings but for a few steps (later ones hold no more) on a model of
  100 classes with 100 auxiliary images of each, and how large its evidence is, in MB (10^6 bytes)
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.race import machine
from benchmarks.shadow import auxiliary, with_shadows
from benchmarks.training import BATCH, MEAN, STD
from unlearnleak.adversary.evidence import ClassEvidence
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.base import Attack
from unlearnleak.attack.inversion_gradient import InversionGradient
from unlearnleak.config.build import build
from unlearnleak.config.folder import config_folder
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator
from unlearnleak.model.resnet18 import ResNet18
from unlearnleak.pipeline.packing import pack
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization

MANY = 100
OF_MANY = ("param_dot", "param_diff", "param_confidence", "inversion_gradient", "inversion_shadow", "inversion_genetic")
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


def model(classes: int = 10) -> ResNet18:
    return ResNet18(image_shape=SHAPE, num_classes=classes, mean=(MEAN,) * 3, std=(STD,) * 3)


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
        Pipeline(make_plan(compose("config", overrides=told))).artifact("original")


def inversion() -> None:
    attack = InversionGradient(restarts=4, steps=5, lr=1.0, l2=0.01, tv=0.001, chunk=None)
    attack(view_of(attack.threat, target=model()), generator(0, "inversion"))


def of_many_classes(name: str) -> ClassEvidence:
    with initialize_config_dir(str(config_folder()), version_base=None):
        config = compose("config", overrides=["dataset=cifar10", f"attack={name}"])
    few = {key: 3 for key in ("steps", "shadow_steps", "generations") if key in config.attack}
    attack = build(OmegaConf.merge(config.attack, few), Attack, "attack")
    images = torch.randint(256, (MANY * 100, *SHAPE), dtype=torch.uint8, generator=generator(0, "images"))
    held = LabeledImages(images, torch.arange(len(images)) % MANY, MANY)
    view = view_of(attack.threat, target=model(MANY), auxiliary=held)
    evidence = attack(view, generator(0, "attack"))
    assert isinstance(evidence, ClassEvidence)
    return evidence


PARTS: dict[str, Callable[[], object]] = {
    "modules": lambda: None,
    "images": lambda: (data(TRAIN), data(TEST)),
    "model step": lambda: train(data(STEPS * BATCH), data(1024)),
    "training": lambda: train(data(TRAIN), data(TEST)),
    "training with ledger": lambda: train(data(TRAIN), data(TEST), ClassLedger(10)),
    "ledger of two classes": lambda: train(data(TRAIN), data(TEST), ClassLedger(10, range(2))),
    "original": lambda: original("null"),
    "original in parts": lambda: original("2"),
    "attack": lambda: with_shadows(model(), auxiliary("resnet18")),
    "attack in chunks": lambda: with_shadows(model(), auxiliary("resnet18"), chunk=100),
    "inversion": inversion,
    **{f"{name}, {MANY} classes": partial(of_many_classes, name) for name in OF_MANY},
}


def peak(part: str) -> tuple[float, float | None]:
    """MiB that a process held which did one part, and the MB of evidence that came out."""
    command = [sys.executable, "-m", "benchmarks.memory", "--part", part]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    held, *evidence = map(float, done.stdout.splitlines()[-1].split())
    return held, evidence[0] if evidence else None


def evidence_size(made: object) -> list[float]:
    """The MB that the store keeps of an evidence; of anything else nothing."""
    if not isinstance(made, ClassEvidence):
        return []
    return [sum(tensor.numel() * tensor.element_size() for tensor in pack(made).tensors.values()) / 1e6]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description="Measure peak memory.")
    parser.add_argument("--part", choices=PARTS, help="do this one here and print the peak in MiB")
    part = parser.parse_args().part
    torch.set_num_threads(1)
    if part:
        made = PARTS[part]()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *evidence_size(made))
        return
    print(f"{machine()}; maximum resident set size in MiB, one process each")
    peaks = {}
    for name in PARTS:
        peaks[name], evidence = peak(name)
        print(f"  {name:32}{peaks[name]:8.0f}" + ("" if evidence is None else f"; evidence {evidence:.1f} MB"))
    images = peaks["images"] - peaks["modules"]
    beside = peaks["training"] - peaks["model step"] - images
    verdict = "none" if beside < IMAGES_MIB / 2 else "THERE IS ONE"
    print(
        f"training holds {beside:.0f} MiB beside images and steps; a second copy would be {IMAGES_MIB:.0f}: {verdict}"
    )
    sys.exit(verdict != "none")


if __name__ == "__main__":
    main()
