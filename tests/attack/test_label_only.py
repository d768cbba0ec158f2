"""label_only: counts by hand, a model whose decisions are known in closed form, and a class that was never seen."""

import pytest
import torch
from hydra.errors import InstantiationException

from tests.attack.victims import Linear, configured, lowest, retrained, seen
from unlearnleak.adversary.access import LabelOnly
from unlearnleak.attack.label_only import between, noise


def attack(model, seed=0, **changes):
    target = LabelOnly(model)
    return configured("label_only", **changes)(seen(target), torch.Generator().manual_seed(seed)), target


def test_it_counts_the_answers_to_noise_and_to_images_between():
    model = Linear(scale=1.0)
    evidence, target = attack(model, noise=60, interpolated=40)
    draw = torch.Generator().manual_seed(0)
    images = noise(60, (2, 3, 4), draw)
    rows = []
    for asked in (images, between(images, model(model.normalize(images)).argmax(1), 40, draw)):
        answers = [model(model.normalize(image[None])).argmax().item() for image in asked]
        rows.append([(answers.count(c) + 1) / (len(answers) + 5) for c in range(5)])
    torch.testing.assert_close(evidence.samples_KMF[..., 0].exp(), torch.tensor(rows).T)
    assert (evidence.kind, evidence.queries, target.queries) == ("score", 100, 100)


def test_its_shares_approach_those_of_the_box():
    """One pixel, two classes: the second is the answer above 0.8, and noise is uniform."""
    model = Linear(image_shape=(1, 1, 1), num_classes=2, mean=(0.0,), std=(1.0,))
    model.head.weight.data, model.head.bias.data = torch.tensor([[0.0], [1.0]]), torch.tensor([0.0, -0.8])
    evidence, _ = attack(model, noise=20_000, interpolated=0)
    assert evidence.samples_KMF[:, 0, 0].exp().tolist() == pytest.approx([0.8, 0.2], abs=0.01)


def test_images_between_lie_between_two_that_are_answered_differently():
    ends = torch.tensor([0.0, 0.0, 1.0, 1.0])[:, None, None, None].expand(-1, 1, 2, 2)
    images = between(ends, torch.tensor([0, 0, 1, 1]), 500, torch.Generator().manual_seed(0))
    values = images[:, 0, 0, 0]
    assert torch.equal(images, values[:, None, None, None].expand_as(images))
    assert ((values > 0) & (values < 1)).float().mean() > 0.98  # one of eight partners differs nearly always
    assert values.mean().item() == pytest.approx(0.5, abs=0.05)


def test_noise_is_coarse_and_fine():
    images = noise(400, (1, 16, 16), torch.Generator().manual_seed(0))
    step = (images[..., 1:] - images[..., :-1]).abs().mean((1, 2, 3))
    assert [step[turn::4].mean().item() for turn in range(4)] == sorted(
        step[turn::4].mean().item() for turn in range(4)
    )
    assert images.min() >= 0
    assert images.max() <= 1


def test_a_class_that_a_network_never_saw_is_among_the_rarest_answers():
    for forgotten in ((3,), (8,)):
        evidence, _ = attack(retrained(*forgotten))
        assert set(forgotten) <= lowest(evidence.samples_KMF.mean((1, 2)), 3)


@pytest.mark.parametrize("changes", [{"noise": 0}, {"interpolated": -1}])
def test_a_budget_that_cannot_be_is_refused(changes):
    ((name, value),) = changes.items()
    with pytest.raises(InstantiationException, match=rf"attack\.{name}={value}"):
        configured("label_only", **changes)
