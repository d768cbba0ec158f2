"""inversion_genetic: for every class an image that the target takes for it, bred from its answers alone."""

from collections.abc import Iterator
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

AHEAD_BYTES = 64e6
"""So much of what later generations draw is drawn ahead, and brought to a GPU at once."""


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


class Draws(NamedTuple):
    """What one generation draws for the Q children of each class; none of it depends on fitness.

    parent_KR: R = 2 Q uniform numbers (float64) that choose first and second parents.
    cut_KQ1: where crossovers cut.
    place_KQJ, shift_KQJ: which J pixels each mutation draws, and by how much it moves them.
    """

    parent_KR: Tensor
    cut_KQ1: Tensor
    place_KQJ: Tensor
    shift_KQJ: Tensor


def choose_parents(fitness_KP: Tensor, drawn_KR: Tensor) -> Tensor:
    """Indices of R parents per class, chosen in proportion to fitness, with repetition: [K, R].

    A class whose whole population has no fitness at all chooses uniformly. They are those of `torch.multinomial`, which
    on a CPU draws the same numbers; a GPU's own draws others.

    Args:
        drawn_KR: uniform in [0, 1), float64.
    """
    weight_KP = fitness_KP.double()
    most_K1 = weight_KP.amax(1, keepdim=True)
    upto_KP = torch.where(most_K1 > 0, weight_KP / most_K1, 1.0).cumsum(1)
    chosen_KR = torch.searchsorted(upto_KP / upto_KP[:, -1:], drawn_KR)
    return chosen_KR.clamp_(max=upto_KP.shape[1] - 1)  # of what is no number: it is for the evidence to be refused


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
        now = Draws(*(part.to(target.device) for part in self._draw(self.sigma, K, G, torch.Generator())))

        def generation() -> None:
            """One generation with the draws of `now`; `people` and `now` stay where they are."""
            children_KPG = self._breed(people, now)
            answers_KPK = self._ask(target, children_KPG)
            after = Population(
                torch.cat([people.genes_KPG[:, : self.elites], children_KPG], 1),
                torch.cat([people.answers_KPK[:, : self.elites], answers_KPK], 1),
            ).ranked()
            for part, new in zip(people, after, strict=True):
                part.copy_(new)

        again = target.repeated(
            generation, lambda: people, "a generation of the genetic search", times=self.generations
        )
        drawn = self._drawn(K, G, generator, target.device)
        for draws in progress(drawn, total=self.generations, label="genetic inversion", unit="generation"):
            for part, new in zip(now, draws, strict=True):
                part.copy_(new)
            again()
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

    def _draw(self, sigma: float, K: int, G: int, generator: torch.Generator) -> Draws:
        """What a generation of K classes and G pixels draws whose mutations have the strength sigma."""
        Q = self.population - self.elites
        mutated = (K, Q, max(1, round(self.mutation_rate * G)))
        return Draws(
            torch.rand(K, 2 * Q, dtype=torch.float64, generator=generator),
            torch.randint(1, G, (K, Q, 1), generator=generator),
            torch.randint(G, mutated, generator=generator),
            sigma * torch.randn(mutated, generator=generator),
        )

    def _drawn(self, K: int, G: int, generator: torch.Generator, device: torch.device) -> Iterator[Draws]:
        """What each generation draws, from the CPU's generator, on the device, where many arrive together."""
        bytes_of_one = sum(part.nbytes for part in self._draw(self.sigma, K, G, torch.Generator()))
        ahead = max(1, int(AHEAD_BYTES // bytes_of_one))
        for first in range(0, self.generations, ahead):
            several = range(first, min(first + ahead, self.generations))
            drawn = [self._draw(self.sigma * self.gamma**t, K, G, generator) for t in several]
            yield from map(Draws, *(torch.stack(part).to(device) for part in zip(*drawn, strict=True)))

    def _breed(self, people: Population, draws: Draws) -> Tensor:
        """P - elites children of each class: parents, crossover, mutation and projection to the box."""
        count = people.genes_KPG.shape[1] - self.elites
        genes_KRG = individuals(people.genes_KPG, choose_parents(people.fitness(), draws.parent_KR))
        children_KQG = crossover(genes_KRG[:, :count], genes_KRG[:, count:], draws.cut_KQ1)
        return children_KQG.scatter_add(2, draws.place_KQJ, draws.shift_KQJ).clamp(0, 1)
