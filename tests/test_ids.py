"""The names of tests: workers that share a suite find the same ones, and a failure keeps its name from run to run."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def collecting(folder: Path, seed: str) -> "subprocess.Popen[str]":
    """A process that collects the whole suite, with hashes, a home and a place for temporary files of its own."""
    folder.mkdir()
    own = {"PYTHONHASHSEED": seed, "HOME": str(folder), "TMPDIR": str(folder), "COLUMNS": str(40 * int(seed))}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_no_name_tells_of_this_machine_or_of_an_objects_place(request):
    """Of the tests of this session; workers that share a suite end at once where they find different ones."""
    names = [item.nodeid for item in request.session.items]
    places = [str(ROOT), tempfile.gettempdir()]
    assert not [name for name in names if any(place in name for place in places) or re.search("0x[0-9a-f]{6,}", name)]


@pytest.mark.long
def test_every_collection_gives_the_same_tests_in_the_same_order(tmp_path):
    processes = [collecting(tmp_path / seed, seed) for seed in ("1", "2")]  # at once: each takes some seconds
    found = [process.communicate()[0].splitlines()[:-1] for process in processes]  # the last line holds a time
    names, again = ([line for line in lines if "::" in line] for lines in found)
    assert len(names) > 1000
    assert names == again
    assert not [name for name in names if str(ROOT) in name]
