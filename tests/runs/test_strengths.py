"""Strengths of defences tell runs apart."""

from tests.report.made import judged, run
from unlearnleak.runs.strengths import by_numbers, order, with_strengths
from unlearnleak.runs.words import method


def defended(**settings):
    return run(**judged([3], [3]), defense="mine", defense_settings=settings)


def test_the_settings_that_differ_are_named():
    runs = with_strengths([defended(scale=0.1, kind="a", n=3), defended(scale=0.25, kind="a", n=3), run()])
    assert [method(one) for one in runs] == ["rt + mine (scale 0.1)", "rt + mine (scale 0.25)", "rt"]


def test_one_strength_and_an_early_result_need_no_name():
    assert [method(one) for one in with_strengths([defended(scale=0.1), run(defense="mine")])] == ["rt + mine"] * 2


def test_strengths_of_several_settings_are_in_the_order_of_their_numbers():
    runs = with_strengths([defended(scale=s, layers=w) for s, w in ((10.0, "all"), (2.0, "head"), (0.5, "all"))])
    words = sorted((one["strength"] for one in runs), key=order)
    assert words == ["scale 0.5, layers all", "scale 2, layers head", "scale 10, layers all"]


def test_texts_are_in_the_order_of_the_numbers_in_them():
    words = [
        "ft",
        "ft + prune",
        *(f"ft + prune (share {s})" for s in ("-1", "1e-05", "0.5", "2", "10", "10, layers a")),
    ]
    mixed = sorted(words)
    assert sorted(mixed, key=by_numbers) == words != mixed
    assert sorted(["rt 12ab", "rt 9abc", "v10", "v9"], key=by_numbers) == ["rt 12ab", "rt 9abc", "v10", "v9"]
