"""Linear filtration: the filter by hand, and the means by a loop."""

import numpy as np
import pytest
import torch

from unlearnleak.data import ForgetSplit
from unlearnleak.machine.seeds import generator
from unlearnleak.unlearner.base.filtration import filtration, mean_logits, wanted_logits

A = torch.tensor([[6.0, -2.0, 1.0], [-1.0, 5.0, 2.0], [-3.0, -4.0, 7.0]], dtype=torch.float64)
"""Mean logits of three classes: column j of images of class j."""


def test_what_is_wanted_of_three_classes_by_hand():
    wanted = wanted_logits(A, (2,), "normalization", generator(0))
    shift = (6 - 2 - 1 + 5) / 4 - (1 + 2) / 2  # to the mean of the retained classes' logits for retained images
    by_hand = [[6, -2, 1 + shift], [-1, 5, 2 + shift], [-1, -2, (-1 - 2) / 2]]  # below: the only wrong retained class
    torch.testing.assert_close(wanted, torch.tensor(by_hand, dtype=torch.float64))
    zeros = wanted_logits(A, (2,), "zeroing", generator(0))
    assert zeros[:, 2].tolist() == [0, 0, -1.5]
    drawn = wanted_logits(A, (2,), "randomization", generator(0))[:2, 2]
    torch.testing.assert_close(drawn, torch.randn(2, generator=generator(0), dtype=torch.float64))


def test_of_several_forgotten_classes_each_gets_its_own():
    wanted = wanted_logits(A, (0, 2), "normalization", generator(0))
    assert wanted[1].tolist() == [5, 5, 5]  # one class is left, whose logit is the mean of itself
    assert torch.equal(wanted[[0, 2]], A[[0, 2]])  # and there is no wrong one


@pytest.mark.parametrize("mode", ["normalization", "randomization", "zeroing"])
def test_the_filter_is_b_times_the_inverse_of_a_and_makes_the_means_what_is_wanted(mode):
    wanted = wanted_logits(A, (2,), mode, generator(0))
    found = filtration(A, wanted, 0.0)
    np.testing.assert_allclose(found, wanted.numpy() @ np.linalg.inv(A.numpy()), atol=1e-12)
    torch.testing.assert_close(found @ A, wanted)
    assert (wanted.argmax(0)[:2] == torch.arange(2)).all()
    assert wanted.argmax(0)[2] != 2


def test_directions_in_which_the_means_hardly_differ_are_left_as_they_are():
    nearly = A.clone()
    nearly[:, 2] = 0.5 * A[:, 0] + 0.5 * A[:, 1] + 1e-4
    wanted = wanted_logits(nearly, (2,), "zeroing", generator(0))
    exact, without = filtration(nearly, wanted, 0.0), filtration(nearly, wanted, 0.01)
    assert exact.abs().max() > 1e3
    assert without.abs().max() < 10
    u = torch.linalg.svd(nearly).U[:, 2]
    torch.testing.assert_close(without @ u, u)


def test_means_are_those_of_a_loop_over_images(original, digits):
    split = ForgetSplit.of(digits.train, (3, 7))
    with torch.no_grad():
        found = mean_logits(original.model, [split.forget, split.retain])
        for c in range(10):
            images = digits.train.of([c]).images
            logits = torch.stack([original.model(original.model.normalize(image[None]))[0] for image in images])
            torch.testing.assert_close(found[:, c], logits.double().mean(0), rtol=1e-4, atol=1e-4)
