"""Folders of runs and CSVs of a stranger: each run is done, or failed and says why; a table of them is printed."""

import csv
import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.damage import BOUNDED, JSON_VALUES, OVERHEAD, damaged, replaced, words_or_result
from tests.report.made import RESULT, judged
from unlearnleak.machine.process import host
from unlearnleak.runs.frame import load
from unlearnleak.runs.launch import LAST
from unlearnleak.runs.loading import load_runs, to_csv
from unlearnleak.runs.recorded import LARGEST, recorded, setting
from unlearnleak.runs.status import MOST_BYTES, read_json
from unlearnleak.sweep import board
from unlearnleak.sweep.slurm.queue import Listed
from unlearnleak.sweep.slurm.record import known

KEYS = {"key_evidence": "ab12", "seconds_evidence": 1.5, "memory_mib_evidence": 3.0, "made_with_evidence": {"a": "b"}}
WHOLE = RESULT | judged([3], [3]) | KEYS | {"image_shape": [1, 8, 8], "revision": "abc", "job": "0123", "attack": "=a"}
STATUS = {"status": "done", "time": 1.0, "host": host(), "pid": 1, "began": 3, "why": None, "traceback": "a\nb"}
PLAN = {
    "sweep": "demo",
    "command": "unlearnleak -m",
    "announcement": "jobs 2",
    "time": 1.0,
    "host": "here",
    "pid": 3,
    "jobs": 2,
    "known": {"finished": 1, "skipped": 0, "failed": 0},
    "waves": [{"name": "jobs", "stored": 0, "jobs": True, "tasks": ["a"]}],
}


def placed(folder, status: bytes, result: bytes):
    folder.mkdir(exist_ok=True)
    (folder / "status.json").write_bytes(status)
    (folder / "result.json").write_bytes(result)
    return folder


def read_everywhere(path):
    """As reports, notebooks and spreadsheets do; nothing of it may raise."""
    runs = load_runs([path])
    load([path])
    to_csv(runs, io.StringIO())
    return runs


@BOUNDED
@given(replaced(WHOLE))
def test_a_result_that_was_made_up_is_used_or_says_what_is_wrong(tmp_path, result):
    place = placed(tmp_path / "run", json.dumps(STATUS).encode(), json.dumps(result).encode())
    (run,) = read_everywhere(place)
    assert run["status"] == "done" or run["why"].startswith("result.json ")


@BOUNDED
@given(replaced(STATUS))
def test_a_status_that_was_made_up_is_one_or_failed(tmp_path, status):
    place = placed(tmp_path / "run", json.dumps(status).encode(), json.dumps(WHOLE).encode())
    (run,) = read_everywhere(place)
    assert isinstance(run["status"], str)


@BOUNDED
@given(damaged(json.dumps(STATUS).encode()), damaged(json.dumps(WHOLE).encode()))
def test_damaged_files_of_a_run_are_failed_runs(tmp_path, status, result):
    (run,) = read_everywhere(placed(tmp_path / "run", status, result))
    assert run["status"] != "done" or run["asr"] <= 1


def rows(*changed):
    text = io.StringIO()
    to_csv([WHOLE | {"status": "done", "why": None, "directory": "x"} | more for more in changed], text)
    return text.getvalue().encode()


ROW = next(csv.DictReader(io.StringIO(rows({}).decode())))


