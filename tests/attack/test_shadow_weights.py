"""shadow_weights: the head and the answers behind any defence of answers."""

import torch

from tests.jobs import pipeline_in
from unlearnleak.attack.base.shadowing import read_answers, read_head
from unlearnleak.pipeline.evaluate import evaluate_run

WORDS = ("attack=shadow_weights", "training.epochs=8", "unlearner=rt")


def test_it_reads_the_heads_rows_and_the_models_answers(tmp_path):
    pipeline = pipeline_in(tmp_path, *WORDS)
    model, auxiliary = pipeline.model("unlearned"), pipeline.plan.resident.auxiliary
    with torch.no_grad():
        answers = read_answers(model(model.normalize(auxiliary.images)).softmax(1), auxiliary.labels)
        expected = torch.cat([answers, read_head(model.head.weight, model.head.bias)], 1)
    torch.testing.assert_close(
        pipeline.artifact("evidence").tensors["samples_KMF"][:, 0], expected, rtol=1e-4, atol=1e-5
    )


def test_a_retrained_model_is_found_out_without_a_query(tmp_path):
    numbers = evaluate_run(pipeline_in(tmp_path, *WORDS))
    assert numbers["verdict"] == numbers["forgotten"] == [3]
    assert numbers["queries"] == 0
