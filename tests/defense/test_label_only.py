"""label_only: one class is told, and it is the likeliest."""

import torch

from tests.defense.answers import asked
from unlearnleak.defense.label_only import LabelOnly
from unlearnleak.pipeline.evaluate import evaluate_run


def test_one_class_is_told(original, digits):
    told, plain = asked(LabelOnly(), original.model, digits.test.images)
    assert told.dtype == plain.dtype
    by_hand = torch.tensor([[float(c == row.argmax()) for c in range(10)] for row in plain])
    assert torch.equal(told, by_hand)


def test_in_a_run_who_asks_counts_decisions(digits_job):
    pipeline = digits_job("attack=aux_confidence", "defense=label_only")
    numbers = evaluate_run(pipeline)
    assert numbers["retain_acc"] == numbers["undefended_retain_acc"]
    told_KM = pipeline.artifact("evidence").tensors["samples_KMF"][..., 0]
    auxiliary, model = pipeline.plan.splits.auxiliary, pipeline.model("unlearned")
    with torch.no_grad():
        right_N = model(model.normalize(auxiliary.images)).argmax(1) == auxiliary.labels
    for c in range(10):
        assert torch.equal(told_KM[c], right_N[auxiliary.labels == c].float())
    assert (told_KM[3] == 0).all()
