"""What evaluations measured, in tables, CSVs, figures and the page."""

import json

import pandas as pd
import pytest

from tests.cli.called import call
from tests.report.made import judged, write_run
from unlearnleak.analysis.evaluated import measured, numbers
from unlearnleak.figure.distance import distance_chart
from unlearnleak.report.build import build
from unlearnleak.report.tables.evaluated import legends, markdown, sections
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.words import named

JS = {"rt": [0.2, 0.3], "ft": [0.5, 0.7]}
HARDWARE = 'Some, CPU "x"'


def told(unlearner, seed, js, *, attack="param_dot", relearn=10, **changed):
    """What a run says that measured a distance."""
    distance = {"name": "distance", "settings": {"references": 2}, "js_forget_test": js}
    distance |= {"retrained_js_forget_test": 0.25 + seed / 10, "original_js_forget_test": 0.69}
    distance |= {"relearn_steps": relearn, "retrained_relearn_steps": 20.0, "cka_forget_test": None}
    distance |= {"shares_forget_test": [0.25, 0.75, 0.0], "hardware": HARDWARE, "seconds": 3.0}
    words = {"unlearner": unlearner, "attack": attack, "evaluation": distance | changed}
    return judged([3], [3], seed=seed) | words | {"key_evaluation": f"{unlearner}{seed}"}


@pytest.fixture
def runs(tmp_path):
    """Two models of two unlearners and a control, one of them looked at by two attacks; and a run without."""
    for unlearner, of in JS.items():
        for seed, js in enumerate(of):
            write_run(tmp_path / "runs" / f"{unlearner}{seed}", **told(unlearner, seed, js))
    write_run(tmp_path / "runs" / "again", **told("rt", 0, 0.2, attack="head_sum"))
    write_run(
        tmp_path / "runs" / "control", **(told("none", 0, 0.69, relearn=None) | {"forgotten": [], "gate": "control"})
    )
    write_run(tmp_path / "runs" / "usual", **judged([3], [3], seed=7))
    return tmp_path / "runs"


def frame_of(*folders):
    return framed([named(run) for run in load_runs([*folders])])


def test_a_line_has_each_model_once_and_controls_stand_last(runs):
    found = measured(frame_of(runs))
    assert [(one.unlearner, one.classes, len(one.runs)) for one in found] == [
        ("rt", "1", 2),
        ("ft", "1", 2),
        ("none", "0", 1),
    ]
    assert found[0].mean("js_forget_test") == pytest.approx(0.25)
    assert found[1].mean("retrained_js_forget_test") == pytest.approx(0.3)


def test_what_is_not_defined_for_every_model_is_a_dash(runs):
    write_run(runs / "more", **told("ft", 2, 0.6, relearn=None))
    (section,) = sections(measured(frame_of(runs)))
    cells = {line.unlearner: dict(zip(section.columns, told, strict=True)) for line, told in section.lines}
    assert cells["rt"]["relearn"] == "10.0 (20.0)"
    assert cells["ft"]["relearn"] == cells["none"]["relearn"] == "- (20.0)"
    assert cells["rt"]["CKA"] == "-"
    assert cells["rt"]["JS"] == "0.250 (0.300)"
    assert section.dataset == "digits"


def test_where_images_go_is_said_in_the_order_of_retraining_beside_it(runs):
    yardstick = [0.1, 0.0, 0.2, 0.0, 0.7]
    for seed, shares in enumerate(([0.0, 0.1, 0.4, 0.0, 0.5], [0.2, 0.1, 0.2, 0.2, 0.3])):
        write_run(
            runs / f"gone{seed}",
            **told("ng", seed, 0.6, shares_forget_test=shares, retrained_shares_forget_test=yardstick),
        )
    (section,) = sections(measured(frame_of(runs)))
    cells = {line.unlearner: dict(zip(section.columns, told, strict=True)) for line, told in section.lines}
    assert cells["ng"]["goes to"] == "40/30/10 (70/20/10)"
    assert cells["none"]["goes to"] == "-"
    assert "retrained models say most often" in " ".join(legends(frame_of(runs)))


