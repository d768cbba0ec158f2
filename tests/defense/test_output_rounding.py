"""output_rounding: each number by itself, and what of a forgotten class is left to read."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
import torch

from tests.defense.answers import asked
from unlearnleak.defense.output_rounding import OutputRounding
from unlearnleak.errors import UserError
from unlearnleak.pipeline.evaluate import evaluate_run


@pytest.mark.parametrize("digits_kept", [0, 1, 3])
def test_each_answer_is_rounded_as_a_decimal_number_is(original, digits, digits_kept):
    told, plain = asked(OutputRounding(digits=digits_kept), original.model, digits.test.images[:60])
    unit = Decimal(1).scaleb(-digits_kept)
    for found, value in zip(told.flatten().tolist(), plain.flatten().tolist(), strict=True):
        assert found == pytest.approx(float(Decimal(value).quantize(unit, ROUND_HALF_EVEN)), abs=1e-6)


def test_answers_need_not_add_up_to_one():
    class Flat(torch.nn.Module):
        def forward(self, x):
            return torch.zeros(len(x), 3)

    told = OutputRounding(digits=1).answer(Flat(), torch.zeros(2, 1), torch.Generator())
    torch.testing.assert_close(told, torch.full((2, 3), 0.3))


@pytest.mark.parametrize("digits_kept", [-1, 8])
def test_digits_out_of_range_are_refused(digits_kept):
    with pytest.raises(UserError, match=r"defense\.digits=.* from 0 to 7"):
        OutputRounding(digits=digits_kept)


def test_in_a_run_nothing_is_left_of_the_forgotten_class_to_read(digits_job):
    words = ("attack=noise_prior", "attack.images=200")
    plain = digits_job(*words).artifact("evidence").tensors["samples_KMF"][:, 0, 0].exp()
    pipeline = digits_job(*words, "defense=output_rounding", "defense.digits=0")
    told = pipeline.artifact("evidence").tensors["samples_KMF"][:, 0, 0].exp()
    assert 0 < plain[3] < plain.max()
    assert told[3] < 1e-30
    assert 200 * told.sum().item() == pytest.approx(round(200 * told.sum().item()), abs=1e-3)  # whole decisions
    numbers = evaluate_run(pipeline)
    assert abs(numbers["retain_acc"] - numbers["undefended_retain_acc"]) < 0.1
