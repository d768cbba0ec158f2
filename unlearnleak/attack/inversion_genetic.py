"""inversion_genetic: for every class an image that the target takes for it, bred from its answers alone."""

from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.adversary.access import BlackBox
from unlearnleak.adversary.evidence import Predictions
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack
from unlearnleak.errors import UserError, require
from unlearnleak.machine.progress import progress


def individuals(values_KPX: Tensor, index_KQ: Tensor) -> Tensor:
    """Of each class the individuals named, whole rows at a time, which is faster than a gather: [K, Q, X]."""
    first_K1 = torch.arange(len(values_KPX), device=values_KPX.device)[:, None] * values_KPX.shape[1]
    rows_RX = values_KPX.flatten(0, 1).index_select(0, (first_K1 + index_KQ).flatten())
    return rows_RX.view(*index_KQ.shape, -1)


class Population(NamedTuple):
    """P individuals of each class, the fittest first.

    genes_KPG: the flattened images, G = C H W pixels in [0, 1].
    answers_KPK: what the target said about each of them.
    """

    genes_KPG: Tensor
    answers_KPK: Tensor

    def fitness(self) -> Tensor:
        """p_c of the individuals of class c (eq. 23), [K, P]."""
        return self.answers_KPK.diagonal(dim1=0, dim2=2).T

    def ranked(self) -> "Population":
        """The same individuals, the fittest first."""
        order_KP = self.fitness().argsort(dim=1, descending=True, stable=True)
        return Population(*(individuals(part, order_KP) for part in self))


def choose_parents(fitness_KP: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Indices of `count` parents per class, drawn in proportion to fitness, with repetition: [K, count] (CPU).

    A class whose whole population has no fitness at all chooses uniformly.
    """
    weight_KP = fitness_KP.double().cpu()
    most_K1 = weight_KP.amax(1, keepdim=True)
    weight_KP = torch.where(most_K1 > 0, weight_KP / most_K1, 1.0)
    return torch.multinomial(weight_KP, count, replacement=True, generator=generator)


def crossover(first_KPG: Tensor, second_KPG: Tensor, cut_KP1: Tensor) -> Tensor:
    """The first parent's genes before the cut, the second's from it on (eq. 24)."""
    place_G = torch.arange(first_KPG.shape[2], device=first_KPG.device)
    return torch.where(place_G < cut_KP1, first_KPG, second_KPG)


class InversionGenetic(Attack[View[BlackBox]]):
    """Black box, no data: a genetic search for the image of the highest p_c in [0, 1]^(CHW) (paper, eq. 22-26).

    The populations of all classes are asked about in one forward pass a generation. Elites pass on unchanged and are
    not asked about again, so K (P + G (P - elites)) queries are made.

    Args:
        population: P individuals per class, at first uniform in the box.
        generations: G.
        elites: the fittest that pass on unchanged, which makes the best fitness monotone.
        mutation_rate: share of the pixels, at least one, that a mutation draws (with repetition); the paper: one.
        sigma: the mutation's standard deviation in the first generation.
        gamma: its factor from one generation to the next.
        chunk: how many images the target is asked about at once, to bound memory; None asks about all.
    """

    version = 1
    threat = ThreatModel(target=Access.BLACK)
    evidence = Predictions
    memory_keys = frozenset({"chunk"})

    def __init__(
        self,
        *,
        population: int,
        generations: int,
        elites: int,
        mutation_rate: float,
        sigma: float,
        gamma: float,
        chunk: int | None,
    ) -> None:
        if not 1 <= elites < population:
            raise UserError(f"attack.elites={elites} must be at least 1 and less than attack.population={population}.")
        require(generations >= 0, "attack.generations", generations, "0 or more")
        require(0 <= mutation_rate <= 1, "attack.mutation_rate", mutation_rate, "0 to 1")
        require(sigma > 0, "attack.sigma", sigma, "above 0")
        require(0 < gamma <= 1, "attack.gamma", gamma, "above 0 and at most 1")
        require(chunk is None or chunk >= 1, "attack.chunk", chunk, "at least 1, or null for all at once")
        self.population, self.generations, self.elites = population, generations, elites
        self.mutation_rate, self.sigma, self.gamma = mutation_rate, sigma, gamma
        self.chunk = chunk

    def __call__(self, view: View[BlackBox], generator: torch.Generator) -> Predictions:
        """Log-probabilities of the best individuals [K, 1, K], their images, and the number of queries."""
        target, asked_before = view.target, view.queries
        K, P, G = target.num_classes, self.population, torch.Size(target.image_shape).numel()
        genes_KPG = torch.rand(K, P, G, generator=generator).to(target.device)
        people = Population(genes_KPG, self._ask(target, genes_KPG)).ranked()
        for t in progress(range(self.generations), label="genetic inversion", unit="generation"):
            children_KPG = self._breed(people, self.sigma * self.gamma**t, generator)
            answers_KPK = self._ask(target, children_KPG)
            people = Population(
                torch.cat([people.genes_KPG[:, : self.elites], children_KPG], 1),
                torch.cat([people.answers_KPK[:, : self.elites], answers_KPK], 1),
            ).ranked()
        smallest = torch.finfo(people.answers_KPK.dtype).tiny
        return Predictions(
            samples_KMF=people.answers_KPK[:, :1].clamp_min(smallest).log().cpu(),
            images_KCHW=people.genes_KPG[:, 0].view(K, *target.image_shape).cpu(),
            queries=view.queries - asked_before,
        )

    def _ask(self, target: BlackBox, genes_KPG: Tensor) -> Tensor:
        """The target's probabilities for every individual of every class, [K, P, K]."""
        images_NCHW = genes_KPG.reshape(-1, *target.image_shape)
        answers_NK = torch.cat(
            [target.probabilities(part) for part in images_NCHW.split(self.chunk or len(images_NCHW))]
        )
        return answers_NK.view(*genes_KPG.shape[:2], -1)

    def _breed(self, people: Population, sigma: float, generator: torch.Generator) -> Tensor:
        """P - elites children of each class: parents, crossover, mutation and projection to the box."""
        K, P, G = people.genes_KPG.shape
        count, device = P - self.elites, people.genes_KPG.device
        parents_KQ = choose_parents(people.fitness(), 2 * count, generator).to(device)
        genes_KQG = individuals(people.genes_KPG, parents_KQ)
        cut_KP1 = torch.randint(1, G, (K, count, 1), generator=generator).to(device)
        children_KPG = crossover(genes_KQG[:, :count], genes_KQG[:, count:], cut_KP1)
        mutated = (K, count, max(1, round(self.mutation_rate * G)))
        place_KPJ = torch.randint(G, mutated, generator=generator).to(device)
        shift_KPJ = sigma * torch.randn(mutated, generator=generator).to(device)
        return children_KPG.scatter_add(2, place_KPJ, shift_KPJ).clamp(0, 1)
