from unittest import mock

import pytest
import torch

from tests.attack.slow_heads import linear, train_on_features
from unlearnleak.adversary.heads import FEW_CLASSES, initial_heads
from unlearnleak.adversary.shadow import (
    ShadowTargets,
    hard_classes,
    many_classes,
    shadow_heads,
    shadow_plan,
    turns,
    units,
)
from unlearnleak.errors import UserError


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


@pytest.mark.parametrize("classes", [FEW_CLASSES + 1, 100, 1000])
def test_of_many_classes_sizes_grow_by_a_factor_from_one_to_half_of_them(classes):
    sizes = shadow_plan(24, classes, torch.Generator().manual_seed(0)).sum(1)
    assert (sizes[:6] == 0).all()
    expected = [(classes // 2) ** (step / 17) for step in range(18)]
    assert sizes[6:].tolist() == [round(size) for size in expected]


def test_of_many_classes_steps_take_a_share_of_each_class_in_turn():
    labels = torch.arange(3000).remainder(100)[torch.randperm(3000, generator=torch.Generator().manual_seed(0))]
    in_turn = turns(labels, 100)
    assert len(in_turn) == 3
    assert (torch.stack([labels[index].bincount() for index in in_turn]) == 10).all()
    assert set(in_turn.flatten().tolist()) == set(range(3000))


@pytest.mark.parametrize(("samples", "classes"), [(5000, FEW_CLASSES), (1024, 100)])
def test_of_few_classes_or_samples_every_step_takes_all_in_their_order(samples, classes):
    assert turns(torch.arange(samples) % classes, classes).tolist() == [list(range(samples))]


def test_where_the_turns_do_not_come_out_even_some_samples_come_twice_and_none_never():
    in_turn = turns(torch.arange(2051) % 41, 41)
    assert in_turn.shape == (3, 684)
    assert set(in_turn.flatten().tolist()) == set(range(2051))


def test_of_many_classes_equal_to_sgd_on_the_samples_in_their_turn():
    draw = torch.Generator().manual_seed(3)
    labels = torch.arange(160) % 40
    phi = torch.randn(160, 6, generator=draw, dtype=torch.float64)
    plan = shadow_plan(8, 40, draw)
    with mock.patch("unlearnleak.adversary.shadow.BATCH", 60):
        in_turn = turns(labels, 40)
        fast = shadow_heads(phi, labels, plan, steps=10, lr=0.2, momentum=0.9, generator=draw.manual_seed(7))
    assert len(in_turn) == 3
    initial = initial_heads(8, 40, 6, torch.Generator().manual_seed(7))
    for s in range(8):
        head = linear(initial.weight_MKD[s].double(), initial.bias_MK[s].double())
        optimizer = torch.optim.SGD(head.parameters(), lr=0.2, momentum=0.9)
        for step in range(10):
            seen = [row for row in in_turn[step % 3].tolist() if not plan[s, labels[row]]]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(head(phi[seen]), labels[seen]).backward()
            optimizer.step()
        torch.testing.assert_close(fast.weight_MKD[s], head.weight.detach(), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(fast.bias_MK[s], head.bias.detach(), rtol=1e-10, atol=1e-10)


def test_keys_know_that_shadow_targets_of_many_classes_are_made_otherwise():
    assert many_classes(10) == many_classes(FEW_CLASSES) == {}
    assert many_classes(FEW_CLASSES + 1) == many_classes(100) != {}


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


def test_shadow_targets_may_forget_all_classes_but_one():
    plan = shadow_plan(40, 6, torch.Generator().manual_seed(0), most=5)
    assert set(plan.sum(1)[10:].tolist()) == {1, 2, 3, 4, 5}
    assert torch.equal(
        shadow_plan(24, 10, torch.Generator().manual_seed(0), most=5),
        shadow_plan(24, 10, torch.Generator().manual_seed(0)),
    )


def test_with_most_classes_gone_the_unit_is_that_of_the_one_that_is_left(measured):
    own_TK, plan, _ = measured
    gone_TK = own_TK.clone()
    gone_TK[0] *= torch.tensor([0.1, 0.0, 0.1, 1.0, 0.0, 0.1])
    reads_K = (gone_TK / units(gone_TK, plan, 1))[0]
    torch.testing.assert_close(reads_K[3], torch.tensor(1.0))
    assert (gone_TK / units(gone_TK, plan))[0, 3] > 2  # half of the classes are presumed to be there


SETTINGS = {"count": 12, "steps": 60, "lr": 0.5, "momentum": 0.9}


def test_how_many_are_presumed_to_be_there_follows_from_how_many_shadow_targets_forget():
    phi, labels = torch.randn(24, 4, generator=torch.Generator().manual_seed(0)), torch.arange(6).repeat(4)

    def upper(most):
        return ShadowTargets(**SETTINGS, most=most).trained(phi, labels, 6, torch.Generator().manual_seed(0)).upper

    assert [upper(most) for most in (None, 2, 3, 4, 5)] == [3, 3, 3, 2, 1]
    with pytest.raises(UserError, match=r"attack\.shadow_most=6 is not possible: at most 5"):
        ShadowTargets(**SETTINGS, most=6).check_classes(6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 7}, r"attack\.shadows=7"),
        ({"most": 0}, r"attack\.shadow_most=0"),
        ({"hard": -1}, r"attack\.hard_classes=-1"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_their_names(wrong, said):
    with pytest.raises(UserError, match=said):
        ShadowTargets(**(SETTINGS | wrong))


def test_hard_classes_are_known_ones_noisy_and_rare_in_turn():
    labels = torch.arange(6).repeat(20)
    forgotten = shadow_plan(16, 6, torch.Generator().manual_seed(1))
    hard = hard_classes(labels, forgotten, 2, torch.Generator().manual_seed(2))
    assert (hard.hard_SK.sum(1) == 2).all()
    assert not (hard.hard_SK & forgotten).any()
    for s in range(16):
        changed, missing = hard.labels_SN[s] != labels, hard.missing_SN[s]
        assert set(labels[changed | missing].tolist()) == set(hard.hard_SK[s].nonzero()[:, 0].tolist())
        assert 0.2 * 20 <= int(changed.sum()) <= 0.4 * 20  # one of the two
        assert int(missing.sum()) == 18  # a tenth of the other is left
        assert not forgotten[s][hard.labels_SN[s][changed]].any()  # a wrong label is of a class that is known


def test_a_noisy_class_reads_lower_than_others_and_higher_than_a_forgotten_one():
    """Six blobs; the reading is the mean margin of a class's samples, as dot products have it."""
    draw = torch.Generator().manual_seed(0)
    labels = torch.arange(6).repeat(30)
    phi = torch.nn.functional.one_hot(labels, 6) * 2.0 + 0.5 * torch.randn(180, 6, generator=draw)
    shadowed = ShadowTargets(count=24, steps=200, lr=0.5, momentum=0.9, hard=1).trained(phi, labels, 6, draw)
    logits_SNK = torch.einsum("skd,nd->snk", shadowed.heads.weight_MKD, phi) + shadowed.heads.bias_MK[:, None]
    margin_SNK = logits_SNK - logits_SNK.mean(2, keepdim=True)
    read_SK = torch.stack([margin_SNK[:, labels == c, c].mean(1) for c in range(6)], 1)
    noisy_SK = shadowed.hard_SK & (torch.arange(24) % 2 == 0)[:, None]
    usual_SK = ~(shadowed.forgotten_SK | shadowed.hard_SK)
    assert read_SK[noisy_SK].mean() < 0.8 * read_SK[usual_SK].mean()
    assert read_SK[noisy_SK].min() > read_SK[shadowed.forgotten_SK].max()
