from itertools import permutations
from math import factorial

import pandas as pd
import pytest

from unlearnleak.analysis.luck import luck, luck_of


def top(*classes, of=5):
    """Scores that rank these classes first."""
    return [1.0 + (k in classes) + k / 100 for k in range(of)]


def test_each_of_several_classes_found_is_right_by_luck_in_one_order_of_all():
    found = luck([top(0), top(1), top(2), top(3)], [[0], [1], [2], [3]])
    assert found[:3] == (4, 4, 1.0)
    assert found.p == pytest.approx(1 / factorial(4))


def test_a_favourite_that_is_drawn_often_is_no_find():
    found = luck([top(0)] * 5, [[0], [0], [0], [1], [2]])
    assert found == (3, 5, 3.0, 1.0)


def test_p_is_the_share_of_all_orders_that_are_as_right():
    scores = [top(0), top(0), top(1), top(2, 3), top(1), top(4)]
    forgotten = [[0], [1], [1], [2, 3], [0], [0]]
    right = [[top(*classes)[:5] == ranking for classes in forgotten] for ranking in scores]
    every = [sum(right[target][place] for target, place in enumerate(order)) for order in permutations(range(6))]
    found = luck(scores, forgotten)
    assert found.first == 3
    assert found.expected == pytest.approx(sum(every) / len(every))
    assert found.p == pytest.approx(sum(hits >= 3 for hits in every) / len(every))


def test_what_was_not_judged_is_not_first():
    scores = [None, 3.0, 2.0, 1.0, 0.0]
    assert luck([scores, scores], [[0], [1]]).first == 1
    assert luck([scores, scores], [[1], [0]]).first == 1


def test_of_runs_those_count_that_were_to_forget_something_and_have_scores():
    rows = [("passed", [0], top(0)), ("failed", [1], top(1)), ("control", [], top(1)), ("passed", [2], None)]
    runs = pd.DataFrame(rows, columns=["gate", "forgotten", "scores"])
    assert luck_of(runs)[:3] == (2, 2, 1.0)
    assert luck_of(runs[runs["gate"] == "control"]) is None
    assert luck_of(runs.drop(columns="scores")) is None
