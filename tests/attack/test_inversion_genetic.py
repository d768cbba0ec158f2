import pytest
import torch

from tests.attack.victims import Linear, configured, lowest, retrained, seen
from unlearnleak.adversary.access import BlackBox
from unlearnleak.attack import inversion_genetic
from unlearnleak.attack.inversion_genetic import InversionGenetic, Population, choose_parents, crossover
from unlearnleak.errors import UserError

SETTINGS = {
    "population": 8,
    "generations": 5,
    "elites": 2,
    "mutation_rate": 0.1,
    "sigma": 0.3,
    "gamma": 0.9,
    "chunk": 2048,
}


def generator():
    return torch.Generator().manual_seed(4)


def uniform(*shape):
    return torch.rand(shape, dtype=torch.float64, generator=generator())


def attack(model, **settings):
    return InversionGenetic(**{**SETTINGS, **settings})(seen(BlackBox(model)), generator())


class Recorder(BlackBox):
    """A black box that keeps what it was asked and what it answered."""

    __slots__ = ("asked",)

    def __init__(self, model):
        super().__init__(model)
        self.asked = []

    def probabilities(self, images_NCHW):
        answers = super().probabilities(images_NCHW)
        self.asked.append((images_NCHW.clone(), answers))
        return answers


@pytest.mark.parametrize(("population", "elites", "generations"), [(8, 2, 5), (6, 1, 0), (3, 2, 7)])
def test_it_counts_the_queries_and_asks_about_no_elite_twice(population, elites, generations):
    target = Recorder(Linear())
    target.probabilities(torch.rand(3, 2, 3, 4))  # asked before: not this attack's
    settings = SETTINGS | {"population": population, "elites": elites, "generations": generations}
    evidence = InversionGenetic(**settings)(seen(target), generator())
    assert evidence.queries == 5 * (population + generations * (population - elites))
    assert len(target.asked) == 1 + 1 + generations  # one forward pass a generation


def test_chunks_bound_what_is_asked_about_at_once_and_nothing_else():
    whole, parts = Recorder(Linear()), Recorder(Linear())
    one = InversionGenetic(**SETTINGS)(seen(whole), generator())
    other = InversionGenetic(**SETTINGS | {"chunk": 7})(seen(parts), generator())
    assert max(len(images) for images, _ in parts.asked) == 7
    assert one.queries == other.queries
    torch.testing.assert_close(one.samples_KMF, other.samples_KMF)
    torch.testing.assert_close(one.images_KCHW, other.images_KCHW)


def test_the_best_fitness_never_falls_and_does_rise():
    best = [attack(retrained(3), generations=g).samples_KMF[:, 0].diagonal() for g in (0, 1, 2, 3, 5, 8, 13, 21)]
    steps = torch.stack(best).diff(dim=0)
    assert (steps >= 0).all()
    assert ((best[-1] - best[0]) > 0.1).float().mean() > 0.8


def test_the_answer_is_the_best_of_all_individuals_ever_asked_about():
    target = Recorder(Linear())
    evidence = InversionGenetic(**SETTINGS)(seen(target), generator())
    per_class = [torch.cat([answers.view(5, -1, 5)[c] for _, answers in target.asked])[:, c].max() for c in range(5)]
    torch.testing.assert_close(evidence.samples_KMF[:, 0].diagonal().exp(), torch.stack(per_class))
    again = BlackBox(Linear()).probabilities(evidence.images_KCHW)
    torch.testing.assert_close(again.log(), evidence.samples_KMF[:, 0], rtol=1e-4, atol=1e-4)


def test_the_first_population_is_uniform_and_every_query_stays_in_the_box():
    target = Recorder(Linear())
    InversionGenetic(**SETTINGS | {"population": 200, "sigma": 5.0})(seen(target), generator())
    first = target.asked[0][0]
    assert abs(first.mean() - 1 / 2) < 0.01
    assert abs(first.var() - 1 / 12) < 0.005
    for images, _ in target.asked:  # a black box refuses what is outside; here the edges are met, too
        assert images.min() >= 0
        assert images.max() <= 1
    assert (target.asked[1][0] == 1).any()


def test_parents_are_drawn_in_proportion_to_fitness():
    fitness_KP = torch.tensor([[1.0, 2.0, 5.0], [0.0, 3.0, 1.0]]) * 1e-30
    chosen = choose_parents(fitness_KP, uniform(2, 40_000))
    share = torch.stack([torch.bincount(row, minlength=3) for row in chosen]) / 40_000
    torch.testing.assert_close(share, fitness_KP / fitness_KP.sum(1, keepdim=True), atol=0.01, rtol=0)
    assert share[1, 0] == 0


