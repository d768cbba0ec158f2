"""A staged sweep computes each stage once, goes on after failures, and believes nothing but what lies on disk."""

import json
import re
import shlex
import shutil
import threading
import time
import zipfile
from collections import Counter

import numpy as np
import pytest

from tests.jobs import composed, images, write_npz
from tests.patience import PATIENCE
from tests.sweep.direct import Direct, sweep, words_in
from unlearnleak.attack.head_sum import HeadSum
from unlearnleak.errors import GpuFull, UserError
from unlearnleak.logger.wandb import WandbLogger
from unlearnleak.pipeline import stages as pipeline
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.runs.launch import LAUNCHES, launch_folder
from unlearnleak.runs.status import RESULT, STATUS, mark
from unlearnleak.store import held
from unlearnleak.sweep import grid, runner

GRID = ["unlearner=rt,ft,none", "forget_classes=[0],[1]", "attack=head_sum", "screening=kmeans,youden"]
"""Twelve jobs: head_sum has no calibration, so its six with youden are skipped."""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(runner, "PAUSES", (0.01, 0.05))


def statuses(folder, sweep_name="adhoc"):
    """Status by the run's folder name."""
    runs = folder / "runs" / sweep_name
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(runs.glob(f"[!.]*/{STATUS}"))}


def count_states(folder):
    return dict(Counter(entry["status"] for entry in statuses(folder).values()))


def test_each_distinct_stage_is_launched_once_and_before_what_needs_it(tmp_path, computed, capsys, caplog):
    with caplog.at_level("INFO"):
        launcher = sweep(tmp_path, *GRID)
    # One original; the control forgets nothing, whatever class it names; verdicts that two jobs share come last.
    assert "jobs 12 (6 skipped, as their parts do not fit)" in caplog.text
    assert "originals 1, unlearned 5, evidence 5, verdicts 5, results 1" in caplog.text
    assert [len(wave) for wave in launcher.launched] == [1, 5, 5, 5, 1]
    assert count_states(tmp_path) == {"done": 6, "skipped": 6}
    assert set(computed.values()) == {1}
    assert Counter(stage for stage, _ in computed) == {
        "data": 1,
        "original": 1,
        "unlearned": 5,
        "evidence": 5,
        "verdict": 5,
    }
    assert "6 of 12 jobs done, 6 skipped" in capsys.readouterr().err


def test_the_same_sweep_again_launches_nothing_and_a_larger_one_only_what_is_new(tmp_path, computed, caplog):
    sweep(tmp_path, *GRID)
    before = Counter(computed)
    with caplog.at_level("INFO"):
        assert sweep(tmp_path, *GRID).launched == []
    assert "6 finished before; 6 skipped, as their parts do not fit): nothing to do" in caplog.text
    assert computed == before
    caplog.clear()
    with caplog.at_level("INFO"):
        launcher = sweep(tmp_path, "unlearner=rt,ft,none", "forget_classes=[0],[1],[2]", *GRID[2:])
    assert "originals 1 (1 stored), unlearned 3 (1 stored), evidence 3 (1 stored), verdicts 3" in caplog.text
    assert [len(wave) for wave in launcher.launched] == [2, 2, 3]
    assert set(computed.values()) == {1}


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path, caplog):
    with caplog.at_level("INFO"):
        assert sweep(tmp_path, *GRID, "dry_run=true").launched == []
    assert "originals 1, unlearned 5" in caplog.text
    assert statuses(tmp_path) == {}
    assert sorted(path.name for path in (tmp_path / "store").iterdir() if path.name[0] != ".") == ["data"]


def test_a_sweep_up_to_a_stage_stores_that_stage_only(tmp_path, computed):
    launcher = sweep(tmp_path, "unlearner=rt,ft", "until=unlearned", "attack=head_sum")
    assert [len(wave) for wave in launcher.launched] == [1, 2]
    assert Counter(stage for stage, _ in computed) == {"data": 1, "original": 1, "unlearned": 2}
    for entry in statuses(tmp_path).values():
        assert entry["status"] == "done"
        assert ("unlearned", entry["key"]) in computed
    assert sweep(tmp_path, "unlearner=rt,ft", "until=unlearned", "attack=head_sum").launched == []


