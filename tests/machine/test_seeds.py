import hashlib

import pytest
import torch

from unlearnleak.machine.seeds import derive, generator, isolated


def test_a_seed_is_the_head_of_a_hash_of_all_names():
    digest = hashlib.sha256(b"7/original/weights").hexdigest()
    assert derive(7, "original", "weights") == int(digest[:16], 16) // 2


def test_seeds_differ_by_seed_name_and_order_and_fit_a_generator():
    names = [(seed, a, b) for seed in (0, 1, -1, 2**70) for a in "xyz" for b in "xyz"]
    seeds = {derive(*name) for name in names}
    assert len(seeds) == len(names)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_generators_repeat_and_do_not_share_their_draws():
    first, again, other = (torch.rand(1000, generator=generator(0, name)) for name in ("a", "a", "b"))
    assert torch.equal(first, again)
    assert abs(torch.corrcoef(torch.stack([first, other]))[0, 1]) < 0.1


def test_isolated_repeats_inside_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with isolated(1, "weights"):
        first = torch.nn.Linear(4, 4).weight
    assert torch.equal(torch.rand(3), expected)
    with isolated(1, "weights"):
        assert torch.equal(torch.nn.Linear(4, 4).weight, first)
    with isolated(2, "weights"):
        assert not torch.equal(torch.nn.Linear(4, 4).weight, first)


def test_isolated_restores_the_global_generator_after_an_error():
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="size"), isolated(1):
        torch.rand(2) @ torch.rand(3)
    assert torch.equal(torch.get_rng_state(), state)
