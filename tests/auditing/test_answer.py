"""The answer from made-up outcomes: which attacks count, and what follows."""

from dataclasses import replace

import pytest
import torch

from unlearnleak.auditing import answer, saying
from unlearnleak.auditing.copies import Told
from unlearnleak.auditing.result import Attacked, Understood
from unlearnleak.auditing.running import Outcome

KNOWN = Understood(
    model="m", kind="a module", num_classes=4, class_names=None, image_shape=(1, 8, 8), head="fc", mean=(0.0,),
    std=(1.0,), normalisation="as told", original=None, images=40, images_per_class=(10,) * 4, accuracy=0.9,
    accuracy_per_class=(0.9,) * 4, original_accuracy=None, plausible=True, normalisations=(), not_judged_classes=(),
    notes=(),
)  # fmt: skip


BOTH = "white box, sees the model before too"


def told(alarms=0, found=20, each=20):
    """What an attack said of copies: so many false alarms, so many found."""
    verdict_CK = torch.zeros(2 * each, 4, dtype=torch.bool)
    verdict_CK[:alarms, 0] = True
    missing_C = torch.cat([torch.full((each,), -1), torch.arange(each) % 4])
    rows = torch.arange(each, each + found)
    verdict_CK[rows, missing_C[rows]] = True
    return Told(verdict_CK, missing_C)


def outcome(attack="param_dot", screening="youden", named=(), told=None, threat="white box, auxiliary data", **more):
    attacked = Attacked(attack=attack, screening=screening, threat=threat, state="ran", named=named, **more)
    return Outcome(attacked=attacked, told=told)


def judged(*outcomes, understood=KNOWN, least=10):
    return [answer.judged(each, understood, least) for each in outcomes]


def test_an_attack_that_is_right_on_copies_and_controls_counts():
    (one,) = judged(outcome(named=(3,), told=told()))
    assert one.counts
    assert one.reason is None
    assert (one.calibration.false_alarms.count, one.calibration.found.count) == (0, 20)
    assert one.calibration.controls.n >= 80
    assert one.calibration.false_alarms.interval[0] == 0
    assert one.calibration.false_alarms.interval[1] == pytest.approx(0.161, abs=1e-3)  # Wilson, by hand


@pytest.mark.parametrize(
    ("case", "named"),
    [
        (outcome(told=told(alarms=2)), "2 of 20 copies of this model that forgot nothing"),
        (outcome(told=told(found=9)), "9 of 20 copies of this model: its silence says nothing"),
        (outcome("head_sum", "threshold", told=told(), threat="white box"), "of the project's controls"),
        (outcome("output_change_zoo", "drop", threat="black box"), "measured nowhere"),
        (outcome("output_change_zoo", "drop", threat=BOTH), "measured nowhere"),
        (outcome("output_change", "drop", threat=BOTH), "21 of 180 of the project's controls"),
    ],
    ids=["alarms", "blind", "controls", "unknown", "pairs", "loss-unknown"],
)
def test_an_attack_that_may_be_wrong_does_not_count(case, named):
    (one,) = judged(case)
    assert not one.counts
    assert named in one.reason
    assert answer.status_of([one]) == "not judged"


def test_who_sees_both_models_is_held_against_pairs_that_lost_as_much_accuracy():
    attack = outcome("output_change", "drop", named=(3,), threat=BOTH)
    for before, counts, controls in (((0.9, 0.91, 0.9, 0.99), True, (4, 152)), ((0.95,) * 4, False, (17, 28))):
        (one,) = judged(attack, understood=replace(KNOWN, original_accuracy_per_class=before))
        assert one.counts == counts
        assert (one.calibration.controls.count, one.calibration.controls.n) == controls
        assert "fine-tuned, pruned, with noise on its weights" in one.calibration.note


def test_what_pairs_are_like_a_model_is_not_known_of_images_that_tell_nothing():
    attack = outcome("output_change", "drop", named=(0, 1, 2, 3), threat=BOTH)
    same = replace(KNOWN, original_accuracy_per_class=(0.9,) * 4)
    assert answer.lost(attack.attacked, same) is None
    assert answer.lost(replace(attack.attacked, named=()), replace(same, plausible=False)) is None
    assert answer.lost(replace(attack.attacked, named=()), same) == pytest.approx(0)


def test_one_alarm_of_20_is_what_5_percent_allow():
    (one,) = judged(outcome(told=told(alarms=1)))
    assert one.counts


def test_a_model_that_does_not_know_the_images_cannot_be_judged_with_them():
    doubted = replace(KNOWN, plausible=False)
    with_data, without = judged(
        outcome(told=told()), outcome("inversion_gradient", "level", threat="white box"), understood=doubted
    )
    assert not with_data.counts
    assert without.counts


def test_few_images_without_copies_are_not_enough():
    assert not judged(outcome("aux_confidence", "chance", threat="black box, auxiliary data"), least=4)[0].counts
    assert judged(outcome("aux_confidence", "chance", threat="black box, auxiliary data"), least=5)[0].counts


def test_the_status_is_that_of_the_attacks_that_count():
    silent, loud = judged(outcome(told=told()), outcome("param_diff", "decision_tree", named=(1,), told=told()))
    doubted = judged(outcome("head_sum", "threshold", named=(2,), threat="white box"))[0]
    assert answer.status_of([silent, doubted]) == "silent"
    assert answer.status_of([silent, doubted, loud]) == "leak"
    assert answer.status_of([doubted]) == "not judged"
    assert saying.names_of([silent, doubted, loud]) == {1: ("param_diff / decision_tree",)}


def test_false_alarms_of_any_attack_that_counts_are_counted_together():
    first, second = outcome(told=told(alarms=1)), outcome("param_diff", "decision_tree", told=told(alarms=1))
    second.told.verdict_CK[:2] = second.told.verdict_CK[[1, 0]]  # on another copy
    noisy = outcome("head_sum", "threshold", told=told(alarms=20), threat="white box")
    outcomes = [first, second, noisy]
    assert answer.together(outcomes, judged(*outcomes)).count == 2


@pytest.mark.parametrize(
    ("named", "truth", "outcome_", "asr"),
    [((3,), (3,), "exact", 1.0), ((), (3,), "missed", 0.75), ((2, 3), (3,), "wrong", 0.75), ((), (), "exact", 1.0)],
)
def test_an_evaluation_holds_a_verdict_against_the_truth(named, truth, outcome_, asr):
    one = answer.evaluated(outcome(named=named).attacked, truth, 4)
    assert (one.evaluation.outcome, one.evaluation.asr) == (outcome_, asr)
    assert one.evaluation.asr_constant == 1 - len(truth) / 4


def test_a_class_that_nothing_that_counts_could_judge_keeps_a_silent_answer_from_being_one():
    (one,) = judged(outcome(told=told(), scores=(0.1, None, 0.2, 0.1)))
    assert saying.unjudged([one]) == [1]
    assert answer.status_of([one]) == "not judged"
    said = saying.sentences("not judged", [one], KNOWN, {})
    assert "none could judge 1, of which there are no images" in said[0]
    (other,) = judged(outcome("inversion_shadow", "outlier", threat="white box", scores=(0.1, 0.3, 0.2, 0.1)))
    assert other.counts
    assert answer.status_of([one, other]) == "silent"
    (loud,) = judged(outcome(told=told(), named=(3,), scores=(0.1, None, 0.2, 0.9)))
    assert answer.status_of([loud]) == "leak"
