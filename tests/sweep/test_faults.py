"""What happens to a machine while a sweep runs: a worker is stopped, clocks jump, folders move, memory or disks end."""

import errno
import json
import os
import signal
import time

import pytest

from tests.patience import wait_until
from tests.sweep.direct import sweep, words_in
from tests.sweep.shell import statuses
from unlearnleak.attack.head_sum import HeadSum
from unlearnleak.cli.commands import main
from unlearnleak.errors import UserError
from unlearnleak.runs import status
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.status import RESULT, STATUS, read_json, read_result, read_status
from unlearnleak.store import lock
from unlearnleak.store.listing import entries
from unlearnleak.sweep import runner

GRID = ["unlearner=ft", "forget_classes=[0],[1]", "attack=head_sum"]


def ends(folder):
    return {entry["status"] for entry in statuses(folder / "runs").values()}


@pytest.mark.parametrize("hours", [(30, 0), (-30, 0), (5, -5, 200)], ids=str)
def test_clocks_that_jump_by_hours_cost_no_job_and_no_work(tmp_path, computed, monkeypatch, hours):
    now, jumps = time.time, []
    monkeypatch.setattr(time, "time", lambda: now() + 3600 * (jumps[-1] if jumps else 0))
    sweep(tmp_path, *GRID, act=lambda folder: jumps.append(hours[len(jumps) % len(hours)]))
    assert len(jumps) == 7
    assert ends(tmp_path) == {"done"}
    assert set(computed.values()) == {1}
    assert sweep(tmp_path, *GRID).launched == []


@pytest.mark.parametrize("what", ["--store", "--runs", "both"])
def test_what_is_cleaned_while_a_sweep_runs_is_not_what_it_works_on(tmp_path, computed, monkeypatch, capsys, what):
    places = {"--store": tmp_path / "store", "--runs": tmp_path / "runs"}
    words = [word for name, place in places.items() if what in (name, "both") for word in (name, str(place))]
    attack, cleaned = HeadSum.__call__, []

    def meanwhile(self, *given):
        cleaned.append(main(["clean", *words]))
        return attack(self, *given)

    monkeypatch.setattr(HeadSum, "__call__", meanwhile)
    sweep(tmp_path, *GRID, act=lambda folder: cleaned.append(main(["clean", *words])) if cleaned else None)
    assert len(cleaned) > 2
    assert set(cleaned) == {0}
    assert ends(tmp_path) == {"done"}
    assert set(computed.values()) == {1}


def test_a_store_on_another_path_serves_the_same_runs(tmp_path, computed):
    sweep(tmp_path, *GRID)
    before = {path: path.read_bytes() for path in (tmp_path / "runs").rglob(RESULT)}
    moved = tmp_path / "elsewhere" / "store"
    moved.parent.mkdir()
    (tmp_path / "store").rename(moved)
    assert sweep(tmp_path, *GRID, f"store={moved}").launched == []
    sweep(tmp_path, *GRID, f"store={moved}", "attack=head_sum,noise_prior")
    assert {path: path.read_bytes() for path in before} == before
    assert set(computed.values()) == {1}
    assert len(before) == 2
    assert ends(tmp_path) == {"done"}


def test_a_store_that_is_moved_in_mid_sweep_is_made_anew(tmp_path, computed):
    reference = tmp_path / "reference"
    reference.mkdir()
    sweep(reference, *GRID)
    moved = []

    def moves(folder):
        if folder.parent.name == "evidence" and not moved:
            moved.append((tmp_path / "store").rename(tmp_path / "moved"))

    sweep(tmp_path, *GRID, act=moves)
    assert moved
    assert ends(tmp_path) == {"done"}
    scores = [sorted(run["scores"] for run in load_runs([folder / "runs"])) for folder in (reference, tmp_path)]
    assert scores[0] == scores[1]


