"""How long 2,000 auxiliary heads take: the natural loops against the tensor program of attack/heads.py.

`python -m benchmarks.heads` trains 10 classes x 200 heads, each on 20 digits of its class for 100 steps, on the frozen
features of a LeNet, in three ways that end at the same weights:

- images: a copy of the model, frozen but for its last layer, trained on raw images by SGD; one head at a time
- features: the same loop on features that were computed before; one head at a time
- batched: what the attacks do, from raw images to all 2,000 heads

The loops are timed on --sample heads spread over all, and their time is scaled up by 2,000 / sample (the work of a head
does not depend on the others); --full times all. Each way is repeated, the ways in turn, and the median counts.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from tests.attack.slow_heads import linear, train_on_features, train_on_images
from unlearnleak.attack.heads import Heads, class_subsets, initial_heads, train_heads
from unlearnleak.dataset import LabeledImages
from unlearnleak.dataset.digits import Digits
from unlearnleak.model.lenet import LeNet
from unlearnleak.seeds import generator, isolated

CLASSES, HEADS, SAMPLES = 10, 200, 20
STEPS, LR = 100, 0.5
SEED = 0
GOALS = {"images": 100, "features": 20}


class Task(NamedTuple):
    """What all three ways are given: a model, auxiliary data, and each head's samples and initial weights."""

    model: LeNet
    auxiliary: LabeledImages
    subset_RN: Tensor
    initial: Heads

    @torch.no_grad()
    def features(self) -> Tensor:
        return self.model.features(self.model.normalize(self.auxiliary.images))


def task() -> Task:
    source = Digits(root=None, path=None, auxiliary_per_class=36, test_per_class=36, train_limit=None)
    splits, draw = source.splits(generator(SEED, "data")), generator(SEED, "heads")
    with isolated(SEED, "weights"):
        model = LeNet(image_shape=(1, 28, 28), num_classes=CLASSES, mean=splits.mean, std=splits.std).eval()
    subset_KMN = class_subsets(splits.auxiliary.labels, CLASSES, HEADS, SAMPLES, draw)
    initial = initial_heads(CLASSES * HEADS, CLASSES, model.head.in_features, draw)
    return Task(model, splits.auxiliary, subset_KMN.flatten(0, 1), initial)


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


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def farthest(fast: Heads, slow: list[torch.nn.Linear], chosen: list[int]) -> float:
    """The largest difference between a weight of one way and of the other."""
    gaps = [(fast.weight_MKD[r] - head.weight.detach()).abs().max() for r, head in zip(chosen, slow, strict=True)]
    return float(torch.stack(gaps).max())


def machine() -> str:
    model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.heads", description="Time auxiliary heads.")
    parser.add_argument("--sample", type=int, default=20, help="heads that the loops are timed on (20)")
    parser.add_argument("--full", action="store_true", help="time the loops on all heads: many minutes")
    parser.add_argument("--repeats", type=int, default=5, help="the median of so many runs counts (5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="torch's threads (all cores)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    work, total = task(), CLASSES * HEADS
    sample = total if options.full else min(options.sample, total)
    chosen = torch.linspace(0, total - 1, sample).long().tolist()
    fast = batched(work)  # also the warm-up, as are the two runs of the loops that it is compared with
    gap = max(farthest(fast, way(work, chosen[:10]), chosen[:10]) for way in (by_images, by_features))
    ways: dict[str, tuple[float, Callable[[], object]]] = {
        "images": (total / sample, lambda: by_images(work, chosen)),
        "features": (total / sample, lambda: by_features(work, chosen)),
        "batched": (1.0, lambda: batched(work)),
    }
    rounds = [{name: scale * seconds(run) for name, (scale, run) in ways.items()} for _ in range(options.repeats)]
    took = {name: statistics.median(one[name] for one in rounds) for name in ways}
    print(f"{total} heads, {SAMPLES} samples, {STEPS} steps, D = {work.model.head.in_features}; {machine()}")
    print(f"loops timed on {sample} heads; median of {options.repeats}; weights agree within {gap:.1e}\n")
    print(f"{'way':10}{'seconds':>10}{'min':>10}{'max':>10}{'times batched':>16}{'goal':>8}")
    for name in ways:
        low, high = (bound(one[name] for one in rounds) for bound in (min, max))
        ratio, goal = took[name] / took["batched"], f">= {GOALS[name]}" if name in GOALS else ""
        print(f"{name:10}{took[name]:10.3f}{low:10.3f}{high:10.3f}{ratio:16.1f}{goal:>8}")


if __name__ == "__main__":
    main()
