"""Whole sweeps in processes of their own: nothing is computed twice, and a job that breaks costs itself alone."""

import pytest

from tests.sweep.direct import words_in
from tests.sweep.shell import computed, install_trap, results, statuses

GRID = ["unlearner=rt,ft,none", "forget_classes=[0],[1]", "attack=head_sum,noise_prior", "screening=kmeans"]
JOBS = 12
BAITS = ["a", "b", "c", "raise", "exit", "kill", "d", "e"]


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory, cli):
    """The grid, done by one worker."""
    folder = tmp_path_factory.mktemp("one")
    done = cli("-m", *words_in(folder, *GRID, "hydra.launcher.workers=1"), cwd=folder)
    assert done.code == 0, done.err
    return folder


def test_one_worker_computes_each_stage_once(one_worker):
    counts = computed(one_worker / "runs")
    assert set(counts.values()) == {1}
    assert sorted(name.partition("-")[0] for name in counts) == sorted(
        ["original"] + ["unlearned"] * 5 + ["evidence"] * 10 + ["verdict"] * 10
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, pytest.param(8, marks=pytest.mark.long)])
def test_more_workers_compute_the_same_stages_once_with_the_same_bits(one_worker, cli, tmp_path, workers):
    done = cli("-m", *words_in(tmp_path, *GRID, f"hydra.launcher.workers={workers}"), cwd=tmp_path)
    assert done.code == 0, done.err
    assert computed(tmp_path / "runs") == computed(one_worker / "runs")
    assert len(results(tmp_path / "runs")) == JOBS
    assert results(tmp_path / "runs") == results(one_worker / "runs")


@pytest.mark.slow
def test_two_sweeps_at_once_share_a_store_and_do_no_work_twice(one_worker, python, tmp_path):
    words = words_in(tmp_path, *GRID, "hydra.launcher.workers=2")
    other = words_in(tmp_path, "unlearner=ft,none,rl", *GRID[1:], "hydra.launcher.workers=2", "sweep_name=other")
    sweeps = [words, other, words]  # the third is the first once more, run folders included
    ends = [each.wait() for each in [python.start("-m", "unlearnleak.run", "-m", *each) for each in sweeps]]
    assert [done.code for done in ends] == [0, 0, 0], ends
    counts = computed(tmp_path / "runs")
    assert set(counts.values()) == {1}
    assert len(statuses(tmp_path / "runs")) == 2 * JOBS
    assert {entry["status"] for entry in statuses(tmp_path / "runs").values()} == {"done"}
    found = results(tmp_path / "runs")
    assert {name: found[name] for name in results(one_worker / "runs")} == results(one_worker / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [pytest.param("basic", marks=pytest.mark.long), "pool"])
def test_jobs_that_raise_exit_or_are_killed_cost_themselves_alone(cli, tmp_path, launcher):
    environment = install_trap(tmp_path / "site")
    trap = ["attack=head_sum", "attack._target_=trap.attack.Trap", f"+attack.bait={','.join(BAITS)}"]
    more = ["hydra.launcher.workers=2"] if launcher == "pool" else []
    words = words_in(tmp_path, *trap, f"hydra/launcher={launcher}", *more)
    done = cli("-m", *words, **environment, COLUMNS="200")
    assert done.code == 1
    states = [entry["status"] for entry in statuses(tmp_path / "runs").values()]
    assert sorted(states) == ["done"] * 5 + ["failed"] * 3
    assert "3 of 8 jobs failed" in done.err
    for bait, why in {
        "raise": "FloatingPointError: seven is no number",
        "exit": "SystemExit: 3",
        "kill": "killed by signal 9 (SIGKILL)",
    }.items():
        assert f"attack.bait={bait}" in done.err
        assert why in done.err
    assert "only=failed" in done.err
    traces = [path.read_text() for path in (tmp_path / "runs").glob("*/.stages/evidence/*/status.json")]
    assert sum("in __call__" in trace and "seven is no number" in trace for trace in traces) == 1
    # The same command repeats the three and nothing else.
    (tmp_path / "site/trap/attack.py").write_text(
        (tmp_path / "site/trap/attack.py").read_text().replace("self.bait ==", "None ==")
    )
    again = cli("-m", *words, **environment)
    assert again.code == 0, again.err
    assert "evidence 3, verdicts 3" in again.out
    assert [entry["status"] for entry in statuses(tmp_path / "runs").values()] == ["done"] * len(BAITS)
