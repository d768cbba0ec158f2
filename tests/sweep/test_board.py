"""What the live line and `unlearnleak status` say, from files as jobs and launches leave them."""

import io
import json
import os
import subprocess
import sys
import time

import pytest
from rich.console import Console

from unlearnleak.cli.commands import main
from unlearnleak.errors import UserError
from unlearnleak.machine.process import began, host
from unlearnleak.runs.launch import LAST, LAUNCHES, VARIABLE, launched
from unlearnleak.runs.status import STATUS, mark, write_json
from unlearnleak.sweep.board import PLAN, Board, duration, latest_launch, report
from unlearnleak.sweep.live import Live


@pytest.fixture
def launch(tmp_path):
    """A launch of one original and three jobs of five: one had been finished before, one does not fit."""
    folder = tmp_path / "demo" / LAUNCHES / "20260101-000000-here-1"
    write_json(
        folder / PLAN,
        {
            "sweep": "demo",
            "command": "unlearnleak -m +sweep=demo",
            "announcement": "jobs 5 (1 finished before; 1 skipped, as their parts do not fit): originals 2 (1 stored)",
            "time": time.time() - 60,
            "host": host(),
            "pid": os.getpid(),
            "began": began(os.getpid()),
            "slots": 2,
            "jobs": 5,
            "known": {"finished": 1, "skipped": 1, "failed": 0},
            "waves": [
                {"name": "originals", "stored": 1, "jobs": False, "tasks": [".stages/original/aa"]},
                {"name": "verdicts", "stored": 0, "jobs": True, "tasks": ["one", "two", "three"]},
            ],
        },
    )
    return folder


def tell(launch, task, status, **more):
    mark(launch.parent.parent / task, status, **more)