def test_a_class_without_any_fitness_chooses_uniformly_and_its_answer_is_finite():
    chosen = choose_parents(torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]), uniform(2, 8000))
    torch.testing.assert_close(torch.bincount(chosen[0]) / 8000, torch.full((4,), 0.25), atol=0.02, rtol=0)
    assert (chosen[1] == 0).all()
    model = Linear()
    model.head.bias.data[2] = -1e5
    evidence = attack(model)
    assert evidence.samples_KMF.isfinite().all()
    assert lowest(evidence.samples_KMF[:, 0].diagonal(), 1) == {2}


@pytest.mark.parametrize("seed", range(5))
def test_parents_are_those_that_torch_draws_and_so_is_what_follows(seed):
    one, other = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    weight_KP = torch.rand(10, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) ** 20
    weight_KP[3, :40] = 0
    weight_KP /= weight_KP.amax(1, keepdim=True)
    expected = torch.multinomial(weight_KP, 96, replacement=True, generator=one)
    drawn_KR = torch.rand(10, 96, dtype=torch.float64, generator=other)
    assert torch.equal(choose_parents(weight_KP, drawn_KR), expected)
    assert torch.equal(torch.rand(9, generator=one), torch.rand(9, generator=other))


def test_how_much_is_drawn_ahead_changes_nothing(monkeypatch):
    ahead = attack(Linear())
    monkeypatch.setattr(inversion_genetic, "AHEAD_BYTES", 3_000)  # two generations' and not three's
    parts = attack(Linear())
    assert torch.equal(ahead.samples_KMF, parts.samples_KMF)
    assert torch.equal(ahead.images_KCHW, parts.images_KCHW)


def test_a_model_that_answers_no_numbers_ends_in_evidence_that_says_so():
    model = Linear()
    model.head.bias.data[2] = torch.nan
    assert not attack(model).samples_KMF.isfinite().any()


def test_crossover_joins_the_parents_at_the_cut():
    first, second = torch.zeros(1, 3, 5), torch.ones(1, 3, 5)
    children = crossover(first, second, torch.tensor([[[1], [3], [4]]]))
    assert children[0].tolist() == [[0, 1, 1, 1, 1], [0, 0, 0, 1, 1], [0, 0, 0, 0, 1]]


@pytest.mark.parametrize(("rate", "most"), [(0.0, 1), (0.25, 6), (1.0, 24)])
def test_a_mutation_touches_as_many_pixels_as_its_rate_says(rate, most):
    bred = InversionGenetic(**SETTINGS | {"population": 402, "mutation_rate": rate})
    same_KPG = torch.full((3, 402, 24), 0.5)  # of equal parents children differ by mutation alone
    children = bred._breed(Population(same_KPG, torch.rand(3, 402, 3)), bred._draw(0.01, 3, 24, generator()))
    changed = (children != 0.5).sum(2)
    assert changed.max() <= most
    assert abs(changed.float().mean() - 24 * (1 - (1 - 1 / 24) ** most)) < 0.1  # drawn with repetition


def test_the_mutation_has_the_strength_asked_for_and_decays():
    bred = InversionGenetic(**SETTINGS | {"population": 2002, "mutation_rate": 0.0})
    same = Population(torch.full((3, 2002, 24), 0.5), torch.rand(3, 2002, 3))
    for sigma in (0.02, 0.1):
        shift = bred._breed(same, bred._draw(sigma, 3, 24, generator())) - 0.5
        assert shift[shift != 0].std().item() == pytest.approx(sigma, rel=0.05)
    asked, breed = [], bred._breed
    bred._breed = lambda people, draws: asked.append(draws.shift_KQJ.std().item()) or breed(people, draws)
    bred(seen(BlackBox(Linear())), generator())
    assert asked == pytest.approx([0.3, 0.27, 0.243, 0.2187, 0.19683], rel=0.05)


def test_same_generator_same_bits():
    one, two = attack(Linear()), attack(Linear())
    assert torch.equal(one.samples_KMF, two.samples_KMF)
    assert torch.equal(one.images_KCHW, two.images_KCHW)


@pytest.mark.parametrize("forgotten", [(3,), (8,), (1, 4, 6)])
def test_with_its_defaults_it_reaches_retained_classes_and_forgotten_ones_last(forgotten):
    evidence = configured("inversion_genetic")(seen(BlackBox(retrained(*forgotten))), generator())
    p_K = evidence.samples_KMF[:, 0].diagonal().exp()
    assert lowest(p_K, len(forgotten)) == set(forgotten)
    assert p_K[list(forgotten)].max() < 0.5
    assert p_K[[c for c in range(10) if c not in forgotten]].min() > 0.6


@pytest.mark.parametrize("elites", [0, 50, 60])
def test_impossible_elites_are_named(elites):
    with pytest.raises(UserError, match=rf"attack\.elites={elites}"):
        InversionGenetic(**SETTINGS | {"population": 50, "elites": elites})
