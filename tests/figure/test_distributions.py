"""The data behind the paper's figures, against what was put into the store."""

import numpy as np
import pytest
import torch

from tests.report.made import judged, keep, run
from unlearnleak.figure.distributions import TARGETS, head_charts
from unlearnleak.figure.probability import probability_charts
from unlearnleak.runs.frame import framed
from unlearnleak.runs.stored import Stores


def runs_with(root, tensor_of, count=1, **changed):
    """Finished runs with evidence of their own; `tensor_of(seed)` is samples_KMF."""
    found = []
    for seed in range(count):
        key = keep(root, "evidence", {"seed": seed, **changed}, samples_KMF=tensor_of(seed))
        found.append(run(**judged([1], [1], classes=3, seed=seed) | {"key_evidence": key, "asked": "1"} | changed))
    return found


def test_dot_products_are_counted_by_truth_in_units_of_the_retained_median(tmp_path):
    values_KM = np.array([[10.0, 12.0], [1.0, 3.0], [10.0, 8.0]])  # class 1 was forgotten; the others' median is 10
    (dot, _) = head_charts(framed(runs_with(tmp_path, lambda _: torch.tensor(values_KM)[..., None])), Stores(tmp_path))
    data = dot.data
    assert data.groupby("group")["heads"].sum().to_dict() == {"forgotten": 2, "retained": 4}
    for group, expected in (("forgotten", [0.1, 0.3]), ("retained", [0.8, 1.0, 1.0, 1.2])):
        bins = data[(data.group == group) & (data.heads > 0)]
        middles = np.repeat((bins.bin_low + bins.bin_high) / 2, bins.heads)
        assert middles.tolist() == pytest.approx(expected, abs=0.03)
    assert "retained: median 1.000, n 4 heads; forgotten: median 0.200, n 2 heads" in dot.panels[0].text


def test_differences_are_sums_of_absolute_values(tmp_path):
    deltas_KMF = torch.tensor([[[1.0, -1.0]], [[3.0, -3.0]], [[-1.0, 1.0]]])
    made = runs_with(tmp_path, lambda _: deltas_KMF, attack="param_diff", screening="decision_tree")
    (_, difference) = head_charts(framed(made), Stores(tmp_path))
    data = difference.data
    bins = data[data.heads > 0]
    middle = ((bins.bin_low + bins.bin_high) / 2).groupby(bins.group).first()
    assert middle["forgotten"] == pytest.approx(3, abs=0.05)  # 6 where the retained have 2
    assert middle["retained"] == pytest.approx(1, abs=0.05)


def test_largest_probabilities_are_of_the_best_restart(tmp_path):
    p_KMK = torch.tensor([[[0.9, 0.1, 0.0], [0.4, 0.3, 0.3]], [[0.5, 0.4, 0.1]] * 2, [[0.1, 0.1, 0.8]] * 2])
    made = runs_with(tmp_path, lambda _: (p_KMK + 1e-9).log(), attack="inversion_gradient", screening="threshold")
    (chart,) = probability_charts(framed(made), Stores(tmp_path))
    rows = chart.data.set_index("class")
    assert rows["largest_probability"].tolist() == pytest.approx([0.9, 0.5, 0.8], abs=1e-5)
    assert rows["forgotten"].tolist() == [False, True, False]


def test_a_target_counts_once_for_all_screenings_and_only_so_many_are_read(tmp_path):
    made = runs_with(tmp_path, lambda seed: torch.rand(3, 5, 1) + seed, count=TARGETS + 3)
    twice = [*made, *(one | {"screening": "kmeans"} for one in made)]
    (dot, _) = head_charts(framed(twice), Stores(tmp_path))
    assert set(dot.data["targets"]) == {TARGETS}
    assert dot.data["heads"].sum() == TARGETS * 15


def test_a_store_that_is_gone_is_said_in_place_of_the_figure(tmp_path):
    (dot, difference) = head_charts(framed([run(**judged([1], [1]) | {"key_evidence": "0" * 24})]), Stores(tmp_path))
    assert dot.panels == []
    assert "is not in" in dot.missing
    assert "No finished run has attack=param_diff" in difference.missing
