"""What a model is seen to answer and to hold."""

import torch

from unlearnleak.defense.output_rounding import OutputRounding
from unlearnleak.evaluation.base import subject
from unlearnleak.evaluation.base.subject import Seen
from unlearnleak.machine.seeds import generator


def test_answers_and_features_are_the_models_own_however_many_are_asked_for_at_once(original, digits, monkeypatch):
    monkeypatch.setattr(subject, "BATCH", 37)
    images = digits.test.images[:100]
    seen = Seen(original.model)
    with torch.no_grad():
        x = original.model.normalize(images)
        torch.testing.assert_close(seen.probabilities(images), original.model(x).softmax(1).double(), rtol=1e-5, atol=0)
        torch.testing.assert_close(seen.features(images), original.model.features(x).double(), rtol=1e-5, atol=1e-6)


def test_a_defence_of_answers_stands_before_answers_and_hides_no_feature(original, digits):
    images = digits.test.images[:20]
    defended = Seen(original.model, OutputRounding(digits=1).answering(generator(0)))
    answers = defended.probabilities(images)
    torch.testing.assert_close(answers, answers.mul(10).round().div(10))
    assert torch.equal(defended.features(images), Seen(original.model).features(images))
