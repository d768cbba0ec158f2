"""Numbers as people read them."""

import pytest

from unlearnleak.analysis.numbers import bounds, classes, of, percent


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([], "none"),
        ([3, 4], "3, 4"),
        (list(range(6)), "0, 1, 2, 3, 4, 5"),
        ([3, 17, 20, 31, 44, 60, 98], "7 classes: 3, 17, …, 98"),
        ("3, 17, 20, 31, 44, 60, 98", "7 classes: 3, 17, …, 98"),
        ("0.1.2.3.4.5.6.7", "8 classes: 0, 1, …, 7"),
        ("draw3", "draw3"),
        ("none", "none"),
        ("a, b, c, d, e, f, g", "a, b, c, d, e, f, g"),
    ],
)
def test_many_classes_are_counted_and_few_are_named(given, shown):
    assert classes(given) == shown


def test_what_is_not_defined_is_a_dash():
    assert (percent(None), percent(0.5), bounds(None), of((0, 0)), of((1, 2))) == ("-", "50.0", "", "-", "1/2")