def test_a_job_that_fails_costs_itself_alone(tmp_path, monkeypatch, capsys):
    attack = HeadSum.__call__

    def broken(self, view, generator):
        if forgotten == [1]:
            raise FloatingPointError("seven is no number")
        return attack(self, view, generator)

    forgotten: list[int] = []
    monkeypatch.setattr(HeadSum, "__call__", broken)

    def act(folder):
        forgotten[:] = [1] if folder == victim else []

    words = ["unlearner=rt", "forget_classes=[0],[1],[2]", "attack=head_sum"]
    plan = make_plan(composed(*words_in(tmp_path, "unlearner=rt", "forget_classes=[1]", "attack=head_sum")))
    victim = tmp_path / "runs/adhoc/.stages/evidence" / Pipeline(plan).key("evidence")
    with pytest.raises(UserError, match="1 of 3 jobs failed, 2 done"):
        sweep(tmp_path, *words, act=act)
    assert count_states(tmp_path) == {"done": 2, "failed": 1}
    (failed,) = [entry for entry in statuses(tmp_path).values() if entry["status"] == "failed"]
    assert failed["why"] == "its evidence failed: FloatingPointError: seven is no number"
    assert "in broken" in json.loads((victim / STATUS).read_text())["traceback"]
    shown = " ".join(capsys.readouterr().err.split())
    assert "1 of 3 jobs failed" in shown
    assert "forget_classes=[1]" in shown
    assert "seven is no number" in shown
    assert "only=failed" in shown
    # Mended, only the failed job is repeated.
    monkeypatch.setattr(HeadSum, "__call__", attack)
    launcher = sweep(tmp_path, *words, "only=failed")
    assert [len(wave) for wave in launcher.launched] == [1, 1]
    assert count_states(tmp_path) == {"done": 3}


def test_what_needs_a_failed_stage_is_not_launched(tmp_path):
    def act(folder):
        if folder.parent.name == "original":
            raise MemoryError("no room")

    words = ["unlearner=rt,ft", "attack=head_sum"]
    with pytest.raises(UserError, match="2 of 2 jobs failed"):
        sweep(tmp_path, *words, act=raising_job(act))
    launches = list((tmp_path / "runs/adhoc" / LAUNCHES).iterdir())
    assert len(launches) == 1
    assert "2 of 2 jobs failed" in json.loads((launches[0] / "plan.json").read_text())["outcome"]
    for entry in statuses(tmp_path).values():
        assert entry["why"] == "its original failed: MemoryError: no room"


def raising_job(act):
    """An `act` whose errors come from inside the job."""

    def wrapped(folder):
        try:
            return act(folder)
        except Exception as error:
            mark(folder, "failed", why=f"{type(error).__name__}: {error}")
            return "dies"

    return wrapped


def test_the_launchers_word_counts_only_where_the_job_has_none(tmp_path):
    answers = {}

    def act(folder):
        return answers.setdefault(folder.name, "lies" if len(answers) % 2 else None)

    sweep(tmp_path, "unlearner=rt,ft", "attack=head_sum", act=act)
    assert count_states(tmp_path) == {"done": 2}
    last = {path.name for path in (tmp_path / "runs/adhoc").glob("[!.]*") if path.is_dir()}
    with pytest.raises(UserError, match="1 of 2"):
        sweep(
            tmp_path,
            "unlearner=rt,ft",
            "attack=noise_prior",
            act=lambda folder: "dies" if "-ft-" in folder.name else None,
        )
    (died,) = [entry for name, entry in statuses(tmp_path).items() if name not in last and "-ft-" in name]
    assert died["why"] == "RuntimeError: the launcher says: dies"


def test_a_launcher_that_breaks_is_survived(tmp_path, monkeypatch):
    monkeypatch.setattr(Direct, "launch", lambda *_, **__: (_ for _ in ()).throw(OSError("no such partition")))
    with pytest.raises(UserError, match="1 of 1 jobs failed"):
        sweep(tmp_path, "attack=head_sum")
    (entry,) = statuses(tmp_path).values()
    assert "no such partition" in entry["why"]


def test_fail_fast_ends_the_sweep_at_the_first_failure(tmp_path):
    seen = []

    def act(folder):
        seen.append(folder)
        return "dies" if folder.parent.name == "unlearned" else None

    words = ["unlearner=rt", "forget_classes=[0],[1],[2]", "attack=head_sum", "fail_fast=true"]
    with pytest.raises(UserError, match="3 of 3 jobs failed"):
        sweep(tmp_path, *words, act=act)
    # This launcher tells of a death at the end of a wave only; the pool tells at once.
    assert [folder.parent.name for folder in seen] == ["original", "unlearned", "unlearned", "unlearned"]
    assert launch_folder() is None
    assert count_states(tmp_path) == {"failed": 3}


