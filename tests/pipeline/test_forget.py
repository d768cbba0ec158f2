"""What is forgotten, from the words on the command line to the numbers of a result."""

import pytest

from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.runs.naming import run_name

SHARE = ("forget_classes=[1]", "forget_share=0.5", "attack=head_sum")


def test_a_whole_class_has_the_key_and_the_folder_of_a_time_without_shares(tmp_path):
    usual, told = (pipeline_in(tmp_path, *words) for words in ((), ("forget_share=1", "forget_rows=null")))
    assert usual.stages["unlearned"].payload["forget_classes"] == (3,)
    assert usual.key("unlearned") == told.key("unlearned")
    assert run_name(_root_=composed("forget_share=1")) == run_name(_root_=composed())


@pytest.mark.parametrize("unlearner", ["rt", "ft"])
def test_half_a_class_is_forgotten_and_half_is_kept(tmp_path, unlearner):
    pipeline = pipeline_in(tmp_path, *SHARE, f"unlearner={unlearner}", "training.epochs=40")
    numbers = evaluate_run(pipeline)
    counts = pipeline.split.retain.class_counts()
    assert counts.tolist() == [14, 7, 14, 14]  # of 20 images six are the attacker's
    assert pipeline.split.forget.class_counts().tolist() == [0, 7, 0, 0]
    assert numbers["forgotten"] == [1]
    assert 0 <= numbers["forget_acc_samples"] <= 1
    assert numbers["gate"] == "passed"  # though the class is known: its other images were kept
    assert numbers["forget_acc"] > 0.5


def test_shares_rows_and_seeds_have_keys_of_their_own(tmp_path):
    words = [(), ("forget_share=0.5",), ("forget_share=0.4",), ("forget_share=0.5", "seeds.forget=1")]
    rows = pipeline_in(tmp_path).split.forget  # numbers of images of class 3
    assert len(rows) == 14
    found = {pipeline_in(tmp_path, *each).key("unlearned") for each in words}
    assert len(found) == 4
    names = {run_name(_root_=composed(*each)) for each in words}
    assert len(names) == 4
    assert "-3x0.5-" in run_name(_root_=composed("forget_share=0.5"))


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (["forget_share=0"], UserError, "share=0.0 is not possible: above 0"),
        (["forget_share=all"], UserError, "forget_share=all is not possible"),
        (["forget_rows=[0,0]"], UserError, "more than once"),
        (["forget_rows=[100000]"], UserError, "no training images 100000"),
        (["forget_rows=some"], UserError, "forget_rows=some is not possible"),
        (["forget_share=0.5", "unlearner=au"], Incompatible, "unlearner=au can forget whole classes only"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_before_anything_is_trained(tmp_path, monkeypatch, words, error, told):
    monkeypatch.setattr("unlearnleak.pipeline.stages.fit", lambda *a, **k: pytest.fail("trained"))
    monkeypatch.setattr("unlearnleak.training.task.fit", lambda *a, **k: pytest.fail("trained"))
    with pytest.raises(error, match=told):
        pipeline_of(tmp_path, *words).check()


def pipeline_of(folder, *words):
    from unlearnleak.pipeline.stages import Pipeline

    return Pipeline(make_plan(composed(*overrides_in(folder, *words))))


def test_a_share_that_is_all_of_a_class_is_no_share(tmp_path):
    with pytest.raises(UserError, match=r"forget_share=0\.99 of the 14 training images of class 1 is all of them"):
        pipeline_of(tmp_path, "forget_classes=[1]", "forget_share=0.99").check()


def test_rows_are_held_against_their_classes_before_anything_is_trained(tmp_path):
    labels_N = pipeline_in(tmp_path).plan.splits.train.labels
    of_class = (labels_N == 1).nonzero()[:, 0].tolist()
    other = int((labels_N == 2).nonzero()[0])
    pipeline_of(tmp_path, "forget_classes=[1]", f"forget_rows={of_class[:3]}".replace(" ", "")).check()
    with pytest.raises(UserError, match=rf"other classes than forget_classes=\[1\]: {other} is of class 2"):
        pipeline_of(tmp_path, "forget_classes=[1]", f"forget_rows=[{of_class[0]},{other}]").check()
    with pytest.raises(UserError, match="names every training image of class 1"):
        pipeline_of(tmp_path, "forget_classes=[1]", f"forget_rows={of_class}".replace(" ", "")).check()
    with pytest.raises(UserError, match="no training images 99999"):
        pipeline_of(tmp_path, "unlearner=none", "forget_rows=[99999]").check()
