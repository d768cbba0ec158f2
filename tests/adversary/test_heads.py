from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from tests.attack.slow_heads import linear, train_on_features, train_on_images
from unlearnleak.adversary.heads import (
    FEW_CLASSES,
    AuxiliaryHeads,
    Heads,
    InitialHeads,
    class_subsets,
    initial_heads,
    skip,
    train_heads,
)

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 9), st.integers(2, 6))  # M, N, D, K


def drawn(shape, seed, dtype):
    heads, samples, dim, classes = shape
    draw = torch.Generator().manual_seed(seed)
    phi_MND = torch.randn(heads, samples, dim, generator=draw, dtype=torch.float64).to(dtype)
    labels_MN = torch.randint(classes, (heads, samples), generator=draw)
    initial = Heads(*(part.to(dtype) for part in initial_heads(heads, classes, dim, draw)))
    return phi_MND, labels_MN, initial


def one_at_a_time(phi_MND, labels_MN, initial, steps, lr):
    heads = [
        train_on_features(linear(w, b), phi, y, steps=steps, lr=lr)
        for w, b, phi, y in zip(*initial, phi_MND, labels_MN, strict=True)
    ]
    return Heads(
        torch.stack([head.weight.detach() for head in heads]), torch.stack([head.bias.detach() for head in heads])
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(shape=SHAPES, seed=st.integers(0, 2**31), steps=st.integers(0, 15), lr=st.sampled_from([0.01, 0.3, 2.0]))
def test_equal_to_sgd_on_one_head_at_a_time_in_float64(shape, seed, steps, lr):
    given_ = drawn(shape, seed, torch.float64)
    expected = one_at_a_time(*given_, steps, lr)
    for ours, theirs in zip(train_heads(*given_, steps=steps, lr=lr), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(shape=SHAPES, seed=st.integers(0, 2**31), steps=st.integers(0, 15))
def test_equal_to_sgd_on_one_head_at_a_time_in_float32(shape, seed, steps):
    given_ = drawn(shape, seed, torch.float32)
    expected = one_at_a_time(*given_, steps, 0.3)
    for ours, theirs in zip(train_heads(*given_, steps=steps, lr=0.3), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_equal_to_sgd_at_the_attacks_own_settings():
    """100 steps at a rate of 5 on 20 samples of one class, features of mean square norm 1; float32."""
    phi_MND, _, initial = drawn((6, 20, 84, 10), 5, torch.float32)
    phi_MND = phi_MND.relu() / phi_MND.relu().square().sum(2).mean().sqrt()
    labels_MN = torch.arange(6)[:, None].expand(6, 20)
    ours = train_heads(phi_MND, labels_MN, initial, steps=100, lr=5.0)
    expected = one_at_a_time(phi_MND, labels_MN, initial, 100, 5.0)
    assert ours.bias_MK.abs().max() > 5  # from at most 0.11: it did train
    torch.testing.assert_close(ours.weight_MKD, expected.weight_MKD, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.bias_MK, expected.bias_MK, rtol=1e-4, atol=1e-5)


def test_equal_to_the_last_layer_of_a_frozen_copy_trained_on_images(fresh_lenet, digits):
    model = fresh_lenet().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    index = (digits.auxiliary.labels == 4).nonzero()[:20, 0]
    images, labels = digits.auxiliary.images[index], digits.auxiliary.labels[index]
    initial = initial_heads(1, 10, 84, torch.Generator().manual_seed(0))
    with torch.no_grad():
        phi_MND = model.features(model.normalize(images))[None]
    head = linear(initial.weight_MKD[0], initial.bias_MK[0])
    slow = train_on_images(model, head, images, labels, steps=30, lr=0.5)
    fast = train_heads(phi_MND, labels[None], initial, steps=30, lr=0.5)
    torch.testing.assert_close(fast.weight_MKD[0], slow.weight.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(fast.bias_MK[0], slow.bias.detach(), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_start_is_left_as_it_was_and_no_step_is_no_change():
    phi_MND, labels_MN, initial = drawn((3, 4, 5, 3), 0, torch.float64)
    kept = Heads(*(part.clone() for part in initial))
    train_heads(phi_MND, labels_MN, initial, steps=5, lr=1.0)
    still = train_heads(phi_MND, labels_MN, initial, steps=0, lr=1.0)
    for part, before, unmoved in zip(initial, kept, still, strict=True):
        assert torch.equal(part, before)
        assert torch.equal(part, unmoved)


def test_flat_is_the_weights_row_by_row_and_then_the_bias():
    heads = Heads(torch.arange(12.0).view(1, 3, 4), torch.tensor([[100.0, 101.0, 102.0]]))
    assert heads.flat().tolist() == [[*range(12), 100, 101, 102]]


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_initial_heads_are_distributed_as_in_nn_linear(part):
    """Kolmogorov and Smirnov, at 1 % and seed 0; a bound 5 % too wide is refused."""
    ours = initial_heads(400, 10, 25, torch.Generator().manual_seed(0))
    values = (ours.weight_MKD if part == "weight" else ours.bias_MK).flatten().numpy()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [getattr(nn.Linear(25, 10), part).detach().flatten() for _ in range(400)]
    theirs = torch.cat(layers).numpy()
    assert stats.ks_2samp(values, theirs).pvalue > 0.01
    assert stats.kstest(values, stats.uniform(-0.2, 0.4).cdf).pvalue > 0.01
    assert abs(values).max() <= 0.2


LABELS = torch.tensor([2, 0, 1, 1, 2, 0, 0, 2, 1, 1, 2, 0, 0, 1, 2])  # five of each, mixed


def test_subsets_are_of_their_class_without_repetition_and_seeded():
    subsets = class_subsets(LABELS, 3, 50, 4, torch.Generator().manual_seed(0))
    assert subsets.shape == (3, 50, 4)
    assert (LABELS[subsets] == torch.arange(3)[:, None, None]).all()
    assert all(len(set(subset)) == 4 for of_class in subsets.tolist() for subset in of_class)
    again = class_subsets(LABELS, 3, 50, 4, torch.Generator().manual_seed(0))
    other = class_subsets(LABELS, 3, 50, 4, torch.Generator().manual_seed(1))
    assert torch.equal(subsets, again)
    assert not torch.equal(subsets, other)


def test_every_sample_is_drawn_equally_often():
    """Each of 5 samples is in a subset of 2 with probability 0.4; 4 deviations of 5000 draws, seed 0."""
    subsets = class_subsets(LABELS, 3, 5000, 2, torch.Generator().manual_seed(0))
    counts = torch.bincount(subsets.flatten(), minlength=len(LABELS)) / 5000
    assert (counts - 0.4).abs().max() < 4 * (0.4 * 0.6 / 5000) ** 0.5


def test_a_subset_may_be_the_whole_class():
    whole = class_subsets(LABELS, 3, 2, 5, torch.Generator().manual_seed(0))
    assert whole[1, 0].sort().values.tolist() == [2, 3, 8, 9, 13]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(shape=SHAPES, seed=st.integers(0, 2**31), size=st.integers(1, 6), block=st.sampled_from([0, 100, 1e6]))
def test_heads_drawn_in_parts_are_those_drawn_at_once_and_so_is_what_follows(shape, seed, size, block):
    heads, _, dim, classes = shape
    one, other = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    whole = initial_heads(heads, classes, dim, one)
    with mock.patch("unlearnleak.adversary.heads.BLOCK_BYTES", block):  # few are held, many drawn again
        parts = InitialHeads(heads, classes, dim, other)
    for _ in range(2):  # as often as they are asked for
        drawn_again = Heads(*map(torch.cat, zip(*parts.parts(size), strict=True)))
        assert torch.equal(drawn_again.weight_MKD, whole.weight_MKD)
        assert torch.equal(drawn_again.bias_MK, whole.bias_MK)
    assert torch.equal(torch.rand(7, generator=one), torch.rand(7, generator=other))


@pytest.mark.parametrize("count", [0, 1, 2**18, 2**18 + 5])
def test_skipping_moves_a_generator_as_drawing_does(count):
    one, other = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    torch.rand(count, generator=one)
    skip(count, other)
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=other))


@pytest.mark.parametrize("chunk", [None, 7])
def test_heads_of_many_classes_are_those_of_one_at_a_time(chunk):
    draw, classes = torch.Generator().manual_seed(0), FEW_CLASSES + 4
    labels = torch.arange(3 * classes) % classes
    phi = torch.randn(len(labels), 6, generator=draw, dtype=torch.float64)
    subset_KMn = class_subsets(labels, classes, 3, 2, draw)
    initial = InitialHeads(classes * 3, classes, 6, draw)
    heads = AuxiliaryHeads(
        phi_ND=phi, labels_N=labels, subset_KMn=subset_KMn, initial=initial, steps=8, lr=0.5, chunk=chunk
    )
    with mock.patch("unlearnleak.adversary.heads.BLOCK_BYTES", 4 * 3 * classes * 6 * 10):  # ten classes at a time
        blocks = list(heads)
    assert [list(of) for of, _ in blocks] == [list(range(10 * k, 10 * k + 10)) for k in range(4)]
    (begin,) = initial.parts(classes * 3)
    rows = subset_KMn.flatten(0, 1)
    expected = one_at_a_time(phi[rows], labels[rows], Heads(*(part.double() for part in begin)), 8, 0.5)
    for part, each in zip(zip(*(block for _, block in blocks), strict=True), expected, strict=True):
        torch.testing.assert_close(torch.cat(part), each, rtol=1e-9, atol=1e-9)


def test_initial_heads_of_many_classes_are_drawn_once_the_same_at_every_call_and_size():
    one, other = torch.Generator().manual_seed(4), torch.Generator().manual_seed(4)
    first, second = (InitialHeads(6, FEW_CLASSES + 1, 5, draw) for draw in (one, other))
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=other))
    whole, parts = next(first.parts(6)), list(second.parts(4))
    assert torch.equal(whole.weight_MKD, torch.cat([part.weight_MKD for part in parts]))
    assert torch.equal(whole.bias_MK, torch.cat([part.bias_MK for part in parts]))
    assert stats.kstest(whole.weight_MKD.flatten().numpy(), stats.uniform(-(5**-0.5), 2 * 5**-0.5).cdf).pvalue > 0.01


def test_of_a_class_with_few_samples_each_subset_has_all_in_turn():
    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
    subsets = class_subsets(labels, 3, 4, 5, torch.Generator().manual_seed(0))
    assert all(sorted(subset) == [0, 1, 2, 3, 4] for subset in subsets[0].tolist())
    assert all(
        torch.bincount(torch.tensor(subset) - 5).sort().values.tolist() == [2, 3] for subset in subsets[1].tolist()
    )
    assert (subsets[2] == 7).all()