def test_jobs_after_a_failure_say_why_they_did_not_begin(tmp_path, monkeypatch):
    monkeypatch.setattr(HeadSum, "__call__", lambda *_: 1 / 0)
    words = ["unlearner=rt", "forget_classes=[0],[1],[2]", "attack=head_sum", "fail_fast=true"]
    with pytest.raises(UserError, match="1 of 3 jobs failed, 2 skipped"):
        sweep(tmp_path, *words)
    assert count_states(tmp_path) == {"failed": 1, "skipped": 2}
    whys = [entry["why"] for entry in statuses(tmp_path).values() if entry["status"] == "skipped"]
    assert all("fail_fast=true" in why and "ZeroDivisionError" in why for why in whys)


def test_a_job_that_finds_the_gpu_full_is_its_launchers_to_judge(tmp_path, monkeypatch):
    tried, answer = [], HeadSum.__call__

    def full_at_first(self, *given):
        tried.append(self)
        if len(tried) == 1:
            raise GpuFull("the GPU is full")
        return answer(self, *given)

    monkeypatch.setattr(HeadSum, "__call__", full_at_first)
    words = ["unlearner=rt", "forget_classes=[0],[1],[2]", "attack=head_sum", "fail_fast=true"]
    with pytest.raises(UserError, match="1 of 3 jobs failed"):
        sweep(tmp_path, *words)
    assert len(tried) == 3  # all of the wave: this launcher does not try again, and the sweep ends after it
    assert count_states(tmp_path) == {"failed": 1, "skipped": 2}


def original_in_hand_elsewhere(folder):
    """A thread in another process's place: it holds the lock of head_sum's original until it may go on."""
    elsewhere = Pipeline(make_plan(composed(*words_in(folder, "attack=head_sum"))))
    elsewhere.artifact("data")
    began, go_on = threading.Event(), threading.Event()

    def other_process():
        with held(elsewhere.plan.store.lock(f"original-{elsewhere.key('original')}")):
            began.set()
            go_on.wait(PATIENCE)

    thread = threading.Thread(target=other_process)
    thread.start()
    assert began.wait(PATIENCE)
    return elsewhere, thread, go_on


def when_it_waits(monkeypatch, go_on):
    """Let the other process go on only when the sweep has met its lock, and has put its workers away to wait."""
    close = runner.close_workers

    def close_and_tell(launcher):
        close(launcher)
        go_on.set()

    monkeypatch.setattr(runner, "close_workers", close_and_tell)


def test_a_stage_that_another_process_has_in_hand_is_waited_for_without_a_job(tmp_path, computed, monkeypatch):
    elsewhere, thread, go_on = original_in_hand_elsewhere(tmp_path)
    when_it_waits(monkeypatch, go_on)
    launches = []
    launcher = sweep(tmp_path, "attack=head_sum", act=lambda folder: launches.append(folder.parent.name))
    thread.join()
    assert 1 in launcher.closed  # no worker of the first launch keeps a device meanwhile
    assert launcher.closed[-1] == len(launcher.launched)  # nor of the last
    # Launched, found in hand, given back; and launched again since the other process did not publish it after all.
    assert launches.count("original") == 2
    assert computed["original", elsewhere.key("original")] == 1
    assert count_states(tmp_path) == {"done": 1}


def test_a_stage_that_another_process_publishes_meanwhile_is_not_launched_again(tmp_path, computed, monkeypatch):
    elsewhere = Pipeline(make_plan(composed(*words_in(tmp_path, "attack=head_sum"))))
    elsewhere.artifact("data")
    began, go_on = threading.Event(), threading.Event()
    trained = pipeline.fit

    def slow(*arguments, **more):
        if threading.current_thread() is thread:
            began.set()
            assert go_on.wait(PATIENCE)
        return trained(*arguments, **more)

    monkeypatch.setattr(pipeline, "fit", slow)
    thread = threading.Thread(target=elsewhere.artifact, args=("original",))
    thread.start()
    assert began.wait(PATIENCE)
    when_it_waits(monkeypatch, go_on)
    launches = []
    sweep(tmp_path, "attack=head_sum", act=lambda folder: launches.append(folder.parent.name))
    thread.join()
    assert launches.count("original") == 1
    assert computed["original", elsewhere.key("original")] == 1
    assert count_states(tmp_path) == {"done": 1}


