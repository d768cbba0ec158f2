"""The usual way to train LeNet on MNIST: torchvision's per-image transforms, a DataLoader, Lightning as it comes."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision import transforms

from unlearnleak.data import LabeledImages
from unlearnleak.training.optimization import Optimization


def textbook_lenet() -> nn.Sequential:
    """LeNet-5 for 28-pixel grey images, as textbooks write it."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


class Pictures(Dataset[tuple[Tensor, int]]):
    """One image and label at a time, as torchvision.datasets.MNIST gives them: through PIL and the transforms."""

    def __init__(self, data: LabeledImages, mean: float, std: float) -> None:
        self.images, self.labels = data.images[:, 0], data.labels
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((mean,), (std,))])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        return self.transform(picture), int(self.labels[index])


class Shuffled(Sampler[int]):
    """What `shuffle=True` does, drawn from a generator that is given: the order of `ResidentBatches`."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self.size, self.generator = size, generator

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        yield from torch.randperm(self.size, generator=self.generator).tolist()


class Module(pl.LightningModule):
    """The LightningModule of a first tutorial."""

    def __init__(self, net: nn.Module, optimization: Optimization) -> None:
        super().__init__()
        self.net, self.optimization = net, optimization

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        images, labels = batch
        loss = cross_entropy(self.net(images), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        images, labels = batch
        self.log("test_acc", (self.net(images).argmax(1) == labels).float().mean())

    def configure_optimizers(self) -> object:
        return self.optimization.build(self.parameters())


def train(
    net: nn.Module,
    train: Pictures,
    test: Pictures,
    optimization: Optimization,
    generator: torch.Generator,
    folder: Path,
) -> nn.Module:
    """Lightning's Trainer with its defaults: logger, checkpoints, progress bar."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    size = optimization.batch_size
    batches = DataLoader(train, size, sampler=Shuffled(len(train), generator), drop_last=True)
    with contextlib.redirect_stdout(io.StringIO()):  # the progress bar is drawn, and not shown
        trainer = pl.Trainer(max_epochs=optimization.epochs, default_root_dir=folder, accelerator="cpu")
        trainer.fit(Module(net, optimization), batches, DataLoader(test, size))
    return net