def says_of_a_dead_process(launch, task, status):
    """What a killed job leaves: a status of a process that is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    entry = {"status": status, "time": time.time(), "host": host(), "pid": child.pid, "began": 1}
    write_json(launch.parent.parent / task / STATUS, entry)


def test_the_line_names_the_wave_the_jobs_and_what_is_busy(launch):
    board = Board(launch)
    board.poll()
    assert board.line(0) == ("wave 1/2 originals 0/1 | 1 of 5 jobs done, 1 skipped | starting")
    tell(launch, ".stages/original/aa", "done")
    tell(launch, "one", "done")
    tell(launch, "two", "running")
    board.poll()
    assert board.line(30) == ("wave 2/2 verdicts 1/3 | 2 of 5 jobs done, 1 skipped | 1/2 busy | 60 s left in it")
    tell(launch, "two", "failed", why="ValueError: no")
    tell(launch, "three", "skipped", why="fail_fast")
    board.poll()
    assert board.line(0) == "demo: 2 of 5 jobs done, 1 failed, 2 skipped"


def test_news_are_told_once(launch):
    board = Board(launch)
    tell(launch, "one", "done")
    tell(launch, "two", "failed", why="ValueError: no")
    assert {path.name for path in board.poll()} == {"one", "two"}
    assert board.poll() == {}


def test_a_failed_stage_counts_until_its_jobs_have_been_told(launch):
    board = Board(launch)
    tell(launch, ".stages/original/aa", "failed", why="OSError: no room")
    board.poll()
    assert board.count_states() == "1 of 5 jobs done, 1 failed, 1 skipped"
    for task in ("one", "two", "three"):
        tell(launch, task, "failed", why="its original failed")
    board.poll()
    assert board.count_states() == "1 of 5 jobs done, 3 failed, 1 skipped"


def test_a_killed_job_has_not_ended_for_its_launcher_may_start_it_again(launch):
    board = Board(launch)
    says_of_a_dead_process(launch, ".stages/original/aa", "running")
    assert board.poll() == {}
    assert (board.waves[0].running, board.waves[0].lost) == (0, 1)
    assert "1 killed" in report(launch)
    # A failure is final only as long as nobody tries again.
    tell(launch, ".stages/original/aa", "failed", why="SLURM: preempted")
    assert len(board.poll()) == 1
    tell(launch, ".stages/original/aa", "running")
    assert board.poll() == {}
    assert board.waves[0].left == 1
    tell(launch, ".stages/original/aa", "done")
    assert [entry["status"] for entry in board.poll().values()] == ["done"]


@pytest.mark.parametrize("content", ["", "{", '{"status"', "[1]", "\udcff"])
def test_a_half_written_status_is_no_end(launch, content):
    path = launch.parent.parent / "one" / STATUS
    path.parent.mkdir()
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    board = Board(launch)
    assert board.poll() == {}


def test_the_report_says_whether_the_launch_lives(launch):
    assert "running since" in report(launch)
    plan = json.loads((launch / PLAN).read_text())
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    write_json(launch / PLAN, plan | {"pid": child.pid, "began": 1})
    assert f"its process {child.pid} is gone; the same command goes on from what is stored" in report(launch)
    write_json(launch / PLAN, plan | {"ended": time.time(), "outcome": "all done"})
    assert ": all done" in report(launch)
    write_json(launch / PLAN, plan | {"host": "elsewhere+1", "pid": child.pid})
    assert f"process {child.pid} on elsewhere" in report(launch)


def test_the_report_names_what_failed_and_why(launch):
    tell(launch, "one", "failed", why="ValueError: seven\nand more")
    text = report(launch)
    assert "verdicts       1 of 3     1 failed" in text
    assert str(launch.parent.parent / "one") in text
    assert "ValueError: seven" in text
    assert "and more" not in text
    assert "originals      0 of 1     1 were stored" in text


def test_the_command_shows_the_last_launch(launch, tmp_path, capsys):
    assert main(["status", "--runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("demo: running since")
    older = launch.with_name("older")
    older.mkdir()
    (older / PLAN).write_text((launch / PLAN).read_text().replace("demo", "older"))
    os.utime(older / PLAN, (1, 1))
    for words in (["demo"], [str(tmp_path / "demo")], []):
        assert main(["status", *words, "--runs", str(tmp_path)]) == 0
        assert capsys.readouterr().out.startswith("demo: ")


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_jumps_changes_no_count(launch, monkeypatch, hours):
    """What is told since the launch began has a time of two hours before or after it; what was there before, too."""
    tell(launch, "three", "failed", why="in an earlier launch, while the clock was ahead")
    path = launch.parent.parent / "three" / STATUS
    write_json(path, json.loads(path.read_text()) | {"time": time.time() + 3600})
    plan = json.loads((launch / PLAN).read_text())
    write_json(launch / PLAN, plan | {"time": time.time() - 3600 * hours})
    board = Board(launch)
    assert board.poll() == {}
    monkeypatch.setenv(VARIABLE, str(launch))
    for task in (".stages/original/aa", "one", "two", "three"):
        tell(launch, task, "done")
    board.poll()
    assert board.line(0) == "demo: 4 of 5 jobs done, 1 skipped"


def test_the_pace_is_no_matter_of_the_clock(launch, monkeypatch):
    """Two hours back in mid-wave: the time that is left stays what it was."""
    console = Console(file=io.StringIO(), force_terminal=True)
    live = Live(launch, console)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setenv(VARIABLE, str(launch))
    tell(launch, "one", "done")
    live.look()
    assert 0 <= time.monotonic() - live.began < 3600
    assert live.board.waves[1].seconds_left(30) == 60


def test_the_last_launch_is_the_one_that_was_begun_last(launch, tmp_path, monkeypatch):
    """Whatever times the files have: the clock may have been put back between two launches."""
    sweep = launch.parent.parent
    with launched(sweep, json.loads((launch / PLAN).read_text())) as later:
        pass
    os.utime(later / PLAN, (1, 1))
    assert latest_launch(sweep, tmp_path) == later
    other = tmp_path / "other"
    with launched(other, json.loads((launch / PLAN).read_text())) as running:
        os.utime(running / PLAN, (0, 0))
        assert latest_launch(None, tmp_path) == running
    (sweep / LAST).write_text("nothing")
    assert latest_launch(sweep, tmp_path) == launch


def test_a_sweep_that_never_was_is_refused(tmp_path, capsys):
    with pytest.raises(UserError, match="No sweep was launched in"):
        latest_launch(None, tmp_path)
    assert main(["status", "nosuch", "--runs", str(tmp_path)]) == 1
    assert "No sweep was launched in nosuch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (5_300, "88 min"), (12_000, "3 h 20 min")]
)
def test_times_are_for_people(seconds, text):
    assert duration(seconds) == text


def test_words_of_others_are_printed_and_not_acted_on(launch):
    plan = json.loads((launch / PLAN).read_text())
    write_json(launch / PLAN, plan | {"sweep": "\x1b[2J[/x]", "command": "a\nb", "announcement": "\x9b1m"})
    tell(launch, "two", "failed", why="ValueError: \x1b]0;t\x07\nmore")
    text = report(launch)
    assert all(line.isprintable() for line in text.splitlines())
    assert text.startswith(r"\x1b[2J[/x]: running since")
    assert r"ValueError: \x1b]0;t\x07" in text


@pytest.mark.parametrize(
    "changed",
    [
        {"waves": None},
        {"waves": [{"name": "x"}]},
        {"time": "soon"},
        {"time": 1e300},
        {"pid": 10**30},
        {"host": ["x"]},
        {"known": {"finished": "x", "skipped": 0, "failed": 0}},
        {"ended": "x"},
    ],
)
def test_a_plan_of_another_shape_is_the_users_error(launch, changed):
    write_json(launch / PLAN, json.loads((launch / PLAN).read_text()) | changed)
    with pytest.raises(UserError, match=f"{PLAN} is no plan of a sweep: {next(iter(changed))}"):
        report(launch)


@pytest.mark.parametrize("time", ["soon", None, [1]])
def test_a_status_without_a_time_has_not_ended_in_this_launch(launch, time):
    write_json(launch.parent.parent / "two" / STATUS, {"status": "done", "time": time})
    assert "verdicts       0 of 3" in report(launch)
