import pytest
import torch

from tests.attack.victims import Linear, configured, lowest, retrained, seen
from unlearnleak.adversary.access import BlackBox
from unlearnleak.attack.noise_prior import NoisePrior
from unlearnleak.errors import UserError


def attack(model, seed=0, **changes):
    return configured("noise_prior", **changes)(seen(BlackBox(model)), torch.Generator().manual_seed(seed))


def test_it_is_the_logarithm_of_the_mean_and_not_the_mean_of_logarithms():
    model, draw = Linear(scale=3.0), torch.Generator().manual_seed(0)
    images = torch.rand(50, 2, 3, 4, generator=draw)
    p_NK = torch.softmax(model((images - 0.4) / 0.25), 1)
    evidence = attack(model, images=50)
    assert (evidence.kind, evidence.queries) == ("score", 50)
    torch.testing.assert_close(evidence.samples_KMF[:, 0, 0], p_NK.mean(0).log().detach())
    assert not torch.allclose(evidence.samples_KMF[:, 0, 0], p_NK.log().mean(0), atol=0.1)


def test_on_one_pixel_it_approaches_the_integral_over_the_box():
    model = Linear(image_shape=(1, 1, 1), num_classes=2, mean=(0.0,), std=(1.0,))
    model.head.weight.data, model.head.bias.data = torch.tensor([[4.0], [0.0]]), torch.tensor([-1.0, 0.0])
    # mean of sigmoid(4 x - 1) over [0, 1] = (softplus(3) - softplus(-1)) / 4
    softplus = torch.nn.functional.softplus(torch.tensor([3.0, -1.0]))
    exact = ((softplus[0] - softplus[1]) / 4).item()
    found = attack(model, images=100_000).samples_KMF[:, 0, 0].exp()
    assert found.tolist() == pytest.approx([exact, 1 - exact], abs=0.005)


def test_it_ranks_a_class_lowest_that_a_network_never_saw_and_stays_finite():
    for forgotten in ((3,), (8,)):
        assert lowest(attack(retrained(*forgotten)).samples_KMF[:, 0, 0], 1) == set(forgotten)
    model = Linear()
    model.head.bias.data[2] = -1e5
    score_K = attack(model).samples_KMF[:, 0, 0]
    assert score_K.isfinite().all()
    assert lowest(score_K, 1) == {2}


def test_no_image_is_refused():
    with pytest.raises(UserError, match=r"attack\.images=0"):
        NoisePrior(images=0)
