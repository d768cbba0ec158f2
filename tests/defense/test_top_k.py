"""top_k: which answers are told, what becomes of the rest, and how many classes there must be."""

import numpy as np
import pytest
import torch

from tests.defense.answers import asked
from tests.jobs import pipeline_in
from unlearnleak.defense.top_k import TopK
from unlearnleak.errors import UserError
from unlearnleak.pipeline.evaluate import evaluate_run


@pytest.mark.parametrize("rest", ["zero", "spread"])
@pytest.mark.parametrize("k", [1, 3, 9, 10])
def test_the_largest_are_told_and_the_others_are_all_alike(original, digits, k, rest):
    told, plain = asked(TopK(k=k, rest=rest), original.model, digits.test.images[:40])
    for row, before in zip(told.numpy(), plain.numpy(), strict=True):
        order = np.argsort(-before, kind="stable")
        kept, others = order[:k], order[k:]
        np.testing.assert_array_equal(row[kept], before[kept])
        left = 0 if rest == "zero" else (1 - before[kept].sum()) / max(len(others), 1)
        np.testing.assert_allclose(row[others], left, atol=1e-6)
        assert (row[others] <= before[kept].min() + 1e-6).all()
    if rest == "spread":
        torch.testing.assert_close(told.sum(1), torch.ones(len(told)))
    assert torch.equal(told.argmax(1), plain.argmax(1))


def test_none_is_refused():
    with pytest.raises(UserError, match=r"defense\.k=0"):
        TopK(k=0, rest="zero")


def test_more_than_there_are_classes_is_refused_before_any_training(tmp_path):
    pipeline = pipeline_in(tmp_path, "attack=noise_prior", "defense=top_k", "defense.k=5")
    with pytest.raises(UserError, match=r"defense\.k=5 is not possible: there are 4 classes"):
        pipeline.artifact("original")
    assert not list(tmp_path.glob("store/original/[0-9a-f]*"))


def test_in_a_run_who_asks_is_told_no_more_than_k_classes(digits_job):
    words = ("attack=aux_confidence", "defense=top_k", "defense.k=1")
    numbers = evaluate_run(digits_job(*words))
    assert numbers["retain_acc"] == numbers["undefended_retain_acc"]
    told_KM = digits_job(*words).artifact("evidence").tensors["samples_KMF"][..., 0]
    assert (told_KM[3] == 0).all()
    spread_KM = digits_job(*words, "defense.rest=spread").artifact("evidence").tensors["samples_KMF"][..., 0]
    plain_KM = digits_job("attack=aux_confidence").artifact("evidence").tensors["samples_KMF"][..., 0]
    assert spread_KM[3].mean() > 2 * plain_KM[3].mean() > 0  # a ninth of what the largest leaves
