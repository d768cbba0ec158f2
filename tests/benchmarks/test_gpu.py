"""The benchmark of GPUs as far as it goes without one: its arithmetic, and every way once on the CPU."""

import json
import multiprocessing
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from omegaconf import OmegaConf

from benchmarks.gpu import __main__ as gpu_main
from benchmarks.gpu import attacks, compiled, parts, schedule, several, steps
from benchmarks.gpu.__main__ import main
from benchmarks.gpu.parts import what
from benchmarks.gpu.rows import Row, line, met, ratio, write
from unlearnleak.config.folder import config_folder

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


def test_the_literature_s_schedule_is_that_of_its_recipe():
    recipe = OmegaConf.load(Path(config_folder(), "recipe", "cifar10_resnet18_cifar.yaml"))
    how = schedule.work(1, CPU, batch=4).optimization
    assert (recipe.epochs, recipe.batch_size) == (schedule.EPOCHS, schedule.BATCH)
    for name in ("lr", "weight_decay", "schedule", "augmentation", "momentum", "clip_norm"):
        assert recipe[name] == getattr(how, name), name


def test_a_row_of_the_schedule_says_how_long_the_whole_is():
    made = next(schedule.rows(CPU, count=1, batch=4))()
    minutes = made.median * 34_762 / 60_000
    assert made.note == f"an original, 34,762 steps: {minutes:.1f} minutes"


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


def test_the_pass_that_attacks_have_in_common_is_timed():
    assert attacks.features_row("lenet", CPU).median > 0


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


def test_a_step_with_its_network_as_graphs_is_the_step_of_a_bare_loop_on_a_cpu():
    assert all(value > 0 for value in steps.looped(steps.graphed(steps.work("lenet", 2, CPU)), CPU, budget=0.01))
    assert {row.func.__name__ for row in steps.alone("lenet", CPU) if isinstance(row, partial)} >= {"graphed_row"}


@pytest.mark.parametrize(
    ("ready", "step", "steps"),
    [
        (42.0, 0.3, 400_000),  # 40 seconds more for 0.1 ms less: 400,000 steps
        (42.0, 0.4, None),
        (42.0, 0.5, None),
        (1.0, 0.5, None),  # a shorter start is used up after a few steps
        (1.0, 0.3, 0),
        (2.00025, 0.3, 3),
    ],
)
def test_compiling_pays_after_so_many_steps_or_never(ready, step, steps):
    captured = compiled.Took(ready=2.0, step=0.4)
    assert compiled.break_even(compiled.Took(ready, step), captured) == steps


def test_each_compiled_way_says_when_it_pays(monkeypatch):
    def broken():
        raise RuntimeError("it does not compile")

    def waits(seconds):
        return lambda: partial(time.sleep, seconds)

    monkeypatch.setattr(compiled, "looped", lambda step, device: [1000 * step.args[0]] * 3)
    made = {compiled.FLOOR: waits(0.002), "fast": waits(0.001), "slow": waits(0.003), "broken": broken}
    monkeypatch.setattr(compiled, "ways", lambda name, device: made)
    found = {}
    for make in compiled.rows("lenet", CPU):
        try:
            row = make()
        except RuntimeError:
            continue
        found[row.way] = row
    assert found["fast: pays after"].median >= 0
    assert found["slow: pays after"].median is None
    assert found["slow: pays after"].note.startswith("never")
    assert found["broken: pays after"].note.startswith("not known")
    assert found["slow: ready"].median > 0.009
    assert found["fast"].floor == compiled.FLOOR


@pytest.fixture
def slow_parts(monkeypatch):
    """Parts of which each row takes a second, run in forked processes so that the change is seen there."""

    def rows_of(part, options):
        for number in range(3):
            time.sleep(1.0)
            yield Row(part, "", f"row {number}", (1.0,))

    fork = multiprocessing.get_context("fork")
    monkeypatch.setattr(parts, "rows_of", rows_of)
    monkeypatch.setattr(parts.multiprocessing, "get_context", lambda kind: fork)


def test_what_the_time_does_not_reach_is_named(slow_parts):
    begin = time.monotonic()
    found = [[row.way, row.note] for part in ("step", "vmap") for row in parts.rows_from(part, None, begin + 1.7)]
    assert time.monotonic() - begin < 5
    assert [way for way, _ in found] == ["row 0", "step", "vmap"]
    assert found[1][1].startswith("stopped, and its other rows are not reached")
    assert found[2][1].startswith("not reached")


def test_all_parts_that_are_not_asked_for_end_within_four_minutes(capsys, monkeypatch):
    told = []
    monkeypatch.setattr(gpu_main, "rows_from", lambda part, options, deadline: told.append((part, deadline)) or [])
    monkeypatch.setattr(
        gpu_main.multiprocessing, "get_context", lambda kind: SimpleNamespace(set_forkserver_preload=id)
    )
    begin = time.monotonic()
    main(["--device", "cpu"])
    assert [part for part, _ in told] == ["step", "streams", "vmap", "ledger", "processes", "attacks"]
    assert len({deadline for _, deadline in told}) == 1
    assert 200 < told[0][1] - begin < 235
    told.clear()
    main(["--device", "cpu", "--only", "compile"])
    assert 800 < told[0][1] - begin < 1000
    told.clear()
    main(["--device", "cpu", "--seconds", "30"])
    assert told[0][1] - begin < 60


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(capsys):
    main([])
    assert capsys.readouterr().out == "Nothing was timed: there is no GPU that PyTorch can use here.\n"
