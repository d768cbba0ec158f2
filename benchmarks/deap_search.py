"""The genetic inversion as one writes it with DEAP (https://github.com/DEAP/deap), of the library's own operators.

Individuals are arrays of floats; selection in proportion to fitness, one-point crossover, a Gaussian mutation that
meets each pixel with a probability, and the fittest passed on unchanged. DEAP draws from Python's own generator, so
what agrees with `unlearnleak.attack.inversion_genetic` is how the search ends, not its way there.
"""

import array
import random
from typing import Any

import numpy as np
import torch
from deap import base, creator, tools

from unlearnleak.adversary.access import BlackBox

creator.create("Highest", base.Fitness, weights=(1.0,))
creator.create("Image", array.array, typecode="d", fitness=creator.Highest)


def in_the_box(image: Any) -> None:
    """Put every pixel back into [0, 1]."""
    image[:] = array.array("d", np.clip(np.frombuffer(image), 0, 1))


def evolve(
    target: BlackBox, c: int, *, population: int, generations: int, elites: int, rate: float, sigma: float, gamma: float
) -> float:
    """Breed images that the target takes for class c: the best fitness."""
    shape, G = target.image_shape, torch.Size(target.image_shape).numel()

    def fitness(image: Any) -> tuple[float]:
        pixels_1CHW = torch.from_numpy(np.frombuffer(image)).float().view(1, *shape)
        return (float(target.probabilities(pixels_1CHW)[0, c]),)

    random.seed(c)
    box = base.Toolbox()
    box.register("image", tools.initRepeat, creator.Image, random.random, n=G)
    box.register("evaluate", fitness)
    box.register("select", tools.selRoulette)
    box.register("mate", tools.cxOnePoint)
    people = tools.initRepeat(list, box.image, population)
    for image in people:
        image.fitness.values = box.evaluate(image)
    for t in range(generations):
        best = tools.selBest(people, elites)
        children = [box.clone(image) for image in box.select(people, population - elites)]
        for first, second in zip(children[::2], children[1::2], strict=True):
            box.mate(first, second)
        for child in children:
            tools.mutGaussian(child, mu=0, sigma=sigma * gamma**t, indpb=rate)
            in_the_box(child)
            child.fitness.values = box.evaluate(child)
        people = best + children
    return float(tools.selBest(people, 1)[0].fitness.values[0])
