"""loss_threshold: scikit-learn's area of the losses that torch computes."""

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn.functional import cross_entropy

from tests.evaluation.made import subject
from unlearnleak.evaluation.loss_threshold import LossThreshold


def test_the_area_is_that_of_the_negated_losses(original, digits):
    told = subject(digits, original.model, original=original.model)
    samples, forgotten_P = told.candidates.samples, told.candidates.forgotten_P
    with torch.no_grad():
        logits_PK = original.model(original.model.normalize(samples.images)).double()
    loss_P = cross_entropy(logits_PK, samples.labels, reduction="none")
    found = LossThreshold()(told)
    assert found.numbers["auc"] == pytest.approx(roc_auc_score(forgotten_P, -loss_P), abs=1e-3)
    assert found.numbers["n_forgotten"] + found.numbers["n_held_out"] == len(samples)
    torch.testing.assert_close(found.tensors["score_P"], -loss_P, rtol=1e-3, atol=1e-5)
    assert torch.equal(found.tensors["forgotten_P"], forgotten_P)
