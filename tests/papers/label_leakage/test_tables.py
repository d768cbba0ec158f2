"""What stands in the cells, on runs whose averages are known."""

from pathlib import Path

import pytest

from tests.report.targets_made import attacked, published
from unlearnleak.papers.label_leakage.cells import ACCURACIES, DATASETS, TABLES
from unlearnleak.papers.label_leakage.tables import lines, unused
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs

ROOT = Path(__file__).parents[3]
DOT = {"attack": "param_dot", "screening": "youden"}


def line(runs, table="V", dataset="all", unlearner="rt", gate="all", settings="", **method):
    method = (DOT | method) if table not in ("III", "IV") else {"attack": "", "screening": ""}
    wanted = (dataset, unlearner, gate, settings, *method.values())
    (found,) = [
        one
        for one in lines(framed(runs), [table])
        if (one.dataset, one.unlearner, one.gate, one.settings, one.attack, one.screening) == wanted
    ]
    return found


def everywhere(values, datasets=DATASETS, **changed):
    """The same values of asr_published on several data sets, 1, 2, 3... points lower on each further one."""
    return [
        run
        for number, dataset in enumerate(datasets)
        for run in published([value - number / 100 for value in values], dataset=dataset, **changed)
    ]


def test_an_average_over_the_four_data_sets_is_held_against_the_papers():
    found = line(everywhere([0.8, 0.9, 0.8, 0.9, 0.9, 0.9]))
    ours = found.averages["asr_published"]
    mean = 100 * (5.2 / 6) - 1.5
    assert 100 * ours.mean == pytest.approx(mean)
    assert (ours.n, ours.parts, found.wanted, found.runs) == (24, 4, 4, 24)
    assert found.paper == {"asr_published": "90.75"}
    assert found.difference("asr_published") == pytest.approx(mean - 90.75)
    assert found.difference("asr") is None


def test_an_average_that_lacks_a_data_set_is_not():
    found = line(everywhere([0.8, 0.9], DATASETS[:3]))
    assert found.averages["asr_published"].parts == 3
    assert found.difference("asr_published") is None


def test_data_sets_that_the_paper_lacks_stand_apart():
    runs = [*everywhere([0.8]), *published([0.1], dataset="digits"), *published([0.2], dataset="npz")]
    assert line(runs).averages["asr_published"].mean == pytest.approx(0.785)
    assert line(runs, dataset="digits").averages["asr_published"].mean == pytest.approx(0.1)
    assert line(runs, dataset="npz").paper == {}


def test_the_overall_average_counts_unlearners_and_data_sets_alike():
    runs = [
        run
        for u, value in zip(("rt", "ft", "rl", "au", "ng"), (1, 0.9, 0.8, 0.7, 0.6), strict=True)
        for run in everywhere([value], unlearner=u)
    ]
    runs += everywhere([0.6] * 9, unlearner="ng")[1:] + everywhere([0.0], unlearner="mine")
    found = line(runs, unlearner="overall")
    assert found.averages["asr_published"].mean == pytest.approx(0.785)
    assert found.difference("asr_published") == pytest.approx(78.5 - 86.17)
    assert line(runs, unlearner="overall", dataset="svhn").averages["asr_published"].mean == pytest.approx(0.78)
    assert line(runs[1:], unlearner="overall").difference("asr_published") is None


def test_failed_gates_are_in_the_average_and_those_that_passed_apart():
    runs = published([0.5, 0.7]) + published([0.0, 0.0, 0.9], gate="failed")[2:]
    runs[2] |= {"forget_acc": 0.4}
    every, passed = line(runs, dataset="mnist"), line(runs, dataset="mnist", gate="passed")
    assert (every.averages["asr_published"].mean, every.runs, every.failed) == (pytest.approx(0.7), 3, 1)
    assert (passed.averages["asr_published"].mean, passed.runs, passed.failed) == (pytest.approx(0.6), 2, 0)
    accuracy = [line(runs, "III", "mnist", gate=gate).averages["forget_acc_after"].mean for gate in ("all", "passed")]
    assert accuracy == [pytest.approx(0.4 / 3), 0.0]
    assert line(runs, "III", "mnist", gate="passed").difference("forget_acc_after") is None