def test_what_is_damaged_since_the_planning_is_computed_again(tmp_path, caplog):
    sweep(tmp_path, "unlearner=ft", "attack=head_sum")
    (original,) = (tmp_path / "store/original").glob("[!.]*")
    content = bytearray((original / "tensors.safetensors").read_bytes())
    content[-1] ^= 1
    (original / "tensors.safetensors").write_bytes(content)
    (result,) = (tmp_path / "runs/adhoc").glob(f"[!.]*/{RESULT}")
    before = json.loads(result.read_text())
    result.unlink()
    sweep(tmp_path, "unlearner=ft", "attack=head_sum")
    after = json.loads(result.read_text())
    assert "is damaged and will be computed again" in caplog.text
    for key in ("scores", "verdict", "forget_acc", "retain_acc", "key_original"):
        assert after[key] == before[key]


ONLINE = ["attack=head_sum", "screening=kmeans,threshold", "logger=wandb", "logger.mode=disabled"]


def test_what_a_logger_can_never_do_is_told_before_anything_is_launched(tmp_path, computed, monkeypatch, capsys):
    asked = []

    def check(self):
        asked.append(self.where["mode"])
        raise UserError("logger.mode=online needs an API key")

    monkeypatch.setattr(WandbLogger, "check", check)
    with pytest.raises(UserError, match="2 of 2 jobs failed"):
        sweep(tmp_path, *ONLINE)
    assert asked == ["disabled"]  # once for all jobs
    assert {stage for stage, _ in computed} == {"data"}
    assert "needs an API key  (2 jobs)" in capsys.readouterr().err


def test_results_that_no_logger_takes_are_kept_and_counted(tmp_path, monkeypatch, caplog):
    start = WandbLogger.start

    def broken_from_the_start(self, **what):
        start(self, **what)
        self._give_up("W&B cannot be reached: Timed out")

    with monkeypatch.context() as patch:
        patch.setattr(WandbLogger, "start", broken_from_the_start)
        sweep(tmp_path, *ONLINE)
    assert "2 results are kept, but not logged in full: W&B cannot be reached: Timed out" in caplog.text
    results = list((tmp_path / "runs" / "adhoc").glob(f"*/{RESULT}"))
    assert [json.loads(path.read_text())["logged"] for path in results] == [False, False]
    assert len(sweep(tmp_path, *ONLINE).launched) == 1  # the jobs alone: all stages are stored
    assert [json.loads(path.read_text())["logged"] for path in results] == [True, True]

    def check(self):
        raise UserError("logger.mode=online needs an API key")

    monkeypatch.setattr(WandbLogger, "check", check)
    assert sweep(tmp_path, *ONLINE).launched == []  # what is finished needs no key


def test_jobs_that_would_share_a_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"would share the folder .* differ in runtime: .*sweep_name"):
        sweep(tmp_path, "attack=head_sum", "runtime.threads=1,2")


def test_settings_may_refer_to_the_choices(tmp_path):
    words = ["unlearner=rt,ft", "dataset.path=" + str(tmp_path / "${hydra:runtime.choices.unlearner}.npz")]
    for name in ("rt", "ft"):
        write_npz(tmp_path / f"{name}.npz")
    launcher = sweep(tmp_path, *words, "until=original", "attack=head_sum")
    assert [len(wave) for wave in launcher.launched] == [1, 1]  # equal data at two places are one artifact
    assert count_states(tmp_path) == {"done": 2}


def test_equal_jobs_are_one(tmp_path):
    assert [len(wave) for wave in sweep(tmp_path, "attack=head_sum", "seed=0,0").launched] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["only=some"], r"only=some is not possible: all, or failed"),
        (["sweep_name=a,b"], r"the same for all jobs"),
    ],
)
def test_what_a_sweep_cannot_do_is_refused(tmp_path, words, message):
    with pytest.raises(UserError, match=message):
        sweep(tmp_path, "attack=head_sum", *words)


def test_a_job_that_cannot_be_planned_fails_by_itself(tmp_path, capsys):
    with pytest.raises(UserError, match="1 of 2 jobs failed"):
        sweep(tmp_path, "attack=head_sum", "unlearner=ft", "unlearner.lr=-1,0.1")
    assert count_states(tmp_path) == {"done": 1, "failed": 1}
    assert re.search(r"lr=-1(\.0)? must be above 0", " ".join(capsys.readouterr().err.split()))


def test_the_log_file_of_a_launch_has_a_line_for_every_end(tmp_path):
    sweep(tmp_path, *GRID)
    (launch,) = (tmp_path / "runs/adhoc" / LAUNCHES).iterdir()
    lines = (launch / "sweep.log").read_text().splitlines()
    assert sum(" done " in line for line in lines) == 1 + 5 + 5 + 5 + 1
    plan = json.loads((launch / "plan.json").read_text())
    assert plan["outcome"] == "6 done, 6 skipped"
    assert time.time() - plan["ended"] < 60


