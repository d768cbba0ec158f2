"""What SLURM's commands print, and how long they may take."""

import logging
import time
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from unlearnleak.machine.process import began
from unlearnleak.sweep.slurm import queue as slurm_queue
from unlearnleak.sweep.slurm.queue import Listed, Silent, array_limit, cancel, command, ending, in_words, listed


@pytest.fixture
def says(tmp_path, monkeypatch):
    """Return a function that puts a command on the PATH that prints a text, or does what a script says."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    slurm_queue.answers.cache_clear()

    def put(name: str, text: str = "", script: str = "") -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\ncat <<'END'\n{text}END\n")
        path.chmod(0o755)
        return str(path)

    return put


@pytest.mark.timeout(PATIENCE)
def test_a_command_that_hangs_is_silent_with_all_its_children(says):
    """The child holds the pipe on which the command would have answered."""
    path = Path(says("squeue", script="sleep 1000 & echo $! > $0.child; wait"))
    with pytest.raises(Silent, match=r"squeue did not answer within 0\.5 s"):
        command("squeue", seconds=0.5)
    child = int(path.with_name("squeue.child").read_text())
    end = time.monotonic() + 30
    while began(child) > 0:
        assert time.monotonic() < end, "the child outlives the command"
        time.sleep(0.02)


def test_a_command_that_fails_says_why_in_its_last_line(says):
    says("squeue", script="echo trying >&2; echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(Silent, match=r"^squeue failed: Unable to contact slurm controller$"):
        listed()
    with pytest.raises(Silent, match="nosuch cannot be started"):
        command("nosuch")


def test_the_queue_by_id(says):
    says("squeue", "12_0|RUNNING|None|u-a\n12_10|PENDING|launch failed requeued held|u-a\n13|PENDING|Resources|b|c\n")
    queue = listed()
    assert set(queue) == {"12_0", "12_10", "13"}
    assert [queue[job].index for job in ("12_0", "12_10", "13")] == [0, 10, 0]
    assert [queue[job].hopeless for job in ("12_0", "12_10", "13")] == [False, True, False]
    assert queue["13"].name == "b|c"


@pytest.mark.parametrize(("state", "reason", "hopeless"), [
    ("PENDING", "Priority", False),
    ("PENDING", "BeginTime", False),
    ("PENDING", "JobHeldUser", False),
    ("PENDING", "JobHeldAdmin", True),
    ("PENDING", "PartitionTimeLimit", True),
    ("RUNNING", "JobHeldAdmin", False),
])  # fmt: skip
def test_what_never_begins_without_a_person(state, reason, hopeless):
    assert Listed("1", state, reason, "x").hopeless == hopeless


@pytest.mark.parametrize(("text", "limit"), [
    ("MaxArraySize            = 4001\nMaxJobCount = 10000\n", 4001),
    ("Foo = 1\n", 1001),
    ("MaxArraySize            = 0\n", 1),
])  # fmt: skip
def test_the_largest_array(says, text, limit):
    says("scontrol", text)
    assert array_limit() == limit


def test_the_largest_array_where_nobody_says(says):
    says("scontrol", script="exit 1")
    assert array_limit() == 1001


@pytest.mark.parametrize(("state", "code", "words"), [
    ("FAILED", "137:0", "FAILED, killed by signal 9 (SIGKILL): perhaps out of memory"),
    ("FAILED", "0:11", "FAILED, killed by signal 11 (SIGSEGV)"),
    ("FAILED", "2:0", "FAILED, exit status 2"),
    ("OUT_OF_MEMORY", "0:125", "OUT_OF_MEMORY: raise hydra.launcher.mem_gb"),
    ("CANCELLED by 1000", "0:15", "CANCELLED by 1000, killed by signal 15 (SIGTERM)"),
    ("NODE_FAIL", "1:0", "NODE_FAIL, exit status 1: the node failed and SLURM did not queue the job again"),
    ("", "0:0", "nothing any more about this job"),
])  # fmt: skip
def test_an_end_in_words(state, code, words):
    assert in_words(state, code) == words


def test_accounting_is_asked_for_what_the_controller_forgot(says):
    says("scontrol", script="echo 'Invalid job id specified' >&2; exit 1")
    sacct = says("sacct", "JobID|State|ExitCode\n12_1|COMPLETED|0:0\n12_3|TIMEOUT|0:0\n")
    assert ending("12_3", sacct).startswith("TIMEOUT: raise hydra.launcher.timeout_min")
    assert ending("12_4", sacct) == "nothing any more about this job"
    assert ending("12_3", None) == "nothing any more about this job"


def test_accounting_that_does_not_answer_is_said_once(says, caplog):
    path = says("sacct", script="echo 'Slurm accounting storage is disabled' >&2; exit 1")
    with caplog.at_level(logging.WARNING):
        assert [slurm_queue.answers(path) for _ in range(3)] == [False] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "SLURM's accounting does not answer (sacct failed: Slurm accounting storage is disabled). Jobs are followed "
        "through squeue; only the reason why a job died may be missing."
    ]
    assert slurm_queue.answers(says("sacct2")) is True


def test_what_cannot_be_cancelled_is_named(says, caplog):
    says("scancel", script="exit 1")
    cancel("--name=u-a")
    assert "scancel --name=u-a" in caplog.text