@BOUNDED
@given(damaged(rows({}, {"dataset": "=1+1", "settings": "5e7"})))
def test_a_damaged_csv_is_read_or_refused_with_its_line(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    _, peak = words_or_result(lambda: read_everywhere(path))
    assert peak < 40 * len(content) + OVERHEAD


@BOUNDED
@given(st.sampled_from(sorted(ROW)), st.text(max_size=12) | JSON_VALUES.map(str) | st.just("9" * 400))
def test_a_cell_that_was_made_up_is(tmp_path, name, cell):
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        writer = csv.DictWriter(file, ROW)
        writer.writeheader()
        writer.writerow(ROW | {name: cell})
    words_or_result(lambda: read_everywhere(path))


@BOUNDED
@given(replaced(PLAN))
def test_a_plan_that_was_made_up_is_told_of_or_refused(tmp_path, plan):
    folder = tmp_path / "demo" / ".launches" / "one"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))

    def told():
        return board.report(board.latest_launch(tmp_path / "demo", tmp_path))

    found, _ = words_or_result(told)
    assert found is None or found.replace("\n", "").isprintable()


@BOUNDED
@given(replaced(PLAN | {"host": host(), "pid": os.getpid(), "began": 0}))
def test_a_plan_that_claims_to_run_here_is(tmp_path, plan):
    folder = tmp_path / "demo" / ".launches"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "plan.json").write_text(json.dumps(plan))
    words_or_result(lambda: board.latest_launch(None, tmp_path))


@pytest.mark.parametrize("kind", ["pipe", "device", "endless", "no text", "another folder"])
def test_the_name_of_the_last_launch_may_be_anything(tmp_path, kind):
    folder = tmp_path / "demo" / ".launches" / "one"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(PLAN))
    last = tmp_path / "demo" / LAST
    if kind == "pipe":
        os.mkfifo(last)
    elif kind == "device":
        last.symlink_to("/dev/zero")
    else:
        contents = {"endless": b"x" * 2**24, "no text": b"\xff\0", "another folder": b"../../../two"}
        last.write_bytes(contents[kind])
    assert board.latest_launch(tmp_path / "demo", tmp_path) == folder


@BOUNDED
@given(replaced({"folder": "/tmp/x", "jobs": ["a", "b"], "time": 1.0}))
def test_a_record_of_a_job_array_that_was_made_up_is_left_out(tmp_path, record):
    (tmp_path / ".slurm").mkdir(exist_ok=True)
    path = tmp_path / ".slurm" / "u-1.json"
    path.write_text(json.dumps(record))
    assert known(tmp_path, [Listed("12_7", "RUNNING", "", "u-1")]) == {}


@BOUNDED
@given(damaged(b"seed: 1\nseeds:\n  data: ${seed}\nunlearner: {lr: 0.1, name: [rt, '*']}\n"))
def test_a_damaged_config_has_settings_or_none(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    config = recorded(path)
    assert setting(config, "seeds.data") is None or setting(config, "seeds.data") is not config


@pytest.mark.parametrize(
    "content",
    [
        b"a: &a [1]\nb: [*a, *a]",
        b"[" * 60 + b"]" * 60,
        b"x: !!python/object/apply:os.system [ls]",
        b"a" * (LARGEST + 1),
    ],
    ids=["aliases", "deep", "code", "long"],
)
def test_a_config_that_unfolds_or_runs_is_none(tmp_path, content):
    (tmp_path / "config.yaml").write_bytes(content)
    assert recorded(tmp_path / "config.yaml") is None


def test_a_file_without_end_is_no_json(tmp_path):
    with (tmp_path / "result.json").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    found, peak = words_or_result(lambda: read_json(tmp_path / "result.json"))
    assert found is None
    assert peak < OVERHEAD


def test_a_csv_that_memory_cannot_hold_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(rows({}))
    monkeypatch.setattr("unlearnleak.runs.rows.free_memory", lambda: 1000)
    found, _ = words_or_result(lambda: load_runs([path]))
    assert found is None


def test_the_sound_ones_are_read(tmp_path):
    (run,) = read_everywhere(placed(tmp_path / "run", json.dumps(STATUS).encode(), json.dumps(WHOLE).encode()))
    assert run["status"] == "done"
    (tmp_path / "a.csv").write_bytes(rows({}))
    (run,) = read_everywhere(tmp_path / "a.csv")
    assert run["attack"] == "=a"