def test_jobs_of_one_folder_that_are_not_the_same_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"would share the folder .*/mine, and differ in unlearner"):
        sweep(tmp_path, "attack=head_sum", "unlearner=rt,ft", "hydra.sweep.subdir=mine")


@pytest.mark.parametrize("place", ["/elsewhere", "../elsewhere", "."])
def test_a_folder_outside_the_sweep_is_refused(tmp_path, place):
    with pytest.raises(UserError, match=r"hydra\.sweep\.subdir=.* names a folder within the sweep's"):
        sweep(tmp_path, "attack=head_sum", f"hydra.sweep.subdir='{place}'")


def test_a_folder_of_the_users_own_may_have_any_name(tmp_path):
    sweep(tmp_path, "attack=head_sum", r"hydra.sweep.subdir='it\'s mine-${seed}'")
    assert (tmp_path / "runs/adhoc/it's mine-0" / RESULT).exists()


@pytest.mark.parametrize(
    ("subdir", "names"),
    [
        ("s${seed}", {"s0", "s1"}),
        ("${unlearner.epochs}/${hydra:runtime.choices.unlearner}-${seed}", {"3/ft-0", "3/ft-1"}),
        ("job ${hydra.job.num}", {"job 0", "job 1"}),
        ("${hydra:job.num}", {"0", "1"}),
        (
            "x-${hydra.job.override_dirname}",
            {"x-seed=0,unlearner.epochs=3,unlearner=ft", "x-seed=1,unlearner.epochs=3,unlearner=ft"},
        ),
    ],
)
def test_a_folder_may_be_named_by_what_is_the_jobs_own(tmp_path, subdir, names):
    grid = ["seed=0,1", "unlearner=ft", "unlearner.epochs=3", "attack=head_sum"]
    left_out = {word.partition("=")[0] for word in [*words_in(tmp_path), "until", "attack"]} - {"seed"}
    excluded = f"hydra.job.config.override_dirname.exclude_keys=[{','.join(sorted(left_out))}]"
    sweep(tmp_path, *grid, "until=original", excluded, f"hydra.sweep.subdir='{subdir}'")
    adhoc = tmp_path / "runs/adhoc"
    assert {str(path.parent.relative_to(adhoc)) for path in adhoc.rglob(STATUS) if ".stages" not in path.parts} == names
    again = sweep(tmp_path, *grid, "until=original", excluded, f"hydra.sweep.subdir='{subdir}'")
    assert again.launched == []


@pytest.mark.parametrize(
    ("subdir", "message"),
    [
        ("${hydra.job.id}", r"hydra\.sweep\.subdir cannot be known beforehand: .*hydra\.job\.id.*\$\{seed\}"),
        ("${nowhere}", r"cannot be known beforehand: .*nowhere"),
        ("x-${hydra.job.override_dirname}" + "y" * 300, r"more than 255 bytes.*exclude_keys"),
    ],
)
def test_a_folder_that_cannot_be_known_is_refused(tmp_path, subdir, message):
    with pytest.raises(UserError, match=message):
        sweep(tmp_path, "attack=head_sum", f"hydra.sweep.subdir='{subdir}'", "dry_run=true")


def test_a_group_without_settings_is_told_and_not_the_folder_s_name(tmp_path):
    with pytest.raises(UserError, match=r"^a job needs screening: give each a value, such as unlearner=rt\.$"):
        sweep(tmp_path, "~screening", "attack=head_sum", "dry_run=true")


def test_a_jobs_settings_do_not_depend_on_its_number(tmp_path, caplog):
    with caplog.at_level("INFO"), pytest.raises(UserError, match="Not every job can be planned"):
        sweep(
            tmp_path,
            "attack=head_sum",
            "seeds.attack=${hydra:job.num}",
            "hydra.sweep.subdir=${hydra:job.num}",
            "dry_run=true",
        )
    assert "seeds.attack" in caplog.text


def test_what_another_sweep_finished_since_the_planning_is_done_here_too(tmp_path):
    """Two sweeps of the same job: this one launches it when the other has just finished it, and is told nothing."""
    words = ["attack=head_sum", "unlearner=ft"]

    def act(folder):
        if folder.parent.name == "adhoc":
            sweep(tmp_path, *words)  # the other sweep, from beginning to end, in the same folders
            return "dies"
        return None

    launcher = sweep(tmp_path, *words, act=act)
    assert [len(wave) for wave in launcher.launched] == [1, 1, 1, 1]
    assert count_states(tmp_path) == {"done": 1}


