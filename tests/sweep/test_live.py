"""What the launching terminal shows of a sweep whose names try to be more than text."""

import io
import os
import time

import pytest
from rich.console import Console

from unlearnleak.machine.process import began, host
from unlearnleak.runs.launch import LAUNCHES, PLAN
from unlearnleak.runs.status import mark, write_json
from unlearnleak.sweep.live import LOG, Live

HARD = "x[/y][lenet]\x1b[2J"
SHOWN = r"x[/y][lenet]\x1b[2J"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def launch(tmp_path):
    """A launch of one job; every word in it is hard."""
    folder = tmp_path / "demo" / LAUNCHES / "1"
    plan = {"sweep": HARD, "command": HARD, "announcement": HARD, "time": time.time() - 60, "host": host()}
    plan |= {"pid": os.getpid(), "began": began(os.getpid()), "slots": 1, "jobs": 1}
    plan |= {"known": {"finished": 0, "skipped": 0, "failed": 0}}
    plan |= {"waves": [{"name": HARD, "stored": 0, "jobs": True, "tasks": ["[job]"]}]}
    write_json(folder / PLAN, plan)
    return folder


def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=200, color_system=None)


def test_names_are_shown_as_they_are_and_move_no_cursor(launch):
    console = terminal()
    with Live(launch, console) as live:
        live.wave_begins(HARD)
        mark(launch.parent.parent / "[job]", "failed", why=f"ValueError: {HARD}\nmore")
    said = console.file.getvalue()
    assert f"{SHOWN}: 1 to compute" in said
    assert f"failed: [job]: ValueError: {SHOWN}" in said
    assert f"{SHOWN}: 0 of 1 jobs done, 1 failed" in said
    assert "\x1b[2J" not in said
    assert "\x1b[2J" not in (launch / LOG).read_text()
    assert said.rindex(SHOW) > said.rindex(HIDE)


def test_the_cursor_comes_back_also_after_an_error(launch, monkeypatch):
    console = terminal()
    live = Live(launch, console)

    def broken() -> None:
        raise OSError("the disk is gone")

    def enter() -> None:
        with live:
            monkeypatch.setattr(live, "look", broken)

    with pytest.raises(OSError, match="the disk is gone"):
        enter()
    assert console.file.getvalue().rindex(SHOW) > console.file.getvalue().rindex(HIDE)