def test_steps_and_seconds_have_one_decimal_in_every_line(runs):
    for seed, steps in ((7, 1), (8, 2.5)):
        write_run(runs / f"more{seed}", **told("ng", seed, 0.6, relearn=steps, seconds=0.25 * steps))
    (section,) = sections(measured(frame_of(runs)))
    cells = {line.unlearner: dict(zip(section.columns, told, strict=True)) for line, told in section.lines}
    assert (cells["ng"]["relearn"], cells["rt"]["relearn"]) == ("1.8 (20.0)", "10.0 (20.0)")
    assert (cells["ng"]["seconds"], cells["rt"]["seconds"]) == ("0.4", "3.0")


def test_models_of_controls_that_would_have_forgotten_other_classes_are_several(tmp_path):
    for c in (1, 2):
        run = told("none", 0, 0.6) | {"forgotten": [], "gate": "control", "key_unlearned": "same"}
        write_run(tmp_path / f"{c}", **(run | {"forget_classes": [c], "key_evaluation": f"of{c}"}))
    (one,) = measured(frame_of(tmp_path))
    assert len(one.runs) == 2


def test_runs_of_other_settings_have_lines_of_their_own(runs):
    write_run(runs / "other", **told("rt", 5, 0.9, settings={"references": 5}))
    assert [len(one.runs) for one in measured(frame_of(runs)) if one.unlearner.startswith("rt")] in ([1, 2], [2, 1])


def test_a_csv_keeps_all_of_it_and_gives_the_same_table(runs, capsys):
    assert call("table", runs, "--csv") == 0
    file = runs.parent / "all.csv"
    file.write_text(capsys.readouterr().out)
    table = pd.read_csv(file)
    assert table["evaluation_js_forget_test"].notna().sum() == 6
    assert set(table["evaluation_hardware"].dropna()) == {HARDWARE}
    again = {run["directory"].name: run for run in load_runs([file])}
    first = next(run for run in again.values() if "evaluation" in run)["evaluation"]
    assert first["shares_forget_test"] == [0.25, 0.75, 0.0]
    assert first["name"] == "distance"
    assert sum("evaluation" in run for run in again.values()) == 6
    assert markdown(frame_of(file)) == markdown(frame_of(runs))


def test_the_terminal_shows_the_table_after_the_verdicts_and_alone_where_nothing_is_judged(runs, capsys):
    assert call("table", runs) == 0
    shown = capsys.readouterr().out
    assert shown.index("param_dot / youden") < shown.index("evaluation=distance") < shown.index("two retrained models")
    assert "0.600 (0.300)" in shown
    judging = ("asr", "exact_match", "verdict", "scores", "asr_constant")
    for unlearner in JS:
        folder = runs.parent / "alone" / unlearner
        write_run(folder, **(told(unlearner, 0, 0.5) | dict.fromkeys(judging) | {"screening": "none"}))
    assert call("table", runs.parent / "alone") == 0
    assert capsys.readouterr().out.startswith("digits: evaluation=distance")


def test_membership_has_its_columns_and_a_dash_where_too_few_samples_say_nothing(tmp_path):
    numbers = {
        "auc": 0.75,
        "auc_low": 0.6,
        "auc_high": 0.9,
        "tpr_at_1_in_100": None,
        "n_forgotten": 40,
        "n_held_out": 36,
    }
    for name in ("u_lira", "ruli"):
        more = {f"efficacy_{key}": 0.5 for key in ("auc", "auc_low", "auc_high")} if name == "ruli" else {}
        write_run(
            tmp_path / name,
            **(told("ft", 0, 0.1) | {"evaluation": {"name": name} | numbers | more, "key_evaluation": name}),
        )
    shown = {
        one.name: dict(zip(one.columns, one.lines[0][1], strict=True)) for one in sections(measured(frame_of(tmp_path)))
    }
    assert [text.partition(":")[0] for text in legends(frame_of(tmp_path))] == ["AUC", "efficacy"]  # each said once
    assert shown["u_lira"]["AUC"] == shown["ruli"]["AUC"] == "0.750 [0.600, 0.900]"
    assert shown["u_lira"]["TPR 1/100"] == shown["u_lira"]["TPR 1/1000"] == "-"
    assert (shown["u_lira"]["held out"], shown["ruli"]["efficacy"]) == ("36", "0.500 [0.500, 0.500]")


