"""Which candidates each shadow model learns: random halves of each class, in pairs."""

import pytest
import torch

from unlearnleak.data import ForgetSplit
from unlearnleak.pipeline.candidates import Halves


@pytest.fixture(params=[(3,), (2, 5)], ids=str)
def halves(digits, request):
    return Halves(split=ForgetSplit.of(digits.train, request.param), test=digits.test, seed=4)


def rows(data):
    return {image.numpy().tobytes() for image in data.images}


def test_the_candidates_are_the_forget_set_and_test_images_of_its_classes(halves, digits):
    found = halves.candidates
    assert found.forgotten_P.sum() == len(halves.split.forget)
    assert rows(found.samples.select(found.forgotten_P)) == rows(digits.train.of(halves.split.classes))
    assert rows(found.samples.select(~found.forgotten_P)) == rows(digits.test.of(halves.split.classes))


def test_each_pair_shares_the_candidates_of_each_class_among_it(halves):
    labels = halves.candidates.samples.labels
    for number in (0, 2, 4):
        one, other = halves.learnt(number), halves.learnt(number + 1)
        assert torch.equal(one, ~other)
        for c in halves.split.classes:
            assert abs(int(one[labels == c].sum()) - int(other[labels == c].sum())) <= 1
    drawn = {tuple(halves.learnt(number).tolist()) for number in range(6)}
    assert len(drawn) == 6


def test_halves_are_drawn_without_regard_to_who_was_forgotten(halves):
    """Over many shadow models each candidate is learnt by half of them, and no two go together."""
    learnt_SP = torch.stack([halves.learnt(2 * pair) for pair in range(300)]).double()
    assert (learnt_SP.mean(0) - 0.5).abs().max() < 0.15
    alike = torch.corrcoef(learnt_SP.T).fill_diagonal_(0)
    assert alike.abs().max() < 0.3


def test_a_shadow_model_learns_its_half_and_all_that_the_target_retains(halves):
    split = halves.split_of(1)
    assert rows(split.forget) == rows(halves.candidates.samples.select(halves.learnt(1)))
    assert rows(split.retain) == rows(halves.split.retain)
    assert rows(halves.training(1)) == rows(split.forget) | rows(split.retain)
    assert (split.classes, split.level) == (halves.split.classes, "class")


def test_of_a_control_nothing_is_forgotten(halves):
    split = halves.split_of(1, forgets=False)
    assert (len(split.forget), split.classes) == (0, ())
    assert rows(split.retain) == rows(halves.training(1))


def test_parts_of_classes_leave_the_rest_to_every_shadow_model(digits):
    chosen_N = (digits.train.labels == 3) & (torch.arange(len(digits.train)) % 2 == 0)
    part = ForgetSplit(digits.train.select(chosen_N), digits.train.select(~chosen_N), (3,), "sample")
    split = Halves(split=part, test=digits.test, seed=0).split_of(0)
    assert split.level == "sample"
    assert (split.retain.labels == 3).any()
    assert abs(len(split.forget) - (int(chosen_N.sum()) + int((digits.test.labels == 3).sum())) / 2) <= 1