def test_an_interrupted_repetition_does_not_forget_what_had_failed(tmp_path):
    words = ["attack=head_sum", "unlearner=rt,ft"]
    dies = {"unlearned"}

    def act(folder):
        if folder.parent.name in dies:
            return "dies"
        if folder.parent.name in ("unlearned", "evidence") and not dies:
            raise KeyboardInterrupt
        return None

    with pytest.raises(UserError, match="2 of 2 jobs failed"):
        sweep(tmp_path, *words, act=act)
    dies.clear()
    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path, *words, "only=failed", act=act)
    launcher = sweep(tmp_path, *words, "only=failed")
    assert [len(wave) for wave in launcher.launched] == [2, 2, 2]
    assert count_states(tmp_path) == {"done": 2}


def test_a_task_that_waited_and_then_died_has_failed(tmp_path):
    _, thread, go_on = original_in_hand_elsewhere(tmp_path)
    attempts = []

    def act(folder):
        attempts.append(folder)
        threading.Timer(0.2, go_on.set).start()
        return None if len(attempts) == 1 else "dies"

    with pytest.raises(UserError, match="1 of 1 jobs failed"):
        sweep(tmp_path, "unlearner=ft", "attack=head_sum", act=act)
    thread.join()
    assert len(attempts) == 2


def test_a_finished_job_whose_last_word_was_lost_says_so_again(tmp_path):
    sweep(tmp_path, "attack=head_sum")
    (path,) = (tmp_path / "runs/adhoc").glob(f"[!.]*/{STATUS}")
    mark(path.parent, "failed", why="its process was killed")
    assert sweep(tmp_path, "attack=head_sum").launched == []
    assert count_states(tmp_path) == {"done": 1}


def test_a_result_survives_a_moment_in_which_its_job_cannot_be_planned(tmp_path):
    sweep(tmp_path, "attack=head_sum")
    data = tmp_path / "images.npz"
    content = data.read_bytes()
    data.write_bytes(content[:100])
    with pytest.raises(UserError, match="1 of 1 jobs failed"):
        sweep(tmp_path, "attack=head_sum")
    data.write_bytes(content)
    assert count_states(tmp_path) == {"done": 1}


def test_a_result_that_was_altered_is_made_again(tmp_path):
    sweep(tmp_path, "attack=head_sum")
    (path,) = (tmp_path / "runs/adhoc").glob(f"[!.]*/{RESULT}")
    before = json.loads(path.read_text())
    path.write_text(path.read_text().replace(f'"asr": {before["asr"]}', '"asr": 0.123'))
    assert json.loads(path.read_text())["asr"] == 0.123
    launcher = sweep(tmp_path, "attack=head_sum")
    assert [len(wave) for wave in launcher.launched] == [1]
    assert json.loads(path.read_text())["asr"] == before["asr"]


def test_a_job_that_says_done_and_has_stored_nothing_has_failed(tmp_path):
    def act(folder):
        if folder.parent.name == "original":
            mark(folder, "done")
            return "dies"
        return None

    with pytest.raises(UserError, match="1 of 1 jobs failed"):
        sweep(tmp_path, "attack=head_sum", act=act)
    (entry,) = statuses(tmp_path).values()
    assert "it says done, but what it should have stored is not there" in entry["why"]


def test_a_dry_run_says_why_a_job_cannot_be_planned(tmp_path, caplog):
    with caplog.at_level("INFO"), pytest.raises(UserError, match="Not every job can be planned"):
        sweep(tmp_path, "attack=head_sum", "unlearner=ft", "unlearner.lr=-1", "dry_run=true")
    assert "cannot be planned 1: UserError: These training settings" in caplog.text
    assert re.search(r"\n    job  .*unlearner=ft unlearner\.lr=-1", caplog.text)


def test_a_dry_run_names_the_jobs_that_cannot_be_planned(tmp_path, caplog):
    words = ["attack=head_sum", "unlearner=ft", "unlearner.lr=0.1,-1", "seed=range(4)", "dry_run=true"]
    with caplog.at_level("INFO"), pytest.raises(UserError, match="can be planned: 4 of 8 cannot; see above"):
        sweep(tmp_path, *words)
    assert caplog.text.count("lr=-1") >= 4
    for seed in range(4):
        assert f"\n    job  unlearner.lr=-1 seed={seed}\n" in caplog.text + "\n"
    assert "job  unlearner.lr=0.1" not in caplog.text


