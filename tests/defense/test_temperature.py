"""temperature: the formula by hand, what it leaves, and that it can be taken off again."""

import numpy as np
import pytest
import torch

from tests.defense.answers import asked
from unlearnleak.defense.temperature import Temperature
from unlearnleak.errors import UserError
from unlearnleak.pipeline.evaluate import evaluate_run


@pytest.mark.parametrize("T", [0.5, 1.0, 5.0])
def test_logits_are_divided_before_the_softmax(original, digits, T):
    images = digits.test.images[:30]
    told, plain = asked(Temperature(temperature=T), original.model, images)
    with torch.no_grad():
        logits = original.model(original.model.normalize(images)).double().numpy()
    exp = np.exp(logits / T)
    np.testing.assert_allclose(told, exp / exp.sum(1, keepdims=True), rtol=1e-4, atol=1e-7)
    assert torch.equal(told.argmax(1), plain.argmax(1))


def test_a_higher_one_brings_the_answers_nearer_to_each_other(original, digits):
    spread = [
        asked(Temperature(temperature=T), original.model, digits.test.images)[0].std(1).mean() for T in (1, 5, 20)
    ]
    assert spread[0] > spread[1] > spread[2]


def test_who_knows_it_takes_it_off_again(original, digits):
    told, plain = asked(Temperature(temperature=5), original.model, digits.test.images[:30])
    torch.testing.assert_close((5 * told.log()).softmax(1), plain, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("T", [0.0, -1.0])
def test_one_out_of_range_is_refused(T):
    with pytest.raises(UserError, match=r"defense\.temperature="):
        Temperature(temperature=T)


def test_in_a_run_who_asks_is_told_softer_answers_and_accuracies_stay(digits_job):
    pipeline = digits_job("attack=aux_confidence", "defense=temperature")
    numbers = evaluate_run(pipeline)
    assert numbers["retain_acc"] == numbers["undefended_retain_acc"]
    auxiliary, model = pipeline.plan.splits.auxiliary, pipeline.model("unlearned")
    with torch.no_grad():
        own = (model(model.normalize(auxiliary.images)) / 5).softmax(1)[range(len(auxiliary)), auxiliary.labels]
    told_KM = pipeline.artifact("evidence").tensors["samples_KMF"][..., 0]
    for c in range(10):
        torch.testing.assert_close(told_KM[c], own[auxiliary.labels == c], rtol=1e-4, atol=1e-6)
    plain = digits_job("attack=aux_confidence").artifact("evidence").tensors["samples_KMF"]
    assert told_KM[3].mean() > 5 * plain[3].mean()  # the forgotten class no longer has nothing
