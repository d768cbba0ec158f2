"""The answer's sentences, from made-up outcomes."""

from dataclasses import replace

import pytest

from tests.auditing.test_answer import KNOWN, judged, outcome, told
from unlearnleak.analysis.committed import KINDS
from unlearnleak.auditing import saying
from unlearnleak.auditing.result import Rate


def test_the_answer_says_who_names_what_and_who_does_not():
    attacks = judged(
        outcome(told=told()),
        outcome("param_diff", "decision_tree", named=(1,), told=told()),
        outcome("head_sum", "threshold", named=(2,), threat="white box"),
    )
    known = replace(KNOWN, class_names=("ape", "bee", "cat", "dog"), not_judged_classes=(0,))
    said = saying.sentences("leak", attacks, known, saying.names_of(attacks))
    assert said == (
        "Class 1 (bee) is missing: named by param_diff / decision_tree.",
        "Nothing was named by param_dot / youden, which would count as well.",
        "Attacks with data could not judge classes without images: 0.",
        "1 other named something, which does not count: head_sum / threshold.",
    )


def test_a_class_that_is_known_much_less_and_named_by_nobody_is_told():
    attacks = judged(outcome(told=told()))
    weak = replace(KNOWN, accuracy_per_class=(0.97, 0.5, 0.92, 1.0))
    assert saying.little_known(weak) == [1]
    assert "class 1 (50 %)" in " ".join(saying.trust(attacks, weak, None, 10))
    assert "Known much less" not in " ".join(saying.trust(attacks, KNOWN, None, 10))
    named = judged(outcome(told=told(), named=(1,)))
    assert "Known much less" not in " ".join(saying.trust(named, weak, None, 10))


def test_a_named_class_that_the_model_knows_is_said_to_be_known():
    attacks = judged(outcome(told=told(), named=(1,)))
    half = replace(KNOWN, accuracy_per_class=(0.97, 0.53, 0.92, 1.0))
    assert "Named, and yet known to the model: class 1 (53 %)" in " ".join(saying.trust(attacks, half, None, 10))
    gone = replace(KNOWN, accuracy_per_class=(0.97, 0.02, 0.92, 1.0))
    assert "Named, and yet known" not in " ".join(saying.trust(attacks, gone, None, 10))


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ((0.9, 0.95, 0.97, 0.02), None),
        ((0.9, 0.95, 0.1, 0.02), "2 of 4 classes are known much less than the others: 2 (10 %), 3 (2 %)"),
        ((0.4, 0.45, 0.3, 0.02), "a typical class is known at 40 % only"),
    ],
)
def test_images_that_the_model_hardly_knows_are_warned_of_in_the_answer(rates, words):
    attacks = judged(outcome(told=told(), named=(3,)))
    known = replace(KNOWN, accuracy_per_class=rates)
    said = " ".join(saying.sentences("leak", attacks, known, {3: ("param_dot / youden",)}))
    assert ("Beware" in said) == (words is not None)
    assert (words or "") in said
    refused = replace(known, plausible=False)
    assert "Beware" not in " ".join(saying.sentences("leak", attacks, refused, {}))


def test_a_named_class_that_the_model_before_did_not_know_is_no_sign_of_unlearning():
    attacks = judged(outcome(told=told(), named=(1, 3)))
    gone = replace(KNOWN, accuracy_per_class=(0.97, 0.02, 0.92, 0.0))
    seen = replace(gone, original_accuracy_per_class=(0.97, 0.1, 0.92, 0.95))
    said = " ".join(saying.trust(attacks, seen, None, 10))
    assert "hardly known to the model before either: class 1 (10 %). With" in said
    assert "the model before" not in " ".join(saying.trust(attacks, gone, None, 10))


def test_what_else_reads_like_unlearning_to_whoever_names_a_class_is_told():
    known = {kind: Rate(count=0, n=8, interval=(0, 0.3)) for kind in KINDS}
    alarmed = known | {"noisy_labels": Rate(count=8, n=8, interval=(0.7, 1))}
    attacks = [
        replace(one, calibration=replace(one.calibration, kinds=kinds))
        for one, kinds in zip(
            judged(
                outcome(named=(1,), told=told()),
                outcome("aux_confidence", "halfway", named=(1,), told=told()),
                outcome("param_diff", "decision_tree", told=told()),
            ),
            (alarmed, known, alarmed),
            strict=True,
        )
    ]
    assert saying.read_alike(attacks) == [
        "A model that forgot nothing and learnt 30 % wrong labels in one class can look like this. Of the project's "
        "own such models these gave an alarm: param_dot 8 of 8; aux_confidence 0 of 8."
    ]
    assert saying.read_alike(attacks[1:]) == []  # who named nothing was not fooled


def test_the_class_that_most_attacks_name_comes_first():
    named = {0: ("inversion_gradient / level",), 3: ("param_dot / youden", "relearn / youden")}
    said = saying.sentences("leak", judged(outcome(told=told(), named=(3,))), KNOWN, named)
    assert [sentence[:7] for sentence in said[:2]] == ["Class 3", "Class 0"]
