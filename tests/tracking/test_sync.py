import os
import signal
from pathlib import Path

import pytest

from tests.cli.called import call
from tests.commandline import WarmPython
from tests.logger.account import forget_account
from tests.logger.offline import read_file
from tests.logger.server import KEY, Server
from tests.logger.test_none import logger_from, whole_run
from tests.patience import wait_until
from unlearnleak.errors import UserError
from unlearnleak.tracking import sync

ROOT = Path(__file__).parents[2]
FAKE = """#!/bin/sh
# What happens to a run is the last word of its job's name.
run=$1
case $run in
    *-good/*) touch "$(echo $run/run-*.wandb).synced" ;;
    *-bad/*) echo "wandb: Syncing"; printf 'Error: \\033[2Jpermission denied\\n'; echo; exit 7 ;;
    *-liar/*) echo "wandb: all is well" ;;
    *-hangs/*) echo "setting up"; setsid sleep 10 & sleep 60 & echo $! > $run/child; wait ;;
esac
"""


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_account(monkeypatch, tmp_path)
    monkeypatch.setenv("WANDB_API_KEY", KEY)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    script = tmp_path / "fake"
    script.write_text(FAKE)
    monkeypatch.setattr(sync, "COMMAND", ("sh", str(script)))
    return script


def empty_run(folder: Path, job: str, started: str = "20260101_000000") -> Path:
    run = folder / job / "wandb" / f"offline-run-{started}-{job[:3]}"
    run.mkdir(parents=True)
    (run / f"run-{job[:3]}.wandb").touch()
    return run


def command(*words: str) -> int:
    return call("sync", *words)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_server_gets_every_run_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real command against a server of our own; the run that was started twice counts once."""
    logger = logger_from("wandb", mode="offline", project="leaks")
    jobs = tmp_path / "runs"
    for exit_code, (job, seed) in enumerate([("a", 0), ("b", 1)]):
        whole_run(logger, jobs / job, exit_code=exit_code, seed=seed)
    (last,) = (jobs / "b").glob("wandb/offline-run-*")
    first = last.with_name("offline-run-20200101_000000-killed")
    first.mkdir()
    (first / "run-killed.wandb").write_bytes(b"not whole")
    monkeypatch.setenv("WANDB_MODE", "offline")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with Server() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert command(str(jobs)) == 0
        assert capsys.readouterr().out == (
            "synced 2, already 0, failed 0, earlier attempts left out 1 (--all takes them)\n"
        )
        for file in jobs.glob("*/wandb/offline-run-*/run-*[!d].wandb"):
            written, told = read_file(file), server.runs[file.stem.removeprefix("run-")]
            assert (told.project, told.group, told.exit_code) == ("leaks", "single_class", written.exit_code)
            assert {key: value for key, value in told.config.items() if key != "_wandb"} == written.config
            assert told.summary["asr"] == written.summary["asr"] == 0.9
            assert len(told.rows) == len(written.rows) == 11
        assert len(server.runs) == 2
        server.runs.clear()
        assert command(str(jobs), str(jobs / "a")) == 0
        assert capsys.readouterr().out.startswith("synced 0, already 2, failed 0")
        assert not server.runs
    assert list(here.iterdir()) == []


def test_failures_are_named_and_do_not_stop_the_others(
    fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for job in ("1-bad", "2-good", "3-hangs", "4-liar", "5-good"):
        empty_run(tmp_path / "runs", job)
    done = empty_run(tmp_path / "runs", "6-good")
    (done / "run-6-g.wandb.synced").touch()
    assert command(str(tmp_path / "runs"), "--timeout", "4", "--workers", "2") == 1
    printed = capsys.readouterr()
    assert printed.out == "synced 2, already 1, failed 3 (timeout 1)\n"
    lines = [
        line for line in printed.err.splitlines() if not line.startswith("wandb: ")
    ]  # of an earlier test's service
    told = sorted(line.partition(": ")[::2] for line in lines)
    assert [status for status, _ in told] == ["failed", "failed", "timeout"]
    assert told[0][1].endswith("exit status 7: Error: \\x1b[2Jpermission denied")
    assert told[1][1].endswith("exit status 0, not marked as synced: wandb: all is well")
    assert told[2][1].endswith("no end within 4 s: setting up")
    (child,) = (tmp_path / "runs").rglob("child")
    assert not alive(int(child.read_text()))


def test_what_was_written_since_is_synced_again(tmp_path: Path) -> None:
    run = empty_run(tmp_path, "1-good")
    file, marker = run / "run-1-g.wandb", run / "run-1-g.wandb.synced"
    assert not sync.is_synced(run)
    marker.touch()
    os.utime(file, (100, 100))
    assert sync.is_synced(run)
    os.utime(marker, (99, 99))
    assert not sync.is_synced(run)


def test_all_takes_earlier_attempts(fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = empty_run(tmp_path, "1-good", "20260101_000000")
    late = early.with_name("offline-run-20260102_000000-1-g")
    late.mkdir()
    (late / "run-1-g.wandb").touch()
    assert command(str(tmp_path)) == 0
    assert (sync.is_synced(early), sync.is_synced(late)) == (False, True)
    assert command(str(tmp_path), "--all") == 0
    assert sync.is_synced(early)
    assert capsys.readouterr().out.endswith("\nsynced 1, already 1, failed 0\n")


def test_a_dead_address_is_given_up_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    whole_run(logger_from("wandb", mode="offline"), tmp_path / "runs" / "a")
    assert command(str(tmp_path / "runs"), "--timeout", "12") == 1
    printed = capsys.readouterr()
    assert printed.out == "synced 0, already 0, failed 1 (timeout 1)\n"
    assert "no end within 12 s: wandb:" in printed.err


def test_ctrl_c_ends_every_process_and_counts(python: WarmPython, fake: Path, tmp_path: Path) -> None:
    for job in ("1-good", "2-hangs", "3-hangs", "4-good", "5-good"):
        empty_run(tmp_path / "runs", job)
    program = f"""
