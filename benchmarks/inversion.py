"""Inversion attacks as one batch, against one image at a time: python -m benchmarks.inversion

- gradient: 10 classes x 4 restarts x 200 steps of gradient descent; slowly, one start at a time, each from the random
  numbers that the batch gave it. Inverted images agree within a hundredth of a pixel's range: the sums are taken in
  another order, and 200 steps pass the kinks of ReLU and of total variation.
- genetic: 10 classes x 50 individuals x 100 generations; slowly, one class after the other, and each individual is
  asked about and bred by itself, with draws of its own: as PyTorch code of this project, and with DEAP. The searches
  draw differently, so what agrees is how they end: every class's best fitness, within 0.05.

The slow ways are timed on --part of their work (whole restarts, whole classes), which is scaled up.
"""

import argparse
import statistics
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks import deap_search
from benchmarks.race import Goal, arguments, race, ratio, ready, seconds
from unlearnleak.adversary.access import BlackBox, WhiteBox
from unlearnleak.adversary.inversion import to_pixels
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.inversion_genetic import InversionGenetic
from unlearnleak.attack.inversion_gradient import InversionGradient
from unlearnleak.dataset.digits import Digits
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization

K, RESTARTS, STEPS = 10, 4, 200
LR, L2, TV = 1.0, 0.01, 0.001
POPULATION, GENERATIONS, ELITES, RATE, SIGMA, GAMMA = 50, 100, 2, 0.02, 0.5, 0.98
GOALS = {"gradient": Goal(">=", 8), "genetic": Goal(">=", 30)}
PIXELS, FITNESS = 1e-2, 0.05


class Task(NamedTuple):
    """A LeNet that knows the digits."""

    model: LeNet

    def gradient(self) -> Tensor:
        """Each class's best image, [K, 1, 28, 28]."""
        attack = InversionGradient(restarts=RESTARTS, steps=STEPS, lr=LR, l2=L2, tv=TV, chunk=None)
        return attack(view_of(attack.threat, target=self.model), generator(0, "inversion")).images_KCHW

    def genetic(self) -> list[float]:
        """Each class's best fitness."""
        settings = {"population": POPULATION, "generations": GENERATIONS, "elites": ELITES}
        attack = InversionGenetic(**settings, mutation_rate=RATE, sigma=SIGMA, gamma=GAMMA, chunk=2048)
        evidence = attack(view_of(attack.threat, target=self.model), generator(0, "genetic"))
        return evidence.samples_KMF[:, 0].exp().diagonal().tolist()


def trained() -> Task:
    source = Digits(root=None, path=None, auxiliary_per_class=20, test_per_class=20, train_limit=None)
    splits = source.splits(generator(0, "data"))
    with isolated(0, "weights"):
        model = LeNet(image_shape=(1, 28, 28), num_classes=K, mean=splits.mean, std=splits.std)
    recipe = Optimization(epochs=4, batch_size=64, lr=0.05, warmup_epochs=1)
    fit(model, splits.train, recipe, test=splits.test, generator=generator(0, "batches"), label="digits")
    return Task(model)


def variation(x_CHW: Tensor) -> Tensor:
    """Total variation of one image."""
    return (x_CHW[:, 1:] - x_CHW[:, :-1]).abs().sum() + (x_CHW[..., 1:] - x_CHW[..., :-1]).abs().sum()


def descend(target: WhiteBox, x_CHW: Tensor, c: int) -> tuple[float, Tensor]:
    """Gradient descent from one start: the objective where it ends, and the image."""

    def objective(x_CHW: Tensor) -> Tensor:
        loss = cross_entropy(target.logits(x_CHW[None]), torch.tensor([c]))
        return loss + L2 * x_CHW.square().sum() + TV * variation(x_CHW)

    for _ in range(STEPS):
        x_CHW = x_CHW.detach().requires_grad_()
        objective(x_CHW).backward()
        assert x_CHW.grad is not None
        x_CHW = x_CHW - LR * x_CHW.grad
    with torch.no_grad():
        return float(objective(x_CHW)), x_CHW.detach()


def one_start_at_a_time(task: Task, classes: int) -> list[Tensor]:
    """The best images of the first `classes` classes."""
    target, best = WhiteBox(task.model), []
    starts_KRCHW = torch.randn(K * RESTARTS, 1, 28, 28, generator=generator(0, "inversion")).view(
        K, RESTARTS, 1, 28, 28
    )
    for c in range(classes):
        ends = [descend(target, start_CHW, c) for start_CHW in starts_KRCHW[c]]
        best.append(to_pixels(target, min(ends, key=lambda end: end[0])[1][None])[0])
    return best