def test_runs_without_an_evaluation_have_neither_table_nor_figure(tmp_path, capsys):
    write_run(tmp_path / "runs" / "one", **judged([3], [3]))
    assert call("table", tmp_path / "runs") == 0
    assert "evaluation" not in capsys.readouterr().out
    page = build([tmp_path / "runs"]).read_text()
    assert "What was measured beside attacks" not in page
    assert not [*(tmp_path / "runs" / "report" / "figures").glob("distance*")]


def test_an_evaluation_that_reports_know_nothing_of_is_shown_by_its_own_numbers(tmp_path):
    mine = {"name": "mine", "agreement": 0.5, "retrained_agreement": 0.75, "note": "text", "list": [1.0, 2.0]}
    write_run(tmp_path / "one", **(told("rt", 0, 0.1) | {"evaluation": mine}))
    (section,) = sections(measured(frame_of(tmp_path)))
    assert (section.columns, section.lines[0][1]) == (["n", "agreement"], ["1", "0.500 (0.750)"])
    assert numbers(measured(frame_of(tmp_path))) == ["agreement"]


def test_the_figure_has_a_band_of_what_retrained_models_have_between_them(runs):
    chart = distance_chart(measured(frame_of(runs)))
    data = chart.data.set_index(["unlearner", "measure"])
    line = data.loc[("ft", "js_forget_test")]
    assert (line["n"], line["mean"]) == (2, pytest.approx(0.6))
    assert (line["retrained_low"], line["retrained_high"]) == (pytest.approx(0.25), pytest.approx(0.35))
    assert line["original"] == pytest.approx(0.69)
    assert (
        "rt: 0.25 (n 2); ft: 0.6 (n 2); none: 0.69 (n 1); two retrained models: 0.3; the original: 0.69"
        in chart.panels[0].text
    )


def test_what_originals_have_in_common_counts_for_each_of_them(tmp_path):
    """Two of three retrained pairs take as long: the mean is that of three."""
    for seed, steps in enumerate((8.0, 8.0, 20.0)):
        for unlearner in ("rt", "ft"):
            one = told(unlearner, seed, 0.2, retrained_relearn_steps=steps) | {"key_original": f"original{seed}"}
            write_run(tmp_path / f"{unlearner}{seed}", **one)
    (text,) = (panel.text for panel in distance_chart(measured(frame_of(tmp_path))).panels if "relearn" in panel.text)
    assert "two retrained models: 12;" in f"{text};"


def test_the_page_and_the_files_for_papers_have_it(runs):
    page = build([runs]).read_text()
    assert "What was measured beside attacks" in page
    assert "0.600 (0.300)" in page
    assert "Distance to retraining" in page
    out = runs / "report"
    table = pd.read_csv(out / "tables" / "evaluation_distance.csv")
    assert table["js_forget_test"].tolist() == pytest.approx([0.2, 0.3, 0.5, 0.7, 0.69])
    assert (out / "figures" / "distance_to_retraining.png").stat().st_size > 5000


@pytest.mark.parametrize("wrong", [{"js": "x"}, "distance", {"name": 3}, {"name": "d", "js": {"deep": 1}}, {}])
def test_what_cannot_be_an_evaluation_is_a_failure_and_no_stack_trace(tmp_path, wrong):
    folder = write_run(tmp_path / "runs" / "one", **told("rt", 0, 0.1))
    path = folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"evaluation": wrong}))
    (run,) = load_runs([tmp_path / "runs"])
    assert run["status"] == "failed"
    assert "evaluation" in run["why"]
