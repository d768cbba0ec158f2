import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp

from tests.adversary.test_inversion import slow_tv
from tests.attack.victims import Linear, configured, lowest, retrained, seen
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.attack.inversion_gradient import InversionGradient
from unlearnleak.errors import UserError

SETTINGS = {"restarts": 3, "steps": 25, "lr": 0.1, "l2": 0.01, "tv": 0.02, "chunk": None}


def generator():
    return torch.Generator().manual_seed(4)


def attack(model, **settings):
    return InversionGradient(**{**SETTINGS, **settings})(seen(WhiteBox(model)), generator())


def slow_inversion(model, restarts, steps, lr, l2, tv):
    """One start at a time, with the gradient of a linear classifier's objective written out."""
    W, b = model.head.weight.double().detach(), model.head.bias.double().detach()
    starts = torch.randn(len(b) * restarts, *model.image_shape, generator=generator()).double()
    vectors, objectives = [], []
    for index, start in enumerate(starts):
        c, x = index // restarts, start.clone()
        for _ in range(steps):
            p = torch.softmax(W @ x.flatten() + b, 0)
            slope = (W.T @ (p - torch.eye(len(b)).double()[c])).view(x.shape) + 2 * l2 * x
            down, right = torch.sign(x[:, 1:] - x[:, :-1]), torch.sign(x[..., 1:] - x[..., :-1])
            slope[:, 1:] += tv * down
            slope[:, :-1] -= tv * down
            slope[..., 1:] += tv * right
            slope[..., :-1] -= tv * right
            x -= lr * slope
        log_p = torch.log_softmax(W @ x.flatten() + b, 0)
        vectors.append(log_p)
        objectives.append(float(-log_p[c] + l2 * x.square().sum()) + tv * float(slow_tv(x)))
    vectors = torch.stack(vectors).view(len(b), restarts, len(b))
    order = np.argsort(np.array(objectives).reshape(len(b), restarts), axis=1)
    return torch.stack([vectors[c, order[c]] for c in range(len(b))])


@pytest.mark.parametrize("penalty", [{"l2": 0.0, "tv": 0.0}, {"l2": 0.05, "tv": 0.0}, {"l2": 0.01, "tv": 0.02}])
def test_agrees_with_one_start_at_a_time(penalty):
    model = Linear()
    slow = slow_inversion(model, restarts=3, steps=25, lr=0.1, **penalty)
    found = attack(model, **penalty).samples_KMF
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), slow, rtol=1e-3, atol=1e-4)


def test_a_convex_objective_is_brought_to_the_minimum_that_scipy_finds():
    model = Linear()
    W, b = model.head.weight.double().detach().numpy(), model.head.bias.double().detach().numpy()
    found = attack(model, steps=2000, tv=0.0, l2=0.05).samples_KMF.double().numpy()
    for c in range(5):
        best = minimize(lambda x, c=c: logsumexp(W @ x + b) - (W @ x + b)[c] + 0.05 * x @ x, np.zeros(24), tol=1e-9)
        logits = W @ best.x + b
        for restart in found[c]:
            np.testing.assert_allclose(restart, logits - logsumexp(logits), atol=2e-3)


def test_the_best_restart_by_objective_comes_first():
    found = attack(retrained(3), restarts=6, steps=15, l2=0.0, tv=0.0).samples_KMF
    asked_KM = torch.stack([found[c, :, c] for c in range(10)])
    assert (asked_KM.diff(dim=1) <= 1e-6).all()  # without penalties the objective is -log p_c
    assert (asked_KM[:, 0] - asked_KM[:, -1]).max() > 0.1


@pytest.mark.parametrize("chunk", [1, 4, 7, 1000])
def test_chunks_give_the_same_results(chunk):
    whole, parts = attack(retrained(3)), attack(retrained(3), chunk=chunk)
    torch.testing.assert_close(parts.samples_KMF, whole.samples_KMF, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(parts.images_KCHW, whole.images_KCHW, rtol=1e-3, atol=1e-3)


def test_images_are_the_inputs_of_the_first_restart_in_the_valid_box():
    model = Linear(mean=(0.4, 0.7), std=(2.0, 3.0))  # so wide that most pixels leave the box
    evidence = attack(model, steps=3)
    assert evidence.images_KCHW.min() >= 0
    assert evidence.images_KCHW.max() <= 1
    inside = Linear(mean=(0.5, 0.5), std=(0.05, 0.06))
    evidence = attack(inside, steps=3)
    free_K = ((evidence.images_KCHW > 0) & (evidence.images_KCHW < 1)).flatten(1).all(1)
    assert free_K.all()
    log_p_KK = inside(inside.normalize(evidence.images_KCHW)).log_softmax(1)
    torch.testing.assert_close(log_p_KK, evidence.samples_KMF[:, 0], rtol=1e-3, atol=1e-3)


def test_same_generator_same_bits_and_another_one_not():
    model = Linear()
    assert torch.equal(attack(model).samples_KMF, attack(model).samples_KMF)
    other = InversionGradient(**SETTINGS)(seen(WhiteBox(model)), torch.Generator().manual_seed(5))
    assert not torch.equal(attack(model).samples_KMF, other.samples_KMF)


@pytest.mark.parametrize("forgotten", [(3,), (8,), (1, 4, 6)])
def test_with_its_defaults_it_reaches_retained_classes_and_forgotten_ones_last(forgotten):
    evidence = configured("inversion_gradient")(seen(WhiteBox(retrained(*forgotten))), generator())
    p_K = evidence.samples_KMF[:, 0].diagonal().exp()
    assert lowest(p_K, len(forgotten)) == set(forgotten)
    assert p_K[list(forgotten)].max() < 0.5
    assert p_K[[c for c in range(10) if c not in forgotten]].min() > 0.6


def test_a_divergent_learning_rate_and_impossible_counts_are_named():
    with pytest.raises(UserError, match=r"attack\.lr=1000"):
        attack(Linear(), lr=1000, l2=1.0, steps=60)
    with pytest.raises(UserError, match=r"attack\.restarts=0"):
        InversionGradient(**SETTINGS | {"restarts": 0})
    with pytest.raises(UserError, match=r"attack\.chunk=0"):
        InversionGradient(**SETTINGS | {"chunk": 0})