def test_a_failed_stage_is_told_once_however_many_jobs_need_it(tmp_path, capsys):
    def act(folder):
        if folder.parent.name == "original":
            raise MemoryError("no room")

    with pytest.raises(UserError, match="8 of 8 jobs failed"):
        sweep(tmp_path, "unlearner=rt,ft", "attack=head_sum", "forget_classes=[0],[1],[2],[3]", act=raising_job(act))
    shown = capsys.readouterr().err
    assert shown.count("no room") == 2  # when it happens, and in the table at the end
    assert "its original failed: MemoryError: no room  (8 jobs depend on it)" in shown
    assert shown.count("    job  ") == 1
    assert "...  and 7 more" in shown
    assert all("no room" in entry["why"] for entry in statuses(tmp_path).values())


@pytest.fixture
def mixed(tmp_path):
    """A good file and five that cannot be used, as words of a sweep over them."""
    huge = b"\x93NUMPY\x01\x00" + bytes([118, 0]) + b"{'descr':'|u1','fortran_order':False,'shape':(%d,12,12)}" % 2**40
    write_npz(tmp_path / "good.npz")
    write_npz(
        tmp_path / "small.npz", **{f"{part}_images": images()[f"{part}_images"][:, :9] for part in ("train", "test")}
    )
    write_npz(tmp_path / "labels.npz", train_labels=images()["train_labels"] * 2)
    write_npz(tmp_path / "short.npz", train_labels=images()["train_labels"][1:])
    write_npz(tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:900])
    with zipfile.ZipFile(write_npz(tmp_path / "huge.npz")) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as file:
        for name, content in (members | {"train_images.npy": huge.ljust(128)}).items():
            file.writestr(name, content)
    paths = [str(tmp_path / f"{name}.npz") for name in ("huge", "small", "good", "labels", "short", "cut")]
    return ["attack=head_sum", "unlearner=ft", f"dataset.path={','.join(paths)}"]


def test_data_that_cannot_be_used_are_named_with_their_jobs_and_the_rest_is_planned(tmp_path, mixed, caplog):
    with caplog.at_level("INFO"), pytest.raises(UserError, match="Not every job can be planned"):
        sweep(tmp_path, *mixed, "dry_run=true")
    assert "jobs 6 (5 that cannot be planned): originals 1, unlearned 1, evidence 1, verdicts 1" in caplog.text
    told = [line for line in caplog.messages if line.startswith("cannot be planned")]
    for name, reason in {
        "huge": r"claims uint8 values of shape \(1099511627776, 12, 12\), 144.0 TiB",
        "small": "model=lenet cannot take 9x12 images: sides of at least 12 pixels",
        "labels": "train_labels has no sample of class 1",
        "short": r"train_labels has shape \(79,\)",
        "cut": r"cut\.npz cannot be read",
    }.items():
        (line,) = [line for line in told if re.search(reason, line)]
        assert line.count(f"dataset.path={tmp_path / name}.npz") == 2  # the reason says so, and which job it is


def test_data_that_cannot_be_used_cost_their_own_jobs_alone(tmp_path, mixed):
    with pytest.raises(UserError, match="5 of 6 jobs failed, 1 done"):
        sweep(tmp_path, *mixed)
    assert count_states(tmp_path) == {"done": 1, "failed": 5}


def test_one_content_under_two_names_is_refused_before_anything_is_computed(tmp_path):
    file = tmp_path / "images.npz"
    np.savez(file, **images(classes=10, side=28))
    words = ["attack=head_sum", "dataset=mnist,fashion_mnist", "model=lenet"]
    told = r"judged as dataset=mnist and as dataset=fashion_mnist: in the jobs .*dataset=mnist.* and .*choices\.dataset"
    with pytest.raises(UserError, match=told):
        sweep(tmp_path, *words)
    assert statuses(tmp_path) == {}
    shutil.copy(file, tmp_path / "mnist.npz")
    np.savez(tmp_path / "fashion_mnist.npz", **images(classes=10, side=28, train=21))
    sweep(tmp_path, *words, f"dataset.path={tmp_path}/${{hydra:runtime.choices.dataset}}.npz", "until=original")
    assert count_states(tmp_path) == {"done": 2}


