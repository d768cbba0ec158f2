"""What a defence buys and costs, drawn from runs whose numbers are known."""

import pytest

from tests.report.made import judged, run
from unlearnleak.figure.frontier import frontier_charts
from unlearnleak.runs.frame import framed
from unlearnleak.runs.strengths import with_strengths


def runs_of(
    unlearner: str, hits: int, retain: float, scale: float | None = None, attack: str = "head_sum"
) -> list[dict]:
    """Ten runs, of which so many are exact (of a control: silent)."""
    control = unlearner == "none"
    told = {"unlearner": unlearner, "retain_acc": retain, "attack": attack}
    told |= {"defense": "weight_noise", "defense_settings": {"scale": scale, "kind": "x"}} if scale is not None else {}
    truth = [] if control else [3]
    return [run(**judged(truth, truth if i < hits else [5], seed=i), **told) for i in range(10)]


RUNS = [
    *(*runs_of("rt", 9, 0.97), *runs_of("ft", 8, 0.95), *runs_of("none", 10, 0.96)),
    *(*runs_of("ft", 2, 0.6, 10.0), *runs_of("ft", 6, 0.9, 0.5), *runs_of("ft", 4, 0.8, 2.0)),
    *(*runs_of("none", 7, 0.85, 0.5), *runs_of("ft", 1, 0.5, attack="undefended_alone")),
]


def test_points_are_the_rates_over_strengths_in_their_order():
    (chart,) = frontier_charts(framed(with_strengths(RUNS)))
    data = chart.data[chart.data["unlearner"] == "ft"]
    own = data[~data["control"].astype(bool)]
    assert list(zip(own["strength"], own["rate"], own["retain_acc"], strict=True)) == [
        ("", 0.8, pytest.approx(0.95)),
        ("scale 0.5", 0.6, pytest.approx(0.9)),
        ("scale 2", 0.4, pytest.approx(0.8)),
        ("scale 10", 0.2, pytest.approx(0.6)),
    ]
    assert (own["low"] < own["rate"]).all()
    assert (own["rate"] < own["high"]).all()


def test_false_alarms_of_defended_controls_and_the_retrained_model_stand_beside():
    (chart,) = frontier_charts(framed(with_strengths(RUNS)))
    alarms = chart.data[chart.data["control"].astype(bool)].set_index("strength")["rate"]
    assert alarms["scale 0.5"] == pytest.approx(0.3)
    assert alarms[""] == 0
    assert chart.data.set_index("unlearner").loc["rt", "rate"] == pytest.approx(0.9)
    (panel,) = chart.panels  # an attack that met no defence has none
    assert "false alarms 30.0 %" in panel.text
    assert "retrained: exact 90.0 %" in panel.text


def test_parts_of_a_class_are_held_against_a_retrained_model_that_forgot_as_much():
    half = {"forget_share": 0.5, "forget_level": "sample"}
    more = [one | half for one in (*runs_of("ft", 5, 0.9), *runs_of("ft", 1, 0.7, 0.5), *runs_of("rt", 3, 0.95))]
    charts = {
        chart.data["unlearner"].iloc[0]: chart for chart in frontier_charts(framed(with_strengths([*RUNS, *more])))
    }
    assert "retrained: exact 30.0 %" in charts["ft (50 %)"].panels[0].text
    assert "retrained: exact 90.0 %" in charts["ft"].panels[0].text


def test_without_a_defence_it_says_what_to_run():
    (chart,) = frontier_charts(framed(runs_of("ft", 5, 0.9)))
    assert "defense=" in chart.missing
