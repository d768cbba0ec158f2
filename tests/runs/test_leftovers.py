"""What `clean` removes among runs, and which folders it refuses."""

import subprocess
import sys

import pytest

from unlearnleak.machine.process import host
from unlearnleak.runs.leftovers import remove_leftovers, why_no_runs, why_no_store
from unlearnleak.runs.status import RESULT, STATUS, mark, write_json

DEAD = f"@{host()}@1@1@{'0' * 16}.tmp"
"""The end of a name that a process left which had number 1 before the one that has it now."""


def test_half_written_files_of_killed_processes_are_removed_and_nothing_else(tmp_path):
    runs = tmp_path / "runs"
    code = (
        "import os, pathlib, sys; from unlearnleak.runs import status; "
        "pathlib.Path.replace = lambda *_: os._exit(9); status.mark(pathlib.Path(sys.argv[1]), 'running')"
    )
    subprocess.run([sys.executable, "-c", code, str(runs / "sweep" / "run")], check=False)
    assert why_no_runs(runs) == ""
    (left,) = [path for path in runs.rglob("*") if path.is_file()]
    names = [".mine.tmp", ".mine.json.tmp", f".notes{DEAD}", f"status.json{DEAD}", f"run/{RESULT}"]
    kept = [runs / "sweep" / name for name in names]
    for path in kept:
        path.write_text("{}")
    config = runs / "sweep" / "run" / ".hydra" / f".config.yaml{DEAD}"
    config.parent.mkdir()
    config.touch()
    removed = []
    remove_leftovers(runs, removed.append)
    assert removed == [left, config]
    assert sorted(path for path in runs.rglob("*") if path.is_file()) == sorted(kept)


def test_no_link_among_runs_is_followed(tmp_path):
    theirs, runs = tmp_path / "theirs", tmp_path / "runs"
    theirs.mkdir()
    for name in (f".status.json{DEAD}", "own"):
        (theirs / name).write_text("{}")
    mark(runs / "sweep" / "run", "done")
    (runs / "sweep" / "link").symlink_to(theirs)
    (runs / "sweep" / f".result.json{DEAD}").symlink_to(theirs / "own")
    (runs / "sweep" / f".plan.json{DEAD}").mkdir()
    removed = []
    remove_leftovers(runs, removed.append)
    assert removed == []
    (tmp_path / "named").symlink_to(theirs)
    remove_leftovers(tmp_path / "named", removed.append)  # whoever names a link means the folder
    assert removed == [tmp_path / "named" / f".status.json{DEAD}"]
    assert list(theirs.iterdir()) == [theirs / "own"]


@pytest.mark.parametrize("why_not", [why_no_store, why_no_runs])
def test_a_folder_of_something_else_is_named(tmp_path, why_not):
    assert "there is no such folder" in why_not(tmp_path / "mistyped")
    write_json(tmp_path / "theirs" / STATUS, {"status": "theirs"})
    why = why_not(tmp_path / "theirs")
    assert str(tmp_path / "theirs") in why
    assert "there is no such folder" not in why
