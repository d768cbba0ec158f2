"""The benchmark of GPUs as far as it goes without one: its arithmetic, and every way once on the CPU."""

import json
import multiprocessing
from functools import partial

import pytest
import torch

from benchmarks.gpu import attacks, several, steps
from benchmarks.gpu.__main__ import main
from benchmarks.gpu.parts import what
from benchmarks.gpu.rows import Row, line, met, ratio, write

CPU = torch.device("cpu")


def test_a_row_is_held_against_its_floor_and_its_goal(tmp_path):
    floor = Row("step", "lenet", "floor", (0.3, 0.2, 9.0))
    other = Row("step", "resnet18", "floor", (2.0,))
    fit = Row("step", "lenet", "fit", (0.6,), goal=0.45, floor="floor")
    slow = Row("step", "lenet", "ledger", (0.9,), floor="floor", times=3)
    lost = Row("step", "lenet", "bare", (), goal=1.0, floor="floor", note="it broke")
    rows = [floor, other, fit, slow, lost]
    assert ratio(fit, rows) == pytest.approx(2)
    assert ratio(fit, [other]) is None
    assert [met(row, rows) for row in rows] == [None, None, False, True, False]
    assert "2.00 x floor  goal <= 0.45: MISSED" in line(fit, rows)
    assert "3.00 x floor  goal <= 3 x: met" in line(slow, rows)
    assert "it broke" in line(lost, rows)
    write(tmp_path / "rows.json", "a machine", rows, 12.5)
    told = json.loads((tmp_path / "rows.json").read_text())
    assert [row["median"] for row in told["rows"]] == [0.3, 2.0, 0.6, 0.9, None]
    assert told["rows"][2]["met"] is False


@pytest.mark.parametrize(
    ("step", "found"), [(0.0004, (384, 3)), (0.012, (33, 1)), (0.1, (24, 1)), (0.00001, (384, 20))]
)
def test_a_timing_has_about_the_seconds_that_it_is_given(step, found):
    assert steps.sizes(step, 0.4) == found


def test_only_the_time_in_which_all_were_at_it_counts():
    # 10 steps a second each, from 0 to 4 and from 1 to 5: in the three seconds between, 60 steps
    ends = [[0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0, 5.0]]
    assert several.throughput(ends, 10) == pytest.approx(1000 * 3 / 60)
    assert several.throughput([[0.0, 2.0], [0.0, 1.0, 2.0]], 10) == pytest.approx(1000 * 2 / 30)


def test_a_captured_step_is_the_step_itself_on_a_cpu():
    task = steps.work("lenet", 2, CPU)
    step = steps.captured(task)
    assert len(task.train.images) == 2 * steps.BATCH
    assert all(value > 0 for value in steps.looped(step, CPU, budget=0.01))


def test_fit_is_timed_from_the_end_of_its_first_epoch_on():
    assert 0 < steps.beyond_first(steps.work("lenet", 2, CPU), 2) < 60


def test_the_vmapped_step_runs():
    assert all(value > 0 for value in steps.looped(steps.vmapped(2, CPU, steps=2), CPU, models=2, budget=0.01))


def test_processes_train_at_the_same_time():
    context = multiprocessing.get_context("forkserver")
    crew = several.Crew(context, {}, "cpu", [2])
    try:
        assert crew.round("lenet", "fp32", 2, window=0.1, steps=1) > 0
    finally:
        crew.end()


def test_attacks_are_timed_both_ways_until_the_time_is_used_up(monkeypatch):
    monkeypatch.setattr(attacks, "seconds", lambda attack, name, device, graphs: 2.0 if graphs else 1.0)
    found = [make() for make, _ in zip(attacks.rows("lenet", CPU, 100), range(2), strict=False)]
    assert [(row.way, row.values) for row in found] == [
        ("param_dot, graphs", (2.0,)), ("param_dot, runtime.cuda_graphs=false", (1.0, 1.0, 1.0)),
    ]  # fmt: skip
    (left,) = [make() for make in attacks.rows("lenet", CPU, 0)]
    assert left.median is None
    assert all(name in left.note for name in attacks.every_attack())


def test_an_attack_is_timed():
    assert attacks.row("lenet", "head_sum", CPU, allowed=True).median > 0


def test_a_failed_way_is_named():
    assert what(partial(steps.vmap_row, 20, CPU)) == "vmap_row"
    assert "fit_row" in what(list(steps.alone("lenet", CPU))[1])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(capsys):
    main([])
    assert capsys.readouterr().out == "Nothing was timed: there is no GPU that PyTorch can use here.\n"
