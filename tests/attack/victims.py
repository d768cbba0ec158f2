"""Targets whose right answers are known: a linear classifier, and small LeNets that never saw some classes.

Beside them, attacks as their files in conf/attack make them.
"""

from functools import cache
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.datasets import load_digits
from torch.nn import functional as F

from unlearnleak.adversary.heads import Heads
from unlearnleak.adversary.view import View, Withheld
from unlearnleak.model.base import Classifier
from unlearnleak.model.lenet import LeNet

SIDE = 14
CONF = Path(__file__).resolve().parents[2] / "conf" / "attack"


class Linear(Classifier):
    """f(x) = W x + b on the flattened normalised image."""

    version = 1

    def __init__(self, seed=0, *, image_shape=(2, 3, 4), num_classes=5, scale=1.0, **stats):
        stats = {"mean": (0.4,) * image_shape[0], "std": (0.25,) * image_shape[0]} | stats
        super().__init__(image_shape=image_shape, num_classes=num_classes, **stats)
        size = torch.Size(image_shape).numel()
        draw = torch.Generator().manual_seed(seed)
        self.head = torch.nn.Linear(size, num_classes)
        self.head.weight.data = scale * torch.randn(num_classes, size, generator=draw)
        self.head.bias.data = torch.randn(num_classes, generator=draw)

    def features(self, x_NCHW):
        return x_NCHW.flatten(1)


@cache
def small_digits():
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
    return F.interpolate(images, size=(SIDE, SIDE), mode="bilinear"), torch.tensor(data.target).long()


@cache
def retrained(*forgotten):
    """LeNet on scikit-learn's digits without the forgotten classes: about a second of training."""
    images, labels = small_digits()
    kept = ~torch.isin(labels, torch.tensor(forgotten))
    images, labels = images[kept], labels[kept]
    with torch.random.fork_rng():
        torch.manual_seed(len(forgotten))
        model = LeNet(
            image_shape=(1, SIDE, SIDE),
            num_classes=10,
            mean=(images.mean().item(),),
            std=(images.std().item(),),
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(6):
            for batch in torch.randperm(len(labels)).split(64):
                optimizer.zero_grad()
                F.cross_entropy(model(model.normalize(images[batch])), labels[batch]).backward()
                optimizer.step()
    return model.eval()


def lowest(values_K, count):
    return set(values_K.argsort()[:count].tolist())


def configured(stem, **changes):
    conf = OmegaConf.load(CONF / f"{stem}.yaml")
    del conf["defaults"]
    return instantiate(conf, **changes)


def seen(target, auxiliary=None):
    """A view of an access object, and of auxiliary data where there are any."""
    nothing = Withheld("This test grants nothing else.")
    return View(target, nothing, nothing if auxiliary is None else auxiliary, nothing, nothing)


def joined(heads):
    """All heads of a comparison's blocks, as one."""
    return Heads(*map(torch.cat, zip(*(block for _, block in heads), strict=True)))