def test_where_all_failed_the_second_line_is_of_dashes():
    runs = published([0.5], gate="failed")
    passed = line(runs, dataset="mnist", gate="passed")
    assert (passed.runs, passed.averages["asr_published"]) == (0, None)


def test_runs_of_other_settings_are_not_averaged():
    runs = everywhere([0.8, 0.9]) + published([0.1], settings="other")
    assert [
        line(runs, dataset="mnist", settings=of).averages["asr_published"].mean for of in ("5e771465", "other")
    ] == [
        pytest.approx(0.85),
        pytest.approx(0.1),
    ]
    every = line(runs)
    assert (every.averages["asr_published"].parts, every.difference("asr_published")) == (3, None)
    assert every.averages["asr_published"].mean == pytest.approx(0.83)


def test_accuracies_are_of_models_and_held_against_the_papers():
    told = {"original_forget_acc": 0.9911, "forget_acc": 0.02, "original_retain_acc": 0.98, "retain_acc": 0.97}
    runs = [
        attacked([1], [1], attack=attack, screening=s, **told) for attack, s in (("param_dot", "kmeans"), ("x", "y"))
    ]
    runs += [attacked([2], [2], key_unlearned="m", **(told | {"forget_acc": 0.04}))]
    found = line(runs, "III", "mnist")
    assert [found.averages[name].mean for name in ACCURACIES] == pytest.approx([0.9911, 0.03, 0.98, 0.97])
    assert (found.averages["forget_acc_after"].n, found.runs) == (2, 2)
    assert found.difference("forget_acc_before") == pytest.approx(0)
    assert found.difference("forget_acc_after") == pytest.approx(3 - 28.30)


def test_one_class_and_three_are_tables_apart():
    runs = [attacked([3], asr_published=0.5), attacked([1, 2, 3], [1, 2, 3], asr_published=0.7)]
    runs += [attacked([], []) | {"forgotten": [], "gate": "control"}, attacked([1, 2], [1, 2])]
    one, three = (line(runs, table, "mnist") for table in ("V", "VI"))
    assert [of.averages["asr_published"].mean for of in (one, three)] == [0.5, 0.7]
    assert [of.averages["asr_constant"].mean for of in (one, three)] == pytest.approx([0.9, 0.7])
    assert unused(framed(runs)) == 2
    assert unused(framed(runs), ["V"]) == 3


def test_the_constant_answer_in_either_protocol():
    runs = [
        attacked([3], asr_published=0.9),
        attacked([3], attack="inversion_genetic", screening="entropy", asr_published=1),
    ]
    dot, genetic = (
        line(runs, dataset="mnist"),
        line(runs, "VII", "mnist", attack="inversion_genetic", screening="entropy"),
    )
    assert dot.averages["asr_published_constant"].mean == 0.5
    assert genetic.averages["asr_published_constant"].mean == pytest.approx(0.9)


def test_without_runs_there_are_the_papers_cells_alone():
    found = lines(framed([attacked([1, 2], [1, 2], dataset="digits"), attacked([1, 2], [1, 2], unlearner="mine")]))
    assert len(found) == sum(len(paper.methods) * 6 or 20 for paper in TABLES.values())
    assert sum(len(one.paper) for one in found if one.first) == 244
    assert not any(one.runs for one in found)


@pytest.mark.parametrize(
    ("table", "unlearner", "attack", "screening", "published", "blind", "exact"),
    [
        ("V", "ng", "param_dot", "kmeans", 64.8, 90.5, 70),
        ("VI", "au", "param_diff", "decision_tree", 90.4, 100.0, 100),
        ("VIII", "ng", "inversion_genetic", "entropy", 69.5, 88.5, 20),
        ("VIII", "rt", "inversion_gradient", "entropy", 50.0, 100.0, 100),
    ],
)
def test_the_documented_runs_on_digits(digits, table, unlearner, attack, screening, published, blind, exact):
    """docs/results/digits.md was written by another program than this."""
    found = line(digits, table, "digits", unlearner, attack=attack, screening=screening)
    percents = [100 * found.averages[name].mean for name in ("asr_published", "asr", "exact_match")]
    assert percents == pytest.approx([published, blind, exact], abs=0.051)
    assert found.averages["asr"].n == 20


@pytest.fixture(scope="module")
def digits():
    return load_runs([ROOT / "docs" / "results" / "digits.csv"])
