"""Digits in red and in green, 20 classes: where a class is gone, its twin of the other colour takes its answers."""

import pytest

from benchmarks.twenty import two_colours
from tests.jobs import composed
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline

FORGOTTEN = 8


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Numbers of an unlearner and an attack; models are shared."""
    folder = tmp_path_factory.mktemp("colours")
    own = (f"dataset.path={two_colours(folder / 'two_colours.npz')}", f"store={folder / 'store'}", "logger=none")
    data = ("dataset=npz", "model=lenet", "dataset.auxiliary_per_class=36", "dataset.train_limit=1200")
    how = ("training.epochs=10", "training.batch_size=32", "training.lr=0.03", "runtime.device=cpu")

    def run(unlearner, attack, *words):
        chosen = (f"unlearner={unlearner}", f"attack={attack}", f"forget_classes=[{FORGOTTEN}]", *words)
        return evaluate_run(Pipeline(make_plan(composed(*own, *data, *how, *chosen))))

    return run


GENTLY = ("unlearner.batch_size=32", "unlearner.retain_weight=10")
HEADS = ("attack.heads=20",)


def test_a_class_that_was_unlearned_gently_reads_lower_than_all_others_by_far(judged):
    numbers = judged("ng", "param_dot", *GENTLY, *HEADS)
    assert numbers["forget_acc"] == 0
    assert numbers["retain_acc"] > 0.9
    assert numbers["verdict"] == [FORGOTTEN]
    scores = sorted(numbers["scores"])  # the threshold is at 0, and a retained class reads 1 less
    assert scores[-1] > 0.2
    assert scores[-2] < -0.1
    assert judged("ng", "param_confidence", *GENTLY, *HEADS)["verdict"] == [FORGOTTEN]
    assert judged("ng", "param_diff", "screening=decision_tree", *GENTLY, *HEADS)["verdict"] == [FORGOTTEN]


def test_nothing_is_named_where_nothing_was_forgotten(judged):
    assert judged("none", "param_dot", *HEADS)["verdict"] == []
    assert judged("none", "param_diff", "screening=decision_tree", *HEADS)["verdict"] == []
    assert judged("none", "inversion_gradient", "screening=level", "attack.restarts=1")["verdict"] == []


def test_level_names_no_class_that_a_fine_tuned_model_knows(judged):
    numbers = judged(
        *("ft", "inversion_gradient", "screening=level", "attack.restarts=1"),
        *("unlearner.epochs=8", "unlearner.batch_size=32"),
    )
    assert numbers["forget_acc"] == 0
    assert set(numbers["verdict"]) <= {FORGOTTEN}
