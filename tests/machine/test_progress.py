"""The bars are tried in a process of their own, whose standard error is a terminal or a file."""

import os
import pty
import re
import subprocess
import sys
import termios

import pytest

SCRIPT = {
    "progress": "from unlearnleak.machine.progress import progress\n"
    "assert list(progress(range(3), label='Heads', unit='head')) == [0, 1, 2]",
    "meter": "from unlearnleak.machine.progress import meter\n"
    "bar = meter(label='Heads', total=3, unit='head')\n"
    "[bar.update() for _ in range(3)]\n"
    "bar.close()",
}


def on_a_terminal(script: str) -> str:
    """What the script writes to standard error, where that is a terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen([sys.executable, "-c", script], stderr=theirs)
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the way in which Linux says that the other end is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert process.wait() == 0, written.decode()
    return written.decode()


@pytest.mark.parametrize("kind", SCRIPT)
def test_on_a_terminal_a_bar_is_drawn_and_goes_away(kind):
    written = on_a_terminal(SCRIPT[kind])
    assert re.search(r"Heads:\s+0%.*0/3", written)
    assert "\n" not in written
    assert not written.split("\r")[-1].strip()  # the last thing written is a blank line over the bar
    assert not written.split("\r")[-2].strip()


@pytest.mark.parametrize("kind", SCRIPT)
def test_in_a_file_nothing_is_written(kind, tmp_path):
    with tmp_path.joinpath("log").open("w") as log:
        subprocess.run([sys.executable, "-c", SCRIPT[kind]], check=True, stderr=log, stdout=log)
    assert not tmp_path.joinpath("log").read_text()
