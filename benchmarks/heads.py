"""2,000 auxiliary heads as one tensor program, against the natural loops: python -m benchmarks.heads [--model resnet18]

10 classes x 200 heads, each trained on 20 samples of its class for 100 steps on the frozen features of a fresh LeNet
(D = 84) or ResNet18 (D = 512), in three ways that end at the same weights:

- images: a copy of the model, frozen but for its last layer, trained on raw images by SGD; one head at a time
- features: the same loop on features that were computed before; one head at a time
- batched: what the attacks do (unlearnleak/adversary/heads.py), from raw images to all 2,000 heads

The loops are timed on --part heads spread over all, and their time is scaled up (the work of a head does not depend on
the others). Made-up images of MNIST's and CIFAR-10's shapes; the time does not depend on what they show.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks import training
from benchmarks.race import Goal, arguments, race, ratio, ready, seconds
from tests.attack.slow_heads import linear, train_on_features, train_on_images
from unlearnleak.adversary.heads import Heads, class_subsets, initial_heads, train_heads
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator
from unlearnleak.model.base import Classifier

CLASSES, HEADS, SAMPLES, PER_CLASS = 10, 200, 20, 36
STEPS, LR = 100, 0.5
SEED = 0
PARTS = {"lenet": 20, "resnet18": 4}
GOAL = Goal(">=", 200)
APART = 1e-3


class Task(NamedTuple):
    """What all three ways are given: a model, auxiliary data, and each head's samples and initial weights."""

    model: Classifier
    auxiliary: LabeledImages
    subset_RN: Tensor
    initial: Heads

    @torch.no_grad()
    def features(self) -> Tensor:
        return self.model.features(self.model.normalize(self.auxiliary.images))


def task(name: str) -> Task:
    """The task on a fresh model of that name."""
    draw, count = generator(SEED, "heads"), CLASSES * PER_CLASS
    (noise,) = training.made_up(training.SHAPES[name], count)
    auxiliary = LabeledImages(noise.images, torch.arange(count) % CLASSES, CLASSES)
    model = training.task(name).model().eval()
    subset_KMN = class_subsets(auxiliary.labels, CLASSES, HEADS, SAMPLES, draw)
    initial = initial_heads(CLASSES * HEADS, CLASSES, model.head.in_features, draw)
    return Task(model, auxiliary, subset_KMN.flatten(0, 1), initial)


def by_images(task: Task, chosen: list[int]) -> list[torch.nn.Linear]:
    images, labels = task.auxiliary.images, task.auxiliary.labels
    heads = []
    for r in chosen:
        head, index = linear(task.initial.weight_MKD[r], task.initial.bias_MK[r]), task.subset_RN[r]
        heads.append(train_on_images(task.model, head, images[index], labels[index], steps=STEPS, lr=LR))
    return heads


def by_features(task: Task, chosen: list[int]) -> list[torch.nn.Linear]:
    phi_ND, labels = task.features(), task.auxiliary.labels
    heads = []
    for r in chosen:
        head, index = linear(task.initial.weight_MKD[r], task.initial.bias_MK[r]), task.subset_RN[r]
        heads.append(train_on_features(head, phi_ND[index], labels[index], steps=STEPS, lr=LR))
    return heads


def batched(task: Task) -> Heads:
    phi_RND, labels_RN = task.features()[task.subset_RN], task.auxiliary.labels[task.subset_RN]
    return train_heads(phi_RND, labels_RN, task.initial, steps=STEPS, lr=LR)


def farthest(fast: Heads, slow: list[torch.nn.Linear], chosen: list[int]) -> float:
    """The largest difference between a weight of one way and of the other."""
    gaps = [(fast.weight_MKD[r] - head.weight.detach()).abs().max() for r, head in zip(chosen, slow, strict=True)]
    return float(torch.stack(gaps).max())


def compare(part: int, took: dict[str, list[float]]) -> bool:
    """Print what the race took, of the loops scaled up to all heads; returns whether the goal is reached."""
    scale = CLASSES * HEADS / part
    took = {way: [(1 if way == "batched" else scale) * second for second in of] for way, of in took.items()}
    seconds(took)
    ratio(took, "features", "batched")
    return ratio(took, "images", "batched", GOAL)


def main() -> None:
    parser = arguments("heads", "Time auxiliary heads.", repeats=5)
    parser.add_argument("--model", choices=training.MODELS, action="append", help="one or more (all)")
    parser.add_argument("--part", type=int, help="heads that the loops are timed on, of 2,000 (LeNet 20, ResNet18 4)")
    options = parser.parse_args()
    ready(options)
    for name in options.model or training.MODELS:
        work, part = task(name), options.part or PARTS[name]
        chosen = torch.linspace(0, CLASSES * HEADS - 1, part).long().tolist()
        loops = {"images": partial(by_images, work, chosen), "features": partial(by_features, work, chosen)}
        apart = max(farthest(batched(work), loop(), chosen) for loop in loops.values())
        assert apart < APART, apart
        dim = work.model.head.in_features
        print(f"{name}, D = {dim}: {CLASSES * HEADS} heads, {SAMPLES} samples, {STEPS} steps; loops timed on {part}")
        print(f"  weights agree within {apart:.1e}")
        compare(part, race({**loops, "batched": partial(batched, work)}, options))


if __name__ == "__main__":
    main()