def evolve(target: BlackBox, c: int, draw: torch.Generator) -> float:
    """A genetic search for class c, one individual at a time: the best fitness."""

    def fitness(genes_G: Tensor) -> float:
        return float(target.probabilities(genes_G.view(1, 1, 28, 28))[0, c])

    people = [torch.rand(784, generator=draw) for _ in range(POPULATION)]
    ranked = sorted(((fitness(genes_G), genes_G) for genes_G in people), key=lambda one: -one[0])
    for t in range(GENERATIONS):
        weights_P = torch.tensor([max(fit, 1e-38) for fit, _ in ranked], dtype=torch.float64)
        children = []
        for _ in range(POPULATION - ELITES):
            first, second = torch.multinomial(weights_P, 2, replacement=True, generator=draw).tolist()
            cut = int(torch.randint(1, 784, (), generator=draw))
            child_G = torch.cat([ranked[first][1][:cut], ranked[second][1][cut:]])
            place_J = torch.randint(784, (round(RATE * 784),), generator=draw)
            shift_J = SIGMA * GAMMA**t * torch.randn(len(place_J), generator=draw)
            child_G = child_G.index_add(0, place_J, shift_J).clamp(0, 1)
            children.append((fitness(child_G), child_G))
        ranked = sorted(ranked[:ELITES] + children, key=lambda one: -one[0])
    return ranked[0][0]


def one_individual_at_a_time(task: Task, classes: int) -> list[float]:
    """The best fitness of the first `classes` classes."""
    return [evolve(BlackBox(task.model), c, generator(0, "genetic", str(c))) for c in range(classes)]


def with_deap(task: Task, classes: int) -> list[float]:
    """The best fitness of the first `classes` classes."""
    settings = {"population": POPULATION, "generations": GENERATIONS, "elites": ELITES}
    settings |= {"rate": RATE, "sigma": SIGMA, "gamma": GAMMA}
    return [deap_search.evolve(BlackBox(task.model), c, **settings) for c in range(classes)]


def agree(task: Task, classes: int) -> None:
    """Fails unless fast and slow end alike; prints how far apart they are."""
    pairs = zip(task.gradient(), one_start_at_a_time(task, classes), strict=False)
    apart = max(float((fast - slow).abs().max()) for fast, slow in pairs)
    best = task.genetic()
    gaps = [
        abs(fast - slow)
        for way in (one_individual_at_a_time, with_deap)
        for fast, slow in zip(best, way(task, classes), strict=False)
    ]
    print(f"pixels agree within {apart:.1e}, fitness within {max(gaps):.3f} (median {statistics.median(gaps):.3f})")
    assert apart <= PIXELS, apart
    assert max(gaps) <= FITNESS, gaps


def compare(task: Task, options: argparse.Namespace) -> bool:
    """Time all ways; returns whether the goals are reached."""
    classes = options.part
    ways = {"gradient": task.gradient, "one start at a time": partial(one_start_at_a_time, task, classes)}
    ways |= {"genetic": task.genetic, "one individual at a time": partial(one_individual_at_a_time, task, classes)}
    ways |= {"DEAP": partial(with_deap, task, classes)}
    took = race(ways, options)
    for name in ("one start at a time", "one individual at a time", "DEAP"):
        took[name] = [second * K / classes for second in took[name]]
    seconds(took)
    reached = ratio(took, "one start at a time", "gradient", GOALS["gradient"])
    reached = ratio(took, "DEAP", "genetic", GOALS["genetic"]) and reached
    return ratio(took, "one individual at a time", "genetic", GOALS["genetic"]) and reached


def main() -> None:
    parser = arguments("inversion", "Time inversion attacks.", repeats=5)
    parser.add_argument("--part", type=int, default=1, help="classes that the slow ways are timed on, of 10 (1)")
    options = parser.parse_args()
    ready(options)
    task = trained()
    print(
        f"LeNet, {K} classes; {RESTARTS} restarts x {STEPS} steps; {POPULATION} individuals x {GENERATIONS} generations"
    )
    agree(task, options.part)
    compare(task, options)


if __name__ == "__main__":
    main()
