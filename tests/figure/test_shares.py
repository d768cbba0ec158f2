"""Leaks over the share of a class that was forgotten."""

from scipy.stats import binomtest

from tests.report.made import judged, run
from unlearnleak.figure.shares import share_chart
from unlearnleak.runs.frame import framed


def runs_of(share: float, hits: int, attack: str, sees: str | None, **changed) -> list[dict]:
    told = {"attack": attack, "forget_share": share, "forget_level": "class" if share == 1 else "sample"}
    told |= {"sees_original": sees} if sees else {}
    return [run(**judged([3], [3] if i < hits else [], seed=i), **told) | changed for i in range(8)]


RUNS = [
    *(*runs_of(1.0, 8, "head_change", "white box"), *runs_of(0.5, 4, "head_change", "white box")),
    *(*runs_of(1.0, 6, "head_sum", "nothing"), *runs_of(0.5, 0, "head_sum", None)),
]


def test_a_point_is_the_share_of_exact_verdicts_with_wilsons_interval():
    chart = share_chart(framed(RUNS))
    data = chart.data.set_index(["attack", "share"])
    assert data["rate"].to_dict() == {
        ("head_change", 0.5): 0.5,
        ("head_change", 1.0): 1.0,
        ("head_sum", 0.5): 0.0,
        ("head_sum", 1.0): 0.75,
    }
    exact = binomtest(4, 8).proportion_ci(method="wilson")
    assert (data.loc[("head_change", 0.5), "low"], data.loc[("head_change", 0.5), "high"]) == (exact.low, exact.high)


def test_attacks_that_see_the_model_before_are_told_apart():
    chart = share_chart(framed(RUNS))
    assert dict(zip(chart.data["attack"], chart.data["sees_original"], strict=True)) == {
        "head_change": True,
        "head_sum": False,
    }
    assert {mark.label: mark.hollow for mark in chart.key if "/" in mark.label} == {
        "head_change / youden": True,
        "head_sum / youden": False,
    }
    assert "sees the model before" in chart.panels[0].text


def test_controls_rows_and_other_unlearners_stay_apart():
    control = runs_of(0.5, 8, "head_sum", "nothing", unlearner="none", gate="control", forgotten=[])
    rows = runs_of(1.0, 0, "head_sum", "nothing", forget_level="sample", forget_samples=4)
    other = runs_of(0.5, 8, "head_sum", "nothing", unlearner="ng")
    chart = share_chart(framed([*RUNS, *control, *rows, *other]))
    assert set(chart.data["unlearner"]) == {"rt"}  # ng forgot one share only
    assert set(chart.data["n"]) == {8}


def test_one_share_alone_is_no_figure():
    assert "forget_share=0.1,0.5,1.0" in share_chart(framed(runs_of(0.5, 3, "head_sum", None))).missing


def test_after_a_fine_tuning_stage_the_whole_share_counts_and_stands_apart():
    tuned = {"forget_level": "sample", "finetuning_samples": 512}
    more = [one | tuned for one in (*runs_of(1.0, 8, "head_sum", None), *runs_of(0.5, 2, "head_sum", None))]
    data = share_chart(framed([*RUNS, *more])).data.set_index(["unlearner", "attack", "share"])["rate"]
    assert data["rt (tuned on 512)", "head_sum", 1.0] == 1.0
    assert data["rt (tuned on 512)", "head_sum", 0.5] == 0.25
    assert data["rt", "head_sum", 1.0] == 0.75
