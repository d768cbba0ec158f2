"""Shares of predictions in the order of what retraining says."""

import pytest

from unlearnleak.analysis.destinations import in_parts


def test_parts_are_in_the_order_of_what_retraining_says_and_the_forgotten_class_stands_apart():
    yardstick = [0.1, 0.3, 0.2, 0.0, 0.4]
    assert in_parts([0.1, 0.2, 0.3, 0.25, 0.15], yardstick, [3]) == pytest.approx([0.25, 0.15, 0.2, 0.3, 0.1])
    assert in_parts([0.5, 0.5, 0.0], [0.0, 0.2, 0.8], [0]) == pytest.approx([0.5, 0.0, 0.5, 0.0, 0.0])