import sys
from tests.tracking.test_sync import command
from unlearnleak.tracking import sync
sync.COMMAND = ("sh", {str(fake)!r})
sys.exit(command({str(tmp_path / "runs")!r}, "--workers", "2"))
"""
    running = python.start("-c", program)
    wait_until(lambda: len(list((tmp_path / "runs").rglob("child"))) == 2, "two hanging uploads")
    os.kill(running.pid, signal.SIGINT)
    done = running.wait()
    assert (done.code, done.out) == (130, "synced 1, already 0, failed 0, not begun or not ended 4\n"), done.err
    assert "Traceback" not in done.err
    for child in (tmp_path / "runs").rglob("child"):
        assert not alive(int(child.read_text()))


def test_mistakes_are_told_before_anything_starts(python: WarmPython, fake: Path, tmp_path: Path) -> None:
    run = empty_run(tmp_path / "runs", "1-good")
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match=r"RUNS=.*nowhere.*no such folder"):
        command(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"No offline W&B run lies below.*logger=none"):
        command(str(tmp_path / "none"))
    for timeout in ("-1", "nan", "0"):
        with pytest.raises(UserError, match=rf"--timeout={timeout}"):
            command(str(tmp_path / "runs"), "--timeout", timeout)
    with pytest.raises(UserError, match=r"--workers=0"):
        command(str(tmp_path / "runs"), "--workers", "0")
    program = f"from tests.tracking.test_sync import command; command({str(tmp_path / 'runs')!r})"
    done = python("-c", program, WANDB_API_KEY="")
    assert "UserError: unlearnleak sync needs an API key: run `wandb login`, or set WANDB_API_KEY." in done.err
    assert not sync.is_synced(run)


@pytest.mark.parametrize("place", ["run-goo.wandb.synced", "../debug-cli.me.log"])
def test_nothing_is_written_through_a_link(
    tmp_path: Path, fake: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    os.utime(victim, (0, 0))
    run = empty_run(tmp_path / "runs", "goo-good")
    (run / place).symlink_to(victim)
    assert command(str(tmp_path / "runs")) == 1
    out, err = capsys.readouterr()
    assert "failed 1" in out
    assert "is a link, and no link is followed: remove it" in err
    assert (victim.read_text(), victim.stat().st_mtime) == ("mine", 0)
