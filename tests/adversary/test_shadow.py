import pytest
import torch

from tests.attack.slow_heads import linear, train_on_features
from unlearnleak.adversary.heads import initial_heads
from unlearnleak.adversary.shadow import shadow_heads, shadow_plan, units


@pytest.mark.parametrize(("count", "classes"), [(8, 2), (24, 10), (10, 3), (9, 7), (24, 5)])
def test_a_quarter_forgets_nothing_and_the_others_one_to_half_of_the_classes(count, classes):
    plan = shadow_plan(count, classes, torch.Generator().manual_seed(0))
    sizes = plan.sum(1)
    assert plan.shape == (count, classes)
    quarter = -(-count // 4)
    assert (sizes[:quarter] == 0).all()
    assert set(sizes[quarter:].tolist()) == set(range(1, max(1, classes // 2) + 1))
    most_often, least_often = sizes[quarter:].bincount()[1:].max(), sizes[quarter:].bincount()[1:].min()
    assert most_often - least_often <= 1  # in turn


def test_the_plan_is_drawn_by_the_generator():
    plans = [shadow_plan(24, 10, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(plans[0], plans[1])
    assert not torch.equal(plans[0], plans[2])
    assert plans[0].any(0).all()  # at this seed each class is forgotten somewhere


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["float64", "float32"]
)
def test_equal_to_sgd_with_momentum_on_each_shadows_own_samples(dtype, tolerance):
    draw = torch.Generator().manual_seed(3)
    labels = torch.randint(5, (40,), generator=draw)
    phi = torch.randn(40, 6, generator=draw, dtype=torch.float64).to(dtype)
    plan = shadow_plan(8, 5, draw)
    how = {"steps": 25, "lr": 0.2, "momentum": 0.9}
    fast = shadow_heads(phi, labels, plan, **how, generator=torch.Generator().manual_seed(7))
    initial = initial_heads(8, 5, 6, torch.Generator().manual_seed(7))
    for s in range(8):
        keep = ~plan[s][labels]
        head = linear(initial.weight_MKD[s].to(dtype), initial.bias_MK[s].to(dtype))
        slow = train_on_features(head, phi[keep], labels[keep], **how)
        torch.testing.assert_close(fast.weight_MKD[s], slow.weight.detach(), rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(fast.bias_MK[s], slow.bias.detach(), rtol=tolerance, atol=tolerance)


def test_two_classes_will_do():
    """The shadow that forgets one of two classes sees a single one, and says nothing else."""
    labels = torch.tensor([0, 1] * 5)
    phi = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
    plan = torch.tensor([[False, False], [True, False], [False, True]])
    heads = shadow_heads(phi, labels, plan, steps=200, lr=0.5, momentum=0.9, generator=torch.Generator().manual_seed(0))
    said = (phi @ heads.weight_MKD[1:].transpose(1, 2) + heads.bias_MK[1:, None]).argmax(2)
    assert (said[0] == 1).all()
    assert (said[1] == 0).all()


@pytest.fixture
def measured():
    """17 targets x 6 classes: class scale times 1 where known and 0 where forgotten, and the shadows' truth."""
    draw = torch.Generator().manual_seed(2)
    plan = shadow_plan(16, 6, draw)
    real_forgot = torch.tensor([[False, True, False, False, True, False]])
    class_K = 1 + 4 * torch.rand(6, generator=draw)
    return torch.cat([real_forgot, plan]).logical_not() * class_K, plan, real_forgot[0]


def test_a_retained_class_reads_one(measured):
    own_TK, plan, real_forgot = measured
    reads_TK = own_TK / units(own_TK, plan)
    torch.testing.assert_close(reads_TK[0], (~real_forgot).float())
    torch.testing.assert_close(reads_TK[1:], (~plan).float())


def test_a_retained_class_reads_about_one_also_with_noise(measured):
    own_TK, plan, real_forgot = measured
    noise_TK = 1 + 0.1 * torch.randn(own_TK.shape, generator=torch.Generator().manual_seed(0))
    reads_TK = own_TK * noise_TK / units(own_TK * noise_TK, plan)
    assert (reads_TK[0][~real_forgot] - 1).abs().max() < 0.4  # 4 deviations, seed 0
    assert reads_TK[0][real_forgot].abs().max() == 0


@pytest.mark.parametrize("scale", [1e-6, 0.01, 3.0, 1e6])
def test_readings_do_not_depend_on_the_targets_scale(measured, scale):
    own_TK, plan, _ = measured
    scaled_TK = own_TK.clone()
    scaled_TK[0] *= scale
    torch.testing.assert_close(scaled_TK / units(scaled_TK, plan), own_TK / units(own_TK, plan))


def test_readings_do_not_depend_on_the_classes_scales(measured):
    own_TK, plan, _ = measured
    scaled_TK = own_TK * torch.tensor([0.1, 1, 10, 3, 0.5, 2])
    torch.testing.assert_close(scaled_TK / units(scaled_TK, plan), own_TK / units(own_TK, plan))


@pytest.mark.parametrize("collapsed", [torch.zeros(6), -torch.ones(6)])
def test_a_target_that_reads_nothing_positive_gets_finite_units(measured, collapsed):
    own_TK, plan, _ = measured
    own_TK[0] = collapsed
    unit_TK = units(own_TK, plan)
    assert (unit_TK > 0).all()
    assert (own_TK[0] / unit_TK[0]).isfinite().all()
    assert (own_TK[0] / unit_TK[0] < 0.1).all()