def test_images_too_small_for_one_model_are_planned_with_another(tmp_path, caplog):
    with caplog.at_level("INFO"), pytest.raises(UserError, match="Not every job can be planned"):
        sweep(tmp_path, "attack=head_sum", "model=resnet18,lenet", "dry_run=true")
    assert "jobs 2 (1 that cannot be planned)" in caplog.text
    assert "model=resnet18 cannot take 12x12 images" in caplog.text
    assert "    job  model=resnet18" in caplog.text


def test_a_failure_names_the_log_file_of_the_stage_that_failed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(HeadSum, "__call__", lambda *_: 1 / 0)
    with pytest.raises(UserError, match="1 of 1"):
        sweep(
            tmp_path,
            "attack=head_sum",
            act=lambda folder: folder.mkdir(parents=True, exist_ok=True) or (folder / "run.log").touch(),
        )
    shown = capsys.readouterr().err.replace("\n", "").replace(" ", "")
    assert ".stages/evidence/" in shown
    assert "run.log" in shown


@pytest.mark.parametrize(
    ("until", "text"),
    [("unlearned", "originals 1, unlearned 2"), ("original,unlearned", "originals 1, jobs 3, results 1")],
)
def test_waves_are_called_by_what_they_compute(tmp_path, caplog, until, text):
    with caplog.at_level("INFO"):
        sweep(tmp_path, "attack=head_sum", "unlearner=rt,ft", f"until={until}", "dry_run=true")
    assert any(line.endswith(text) for line in caplog.text.splitlines())


def test_one_store_per_sweep(tmp_path):
    with pytest.raises(UserError, match="store is the same for all jobs of a sweep"):
        sweep(tmp_path, "attack=head_sum", "seed=0,1", f"store={tmp_path}/" + "${seed}")


def test_the_command_that_shows_the_runs_is_fit_for_a_shell(tmp_path, caplog):
    caplog.set_level("INFO")
    sweep(tmp_path, "attack=head_sum", "until=original", f"runs='{tmp_path}/with space'")
    (hint,) = re.findall(r"`(unlearnleak table .*)`", caplog.text)
    assert shlex.split(hint) == ["unlearnleak", "table", f"{tmp_path}/with space/adhoc"]


def changing(folder, when):
    """An `act` that gives the file of images another content before the job number `when`."""
    seen = []

    def act(_):
        if len(seen) == when:
            write_npz(folder / "images.npz", train_images=images()["train_images"] // 2)
        seen.append(1)

    return act


@pytest.mark.parametrize(("when", "stage"), [(0, "original"), (1, "unlearned"), (3, "verdict")])
def test_a_file_that_is_replaced_in_mid_sweep_is_said_so(tmp_path, when, stage):
    words = ("attack=head_sum", "unlearner=ft")
    with pytest.raises(UserError, match="1 of 1 jobs failed"):
        sweep(tmp_path, *words, act=changing(tmp_path, when))
    (run,) = (tmp_path / "runs" / "adhoc").glob("npz*")
    why = json.loads((run / STATUS).read_text())["why"]
    assert f"the data (dataset.path={tmp_path}/images.npz) or the code changed while the sweep ran: {stage} " in why
    sweep(tmp_path, *words)
    assert json.loads((run / STATUS).read_text())["status"] == "done"


@pytest.mark.parametrize("until", ["original", "verdict"])
def test_what_is_removed_in_mid_sweep_is_said_so(tmp_path, monkeypatch, until):
    """By hand, say, between the job's last word and the sweep's look."""
    look = runner.is_done

    def too_late(task):
        gone = task.directory / RESULT if task.identity else task.store.root / "original" / task.gives[1]
        if until in task.gives and gone.exists():
            gone.unlink() if task.identity else shutil.rmtree(gone)
        return look(task)

    monkeypatch.setattr(runner, "is_done", too_late)
    with pytest.raises(UserError, match="1 of 1 jobs failed"):
        sweep(tmp_path, "attack=head_sum", f"until={until}")
    (entry,) = statuses(tmp_path).values()
    assert "something removed it while the sweep ran. The same command makes it again" in entry["why"]
    monkeypatch.undo()
    sweep(tmp_path, "attack=head_sum", f"until={until}")
    assert {entry["status"] for entry in statuses(tmp_path).values()} == {"done"}


def test_a_job_inside_another_one_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a/b would lie in the folder of another one, .*/a, where it is not found"):
        grid.check_apart([tmp_path / "a", tmp_path / "ab", tmp_path / "a" / "b"])
    grid.check_apart([tmp_path / "a", tmp_path / "ab", tmp_path / "c" / "b"])
