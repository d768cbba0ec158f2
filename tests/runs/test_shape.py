"""Results of another shape are told from ours, in words, and the rest of them is kept."""

import pytest

from tests.report.made import RESULT, judged
from unlearnleak.runs.shape import examined

WHOLE = RESULT | judged([3], [3])


def test_a_whole_result_is_as_it_was():
    assert examined(WHOLE | {"of a newer version": {"x": [1]}}) == (WHOLE | {"of a newer version": {"x": [1]}}, "")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"dataset": None, "asr": None}, "lacks dataset, asr"),
        ({"dataset": ["digits"]}, "dataset=['digits']: Input should be a valid string"),
        ({"asr": "much"}, "asr='much': Input should be a valid number"),
        ({"asr": 90.0}, "asr=90.0: Input should be less than or equal to 1"),
        ({"asr": float("nan")}, "asr=nan: Input should be a finite number"),
        ({"exact_match": 0.5}, "exact_match=0.5: Input should be a multiple of 1"),
        ({"gate": "half"}, "gate='half': Input should be 'passed', 'failed', 'control' or 'unknown'"),
        ({"verdict": [3, 10]}, "verdict=[3, 10] does not fit 10 classes"),
        ({"verdict": [3, 3]}, "verdict=[3, 3] names a class twice"),
        ({"forgotten": [-1]}, "forgotten=[-1]: Input should be greater than or equal to 0"),
        ({"forgotten": "3"}, "forgotten='3': Input should be a valid list"),
        ({"scores": [0.5] * 11}, "11 scores do not fit 10 classes"),
        ({"key_evidence": "../../x"}, "key_evidence='../../x': String should match"),
        ({"seeds": [0]}, "seeds=[0]: Input should be a valid dictionary"),
        ({"identity": {"keys": []}}, "identity={'keys': []}: Field required"),
        ({"unlearner": 3, "model": 3, "attack": 3, "auroc": 3}, "and 1 more"),
        ({"attack": list(range(99))}, "attack=[0, 1, 2, 3"),
    ],
)
def test_what_is_wrong_is_named_and_left_out(changed, why):
    kept, complaint = examined(WHOLE | changed)
    assert why in complaint
    assert len(complaint) < 400
    assert not [name for name in changed if name in kept and name in complaint]
    assert kept["screening"] == "youden"


def test_what_the_reader_says_of_a_run_no_result_can_say():
    kept, _ = examined(WHOLE | {"directory": "/", "csv": 3, "lacks": None, "unproven": "no"})
    assert kept == WHOLE