def test_a_shortage_of_memory_costs_its_own_job_and_names_what_takes_less(tmp_path, monkeypatch):
    attack, short = HeadSum.__call__, []

    def meanwhile(self, *given):
        if not short:
            short.append(1)
            raise MemoryError("Unable to allocate 29.1 GiB")
        return attack(self, *given)

    monkeypatch.setattr(HeadSum, "__call__", meanwhile)
    with pytest.raises(UserError, match="1 of 2 jobs failed, 1 done"):
        sweep(tmp_path, *GRID)
    (entry,) = [each for each in statuses(tmp_path / "runs").values() if each["status"] == "failed"]
    assert "not enough memory for the stage evidence (Unable to allocate 29.1 GiB)" in entry["why"]
    assert "hydra.launcher.workers" in entry["why"]
    sweep(tmp_path, *GRID, "only=failed")
    assert ends(tmp_path) == {"done"}


@pytest.mark.parametrize("write", [1, 2, 3], ids=["the result", "the result as logged", "the last status"])
def test_a_disk_that_fills_in_the_last_writes_loses_nothing(tmp_path, computed, monkeypatch, write):
    """Of a job that has computed all: whichever write fails, the same command ends it and computes nothing again."""
    real, writes = status.write_json, []

    def fills(path, value):
        if path.name == RESULT or (writes and path.name == STATUS):
            writes.append(path.name)
            if len(writes) == write:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        real(path, value)

    monkeypatch.setattr(status, "write_json", fills)
    try:
        sweep(tmp_path, "unlearner=ft", "attack=head_sum")
    except UserError as error:
        assert "1 of 1 jobs failed" in str(error)  # noqa: PT017
    monkeypatch.undo()
    assert len(writes) >= write
    (run,) = (path.parent for path in tmp_path.glob(f"runs/adhoc/[!.]*/{STATUS}"))
    kept = read_result(run / RESULT)
    assert (kept is None) == (write == 1)
    sweep(tmp_path, "unlearner=ft", "attack=head_sum")
    assert ends(tmp_path) == {"done"}
    assert set(computed.values()) == {1}
    (whole,) = (read_result(path) for path in tmp_path.glob(f"runs/adhoc/*/{RESULT}"))
    assert whole["logged"]
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")] == []


def test_a_worker_that_is_stopped_for_long_goes_on(tmp_path, python, monkeypatch):
    """To its own host it lives; another host takes it for dead, does its work, and both have the same."""
    words = words_in(tmp_path, *GRID[::2], "training.epochs=60", "hydra/launcher=pool", "hydra.launcher.workers=1")
    running = python.start("-m", "unlearnleak.run", "-m", *words)
    original = tmp_path / "runs" / "adhoc" / ".stages" / "original"

    def at_work():
        return next(
            (path for path in original.glob(f"*/{STATUS}") if (read_json(path) or {}).get("status") == "running"), None
        )

    wait_until(at_work, "a worker at work")
    path = at_work()
    said = json.loads(path.read_text())
    os.kill(said["pid"], signal.SIGSTOP)
    try:
        os.utime(path, (0, time.time() - 3600))  # as if for an hour
        assert read_status(path.parent)["status"] == "running"
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(status, "host", lambda: "another+1")
            assert "no sign of life" in read_status(path.parent)["why"]
            elsewhere.setattr(lock, "_acquire", lambda *_: None)  # on its disk there are no locks
            elsewhere.setattr(runner, "is_held", lambda _: False)
            sweep(tmp_path, *GRID[::2], "training.epochs=60")
        theirs = {one: one.read_bytes() for one in (tmp_path / "store").rglob("tensors.safetensors")}
    finally:
        os.kill(said["pid"], signal.SIGCONT)
    end = running.wait()
    assert end.code == 0, end.err
    assert ends(tmp_path) == {"done"}
    assert {one: one.read_bytes() for one in theirs} == theirs
    assert len(list(entries(tmp_path / "store"))) == 5
    assert [one for one in tmp_path.rglob("*") if one.name.endswith(".tmp")] == []
