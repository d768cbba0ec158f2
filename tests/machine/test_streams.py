"""Commands whose standard streams are closed, not read to the end, or on a full disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
COMMAND = """
import logging, os, subprocess, sys
from unlearnleak.machine import streams
streams.guard_streams()
opened = os.open(os.devnull, os.O_RDONLY)
child = subprocess.run([sys.executable, "-c", "import sys; sys.exit(None in (sys.stdin, sys.stdout, sys.stderr))"])
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
for number in range(5000):
    print("some words")
    logging.info("more words")
    print("a warning", file=sys.stderr)
sys.stdout.flush()
assert (opened > 2, child.returncode) == (True, 0)
open(sys.argv[1], "w").write(repr(streams.failure()))
sys.exit(7)
"""


def shell(end: str, folder: Path) -> tuple[int, list[str], str]:
    """Exit status, what came out (standard error included unless `end` says otherwise), and what had failed."""
    line = f'set -o pipefail; "$0" -c "$COMMAND" "$1" {end}'
    environment = os.environ | {"COMMAND": COMMAND, "PYTHONPATH": str(ROOT)}
    words = ["bash", "-c", line, sys.executable, str(folder / "failed")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
    return done.returncode, (done.stdout + done.stderr).splitlines(), (folder / "failed").read_text()


@pytest.mark.parametrize("end", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_costs_its_own_words_only(tmp_path, end):
    code, words, failed = shell(end, tmp_path)
    assert (code, failed) == (7, "None")
    assert len(words) == 5000 * (2 * (">&-" not in end.split()) + ("2>&-" not in end.split()))


@pytest.mark.parametrize("end", ["2>&1 | head -1", "2>/dev/null | head -1", "2> >(head -1 >&2) >/dev/null"])
def test_a_reader_that_goes_away_leaves_no_trace(tmp_path, end):
    code, words, failed = shell(end, tmp_path)
    assert (code, failed) == (7, "None")
    assert len(words) == 1


def test_a_full_disk_is_told_once(tmp_path):
    code, words, failed = shell(">/dev/full", tmp_path)
    assert (code, failed) == (7, "'standard output cannot be written: No space left on device'")
    assert [word for word in words if word != "a warning"] == [
        "Warning: standard output cannot be written: No space left on device"
    ]


@pytest.mark.parametrize(
    ("command", "end", "code"),
    [
        *(("table --help", end, code) for end, code in ((">/dev/full", 1), (">&-", 0), ("| head -0", 0))),
        *((command, ">/dev/full", 1) for command in ("--version", "--cfg job", "dry_run=true logger=none")),
        ("--help", ">/dev/full", 1),
    ],
)
def test_output_that_is_all_there_is_and_is_lost_is_a_failure(tmp_path, command, end, code):
    words = ["bash", "-c", f'set -o pipefail; "$0" -m unlearnleak.run {command} {end}', sys.executable]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
