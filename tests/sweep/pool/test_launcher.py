import json
import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobStatus
from hydra.types import HydraContext, RunMode

from hydra_plugins.unlearnleak.pool import PoolLauncher
from tests.jobs import overrides_in, write_npz
from tests.patience import PATIENCE
from tests.sweep.pool_jobs import CONFIG, appear, task
from unlearnleak.config.folder import config_folder
from unlearnleak.errors import UserError
from unlearnleak.machine.process import began, is_alive
from unlearnleak.runs.launch import VARIABLE, JobDied
from unlearnleak.sweep.pool import slots as slots_module

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", autouse=True)
def torch_imported_once():
    """As with the project's own jobs: the server that workers are forked from has imported it."""
    forkserver.set_forkserver_preload(["unlearnleak.sweep.pool.server", "unlearnleak.sweep.pool.worker", "torch"])
    forkserver.ensure_running()


@pytest.fixture(autouse=True)
def no_words_from_outside(monkeypatch):
    for name in (VARIABLE, "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def conf(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "jobs.yaml").write_text(CONFIG.replace("CONF", config_folder()))
    return tmp_path / "conf"


@pytest.fixture
def launcher(conf, tmp_path):
    """Return a function that makes a pool launcher with these settings for `pool_jobs.task`."""
    launchers: list[PoolLauncher] = []
    with initialize_config_dir(str(conf), version_base="1.3"):

        def make(*overrides: str, **settings) -> PoolLauncher:
            loader = GlobalHydra.instance().config_loader()
            config = loader.load_configuration("jobs", [f"folder={tmp_path}", *overrides], run_mode=RunMode.MULTIRUN)
            made = PoolLauncher(**({"workers": 2, "gpus": None, "jobs_per_gpu": 1, "memory_gib": 1.0} | settings))
            context = HydraContext(config_loader=loader, callbacks=Callbacks())
            made.setup(hydra_context=context, task_function=task, config=config)
            launchers.append(made)
            return made

        yield make
        for made in launchers:
            made.close()


@pytest.fixture
def run(launcher, tmp_path):
    """Return a function that runs jobs ("do=answer code=1") on a new pool and returns what it returned."""

    def run(jobs: list[str], **settings):
        given = [[f"folder={tmp_path}", *job.split()] for job in jobs]
        return launcher(**settings).launch(given, 0)

    return run


# What a job's end costs


def test_results_come_in_the_order_of_the_jobs(launcher, tmp_path):
    done = launcher(workers=3).launch([[f"folder={tmp_path}"]] * 7, 5)
    assert [job.return_value for job in done] == [5, 6, 7, 8, 9, 10, 11]
    assert {(job.cfg, job.hydra_cfg) for job in done} == {(None, None)}  # thousands of copies would fill the launcher
    log = (tmp_path / "sweep" / ".launches" / "default" / "worker-0.log").read_text()
    assert "--- job 5: folder=" in log
    assert "a job speaks" in log


def test_letters_that_a_log_lacks_cost_no_job(launcher, tmp_path):
    (done,) = launcher(workers=1).launch([[f"folder={tmp_path}", "+word='K\udcff'"]], 0)
    assert (done.status, done.return_value) == (JobStatus.COMPLETED, 0)
    assert r"+word='K\udcff'" in (tmp_path / "sweep" / ".launches" / "default" / "worker-0.log").read_text()


ENDS = [
    ("do=throw", ValueError, "on purpose"),
    ("do=throw_unsent", RuntimeError, "Unsent: fish for supper"),
    ("do=leave code=0", JobDied, r"called sys.exit\(0\)"),
    ("do=leave code=3", JobDied, r"called sys.exit\(3\)"),
    ("do=leave_at_once code=0", JobDied, "ended with exit status 0; see /.*/worker-0.log"),
    ("do=leave_at_once code=7", JobDied, "ended with exit status 7"),
    ("do=get_killed code=9", JobDied, r"killed by signal 9 \(SIGKILL\): perhaps out of memory; see /.*/worker-0.log"),
    ("do=get_killed code=11", JobDied, r"killed by signal 11 \(SIGSEGV\); see"),
    ("do=get_killed code=15", JobDied, "was ended by SIGTERM"),
    ("do=get_killed_while_answering", JobDied, "killed by signal 9"),
    ("do=nothing_known", StopIteration, "^$"),
    ("unknown=1", Exception, "Could not override 'unknown'"),
]


def test_a_job_costs_itself_only_however_it_ends(run, tmp_path):
    jobs = [word for end, _, _ in ENDS for word in (end, "do=answer")]
    done = run(jobs, workers=1)
    assert len(done) == len(jobs)
    for index, (job, kind, words) in enumerate(ENDS):
        assert done[2 * index].status is JobStatus.FAILED, job
        with pytest.raises(kind, match=words):
            done[2 * index].return_value  # noqa: B018
        assert done[2 * index + 1].return_value == 2 * index + 1, f"after {job}"
    log = (tmp_path / "sweep" / ".launches" / "default" / "worker-0.log").read_text()
    assert "Fatal Python error: Segmentation fault" in log
    assert "ValueError: on purpose" in log


def test_a_value_that_cannot_be_sent_is_dropped_and_its_job_is_not(run):
    (done,) = run(["do=give_what_cannot_be_sent"])
    assert (done.status, done.return_value) == (JobStatus.COMPLETED, None)
    assert "do=give_what_cannot_be_sent" in done.overrides


def test_what_a_killed_job_had_started_goes_with_it(run, tmp_path):
    done = run(["do=get_killed_as_a_parent", "do=answer"], workers=1)
    assert [job.status for job in done] == [JobStatus.FAILED, JobStatus.COMPLETED]
    assert gone([int((tmp_path / "child").read_text())])


# Where jobs run


def test_each_worker_has_its_device_and_its_share_of_the_cores(run, monkeypatch, tmp_path):
    monkeypatch.setattr(slots_module, "gpus_here", lambda: ["4", "GPU-abc"])
    monkeypatch.setattr(slots_module, "cores", lambda: 9)
    monkeypatch.setenv("TOLD", "now")
    seen = [job.return_value for job in run(["do=look"] * 4, workers="auto", gpus=[0, 1], jobs_per_gpu=2)]
    assert sorted(job["CUDA_VISIBLE_DEVICES"] for job in seen) == ["4", "4", "GPU-abc", "GPU-abc"]
    assert len({job["pid"] for job in seen}) == 4
    assert {(job["threads"], job["OMP_NUM_THREADS"]) for job in seen} == {(2, "2")}
    assert {(job["TOLD"], job["cwd"]) for job in seen} == {("now", str(Path.cwd()))}


def test_workers_are_kept_from_job_to_job_and_run_at_the_same_time(run):
    pids = [job.return_value for job in run(["do=meet"] * 6)]
    assert len(set(pids)) == 2
    assert all(len(set(pids[start : start + 2])) == 2 for start in (0, 2, 4))


def test_workers_are_kept_from_launch_to_launch(launcher, tmp_path):
    pool = launcher()

    def pids(jobs: int) -> list[int]:
        given = [[f"folder={tmp_path / str(time.monotonic_ns())}", "do=meet", f"many={jobs}"]] * jobs
        Path(given[0][0].removeprefix("folder=")).mkdir()
        return [job.return_value for job in pool.launch(given, 0)]

    first, second = pids(2), pids(2)
    assert set(first) == set(second)
    (alone,) = pids(1)
    assert gone(list(set(first) - {alone}))  # a worker without work would hold its memory, and its part of a GPU
    pool.close()
    assert gone([*first, alone])
    assert pids(2)  # as if new


def test_a_worker_that_was_told_other_things_is_not_kept(launcher, tmp_path, monkeypatch):
    pool, job = launcher(), [f"folder={tmp_path}", "do=look"]
    (before,) = pool.launch([job], 0)
    monkeypatch.setenv("TOLD", "later")
    (after,) = pool.launch([job], 1)
    assert (before.return_value["TOLD"], after.return_value["TOLD"]) == (None, "later")
    assert gone([before.return_value["pid"]])


def test_the_number_of_workers_is_found_once(launcher, tmp_path, monkeypatch):
    """Later they would count their own memory as taken."""
    monkeypatch.setattr(slots_module, "cores", lambda: 2)
    monkeypatch.setattr(slots_module, "free_memory", lambda: 2 * slots_module.GIBIBYTE)
    pool = launcher(workers="auto")
    jobs = [[f"folder={tmp_path}", "do=look"]] * 4
    pool.launch(jobs, 0)
    monkeypatch.setattr(slots_module, "free_memory", lambda: slots_module.GIBIBYTE // 2)
    assert len({job.return_value["pid"] for job in pool.launch(jobs, 4)}) == 2


def test_a_job_has_its_share_of_the_cores_whatever_came_before(launcher, tmp_path, monkeypatch):
    """A model's last bits depend on its threads: they must not on a wave's size, nor on the job before."""
    monkeypatch.setattr(slots_module, "cores", lambda: 6)
    pool = launcher(workers=2)
    jobs = [[f"folder={tmp_path}", f"do={what}"] for what in ("look", "take_threads", "look")]
    assert [job.return_value["threads"] for job in pool.launch(jobs[:1], 0)] == [3]
    pool.close()
    one = launcher(workers=1)
    assert [job.return_value["threads"] for job in one.launch(jobs, 0)] == [6, 5, 6]


def test_a_worker_that_died_between_two_launches_is_replaced(launcher, tmp_path):
    pool, job = launcher(), [f"folder={tmp_path}", "do=look"]
    pid = pool.launch([job], 0)[0].return_value["pid"]
    os.kill(pid, signal.SIGKILL)
    pool.pool.workers[0].process.join(PATIENCE)
    assert pool.launch([job], 1)[0].return_value["pid"] != pid


@pytest.mark.parametrize("code", [0, 9])
def test_what_jobs_leave_in_the_temporary_folder_goes_with_their_worker(launcher, tmp_path, code):
    pool = launcher(workers=1)
    pool.launch([[f"folder={tmp_path}", "do=leave_files", f"code={code}"]], 0)
    left = Path((tmp_path / "left-0").read_text())
    assert left.exists() == (code == 0)
    pool.close()
    assert not left.parent.exists()


def test_where_no_worker_can_be_started_one_line_says_so(launcher, tmp_path, monkeypatch):
    """As where the server that they are forked from was killed for want of memory."""

    def start(process):
        raise EOFError("unexpected EOF")

    monkeypatch.setattr("multiprocessing.context.ForkServerProcess.start", start)
    pool = launcher(workers=1)
    with pytest.raises(UserError, match=r"can be started \(unexpected EOF; .* MiB of memory are free\)"):
        pool.launch([[f"folder={tmp_path}"]], 0)


def test_idle_workers_end_with_their_launcher(conf, tmp_path):
    """Also under a sweeper that does not close it."""
    words = ["-m", "tests.sweep.pool_jobs", "-m", "--config-dir", str(conf), "hydra/launcher=pool", "do=note"]
    words += [f"folder={tmp_path}", "hydra/sweeper=basic", "code=1,2"]
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, timeout=PATIENCE)
    assert gone([int(path.read_text()) for path in tmp_path.glob("pid-*")])


def test_a_job_that_failed_leaves_nothing_to_the_next_one(run):
    """A GPU's context, for one, stays broken after an error."""
    before, _, after = run(["do=look", "do=throw", "do=look"], workers=1)
    assert before.return_value["pid"] != after.return_value["pid"]


def test_a_job_may_start_processes_of_its_own(run):
    assert [job.return_value for job in run(["do=load"] * 2)] == [[3, 12]] * 2


# The end of the launching process


def gone(pids: list[int]) -> bool:
    """Whether all the processes end before patience does."""
    first = {pid: began(pid) for pid in pids}
    end = time.monotonic() + PATIENCE
    while any(started > 0 and is_alive(pid, started) for pid, started in first.items()):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def launched(conf, tmp_path):
    """A process that launches two jobs which hang, and the numbers of all processes that it has started."""
    words = ["-m", "tests.sweep.pool_jobs", "-m", "--config-dir", str(conf), "hydra/launcher=pool", "do=hang"]
    words += ["hydra.launcher.workers=2", f"folder={tmp_path}", "code=1,2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, start_new_session=True, **pipes)
    files = [tmp_path / f"pids-{number}" for number in (0, 1)]
    try:
        appear(files)
        yield process, {int(pid) for file in files for pid in file.read_text().split()}
    finally:
        process.kill()
        process.communicate()


def test_nothing_outlives_a_killed_launcher(launched):
    process, pids = launched
    assert len(pids) == 5  # two workers, a child of each, the server that they were forked from
    process.kill()
    assert gone(pids)


def test_a_worker_that_was_stopped_does_not_outlive_a_killed_launcher_either(launched):
    process, pids = launched
    for pid in pids - {process.pid}:
        os.kill(pid, signal.SIGSTOP)
    process.kill()
    assert gone(pids)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_launcher_lets_its_jobs_say_so_and_leaves_nothing(launched, sent, tmp_path):
    process, pids = launched
    os.killpg(process.pid, sent) if sent is signal.SIGINT else process.send_signal(sent)  # Ctrl-C is for the group
    process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert (tmp_path / "interrupted-0").exists()
    assert (tmp_path / "interrupted-1").exists()
    assert gone(pids)


# The real jobs

# Which of two jobs at once computes the original is open.
CHANGING = re.compile("^((seconds|memory_mib|stored)_|digest)")


def numbers(folder: Path) -> dict[str, dict[str, object]]:
    """What each job of a sweep found out, by its folder, without what every attempt has anew."""
    found = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/result.json")}
    return {name: {k: v for k, v in result.items() if not CHANGING.search(k)} for name, result in found.items()}


@pytest.mark.slow
def test_real_jobs_give_the_same_bits_as_one_after_the_other(cli, tmp_path):
    write_npz(tmp_path / "images.npz")
    found = {}
    for name in ("basic", "pool"):
        own = [f"store={tmp_path / name / 'store'}", f"runs={tmp_path / name / 'runs'}", f"hydra/launcher={name}"]
        more = ["hydra.launcher.workers=2"] if name == "pool" else []
        words = [*overrides_in(tmp_path, *own, "attack=param_dot"), *more, "unlearner=rt,rl", "hydra/sweeper=basic"]
        done = cli("-m", *words, cwd=tmp_path)
        assert (done.code, done.err) == (0, "")
        found[name] = numbers(tmp_path / name / "runs" / "adhoc")
    assert len(found["basic"]) == 2
    assert found["pool"] == found["basic"]
    assert done.out == ""  # the terminal is the sweep's: jobs speak to the worker's log
