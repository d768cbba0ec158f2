import json
import os
import re
from pathlib import Path

import pytest

from tests.report.made import RESULT, write_run
from unlearnleak.errors import UserError
from unlearnleak.machine.process import host
from unlearnleak.runs.loading import flat, load_runs
from unlearnleak.runs.status import mark, write_result


def test_every_run_is_there_once_with_its_status_and_result(tmp_path, monkeypatch):
    write_run(tmp_path / "sweep" / "b", asr=0.5)
    write_run(tmp_path / "sweep" / "a")
    write_run(tmp_path / "sweep" / "c", "failed", "ValueError: no")
    write_run(tmp_path / "sweep" / "d", "skipped", "no pair")
    write_run(tmp_path / "sweep" / "e", "running")
    monkeypatch.chdir(tmp_path)
    runs = load_runs([tmp_path, tmp_path / "sweep" / "b", tmp_path / "sweep", type(tmp_path)("sweep")])
    assert [run["directory"].name for run in runs] == ["a", "b", "c", "d", "e"]
    assert [run["status"] for run in runs] == ["done", "done", "failed", "skipped", "running"]
    assert [run["why"] for run in runs] == [None, None, "ValueError: no", "no pair", None]
    assert {key: runs[1][key] for key in RESULT} == RESULT | {"asr": 0.5}
    assert all("asr" not in run for run in runs[2:])


def test_a_result_of_a_run_that_is_not_done_does_not_count(tmp_path):
    write_run(tmp_path / "a")
    (tmp_path / "a" / "status.json").write_text('{"status": "failed", "why": "later"}')
    (run,) = load_runs([tmp_path])
    assert run["status"] == "failed"
    assert "asr" not in run


@pytest.mark.parametrize("content", [None, "", '{"asr": 1'], ids=["missing", "empty", "half"])
def test_done_without_a_whole_result_is_failed(tmp_path, content):
    path = write_run(tmp_path / "a") / "result.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    (run,) = load_runs([tmp_path])
    assert (run["status"], run["why"]) == ("failed", "result.json is missing or not whole")


def test_a_run_that_was_told_to_stop_before_its_verdict_is_no_failure(tmp_path):
    place = write_run(tmp_path / "a")
    (place / "result.json").unlink()
    (place / "status.json").write_text('{"status": "done", "stage": "unlearned", "key": "4f"}')
    (run,) = load_runs([tmp_path])
    assert (run["status"], run["why"]) == ("skipped", "no verdict: it was told until=unlearned")


@pytest.mark.parametrize("content", ["", '{"status"', "{}", "[]", '{"time": 3}'])
def test_a_status_that_is_not_whole_is_failed(tmp_path, content):
    (write_run(tmp_path / "a") / "status.json").write_text(content)
    (run,) = load_runs([tmp_path])
    assert (run["status"], run["why"]) == ("failed", "status.json is not whole")


def test_folders_without_runs_are_named(tmp_path):
    with pytest.raises(UserError, match=r"No runs in .*Name folders"):
        load_runs([tmp_path])
    with pytest.raises(UserError, match=r"no folder .*nowhere.*Name folders"):
        load_runs([tmp_path, tmp_path / "nowhere"])


def test_folders_that_begin_with_a_dot_are_a_sweeps_own(tmp_path):
    write_run(tmp_path / "sweep" / "a")
    write_run(tmp_path / "sweep" / ".stages" / "b")
    write_run(tmp_path / "sweep" / ".launches" / "1" / "c")
    assert [run["directory"].name for run in load_runs([tmp_path])] == ["a"]


def test_a_run_inside_a_run_is_none(tmp_path):
    write_run(tmp_path / "a")
    write_run(tmp_path / "a" / "copy")
    assert [run["directory"].name for run in load_runs([tmp_path])] == ["a"]


def test_but_not_those_above_the_named_folder(tmp_path):
    write_run(tmp_path / ".home" / "sweep" / "a")
    assert len(load_runs([tmp_path / ".home" / "sweep"])) == 1


def test_half_written_temporaries_are_no_results(tmp_path):
    folder = write_run(tmp_path / "a", "running")
    (folder / ".result.json-0123").write_text('{"asr": 1.0}')
    (folder / ".status.json-0123").write_text('{"status": "done"}')
    (run,) = load_runs([tmp_path])
    assert run["status"] == "running"
    assert "asr" not in run


def test_a_result_that_was_altered_is_no_result(tmp_path):
    write_result(tmp_path / "run" / "result.json", RESULT | {"asr": 0.5})
    mark(tmp_path / "run", "done")
    assert load_runs([tmp_path])[0]["asr"] == 0.5
    path = tmp_path / "run" / "result.json"
    path.write_text(path.read_text().replace("0.5", "0.9"))
    (run,) = load_runs([tmp_path])
    assert (run["status"], run.get("asr")) == ("failed", None)
    assert "altered" in run["why"]


def test_a_result_without_a_digest_counts_and_is_unproven(tmp_path):
    write_run(tmp_path / "a")
    write_result(tmp_path / "b" / "result.json", RESULT)
    mark(tmp_path / "b", "done")
    assert [(run["status"], run.get("unproven")) for run in load_runs([tmp_path])] == [
        ("done", "no digest"),
        ("done", None),
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[1]", "result.json is missing or not whole"),
        ("[" * 100_000, "result.json is missing or not whole"),
        ('{"asr": ' + "9" * 5000 + "}", "result.json is missing or not whole"),
        (b"\xff\xfe", "result.json is missing or not whole"),
        ("{}", "result.json lacks dataset, model"),
        ('{"dataset": NaN}', "result.json lacks model, .*; dataset=nan: Input should be a valid string"),
    ],
)
def test_a_result_of_another_shape_is_a_failed_run(tmp_path, content, why):
    place = write_run(tmp_path / "a") / "result.json"
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    write_run(tmp_path / "b")
    odd, good = load_runs([tmp_path])
    assert (odd["status"], good["status"]) == ("failed", "done")
    assert re.match(why, odd["why"])


def test_a_verdict_without_a_truth_is_no_failure_and_no_number(tmp_path):
    nothing = dict.fromkeys(("asr", "asr_constant", "exact_match"))
    write_run(tmp_path / "a", gate="unknown", forgotten=[], verdict=[3], **nothing)
    write_run(tmp_path / "b", verdict=[3], **nothing)
    untold, lacking = load_runs([tmp_path])
    assert (untold["status"], untold["verdict"]) == ("skipped", [3])
    assert untold["why"].startswith("nobody says what was forgotten")
    assert (lacking["status"], lacking["why"]) == ("failed", "result.json lacks asr, asr_constant, exact_match")


@pytest.mark.parametrize("name", ["status.json", "result.json"])
@pytest.mark.parametrize("kind", ["pipe", "itself", "nowhere", "device", "folder"])
def test_what_is_no_file_is_not_read(tmp_path, name, kind):
    place = write_run(tmp_path / "a") / name
    place.unlink()
    targets = {"itself": place, "nowhere": tmp_path / "nowhere", "device": "/dev/zero"}
    os.mkfifo(place) if kind == "pipe" else place.mkdir() if kind == "folder" else place.symlink_to(targets[kind])
    write_run(tmp_path / "b")
    *odd, good = load_runs([tmp_path])
    assert [run["status"] for run in odd] == (["failed"] if (name, kind) != ("status.json", "folder") else [])
    assert good["status"] == "done"


@pytest.mark.parametrize(
    "more",
    [{}, {"pid": "x"}, {"pid": None}, {"pid": 10**30}, {"pid": -1}, {"pid": 1, "began": "x"}, {"host": ["x"]}],
)
def test_a_running_status_of_another_shape_is_read(tmp_path, more):
    folder = write_run(tmp_path / "a", "running")
    (folder / "status.json").write_text(json.dumps({"status": "running", "host": host(), "time": "soon"} | more))
    (run,) = load_runs([tmp_path])
    assert run["status"] == "running"


@pytest.mark.parametrize("status", [["done"], 3, None, {}])
def test_a_status_that_is_no_word_is_failed(tmp_path, status):
    (write_run(tmp_path / "a") / "status.json").write_text(json.dumps({"status": status}))
    assert load_runs([tmp_path])[0]["status"] == "failed"


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path, monkeypatch):
    write_run(tmp_path / "a")
    closed = tmp_path / "closed"
    closed.mkdir()
    scan = os.scandir

    def refuse(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr("unlearnleak.runs.loading.is_plain", lambda path: path.parent != closed and path.is_file())
    runs = load_runs([tmp_path])
    assert [(run["status"], run["directory"].name) for run in runs] == [("done", "a"), ("failed", "closed")]


def test_a_number_is_written_as_it_is_written_again_once_it_was_read():
    written = flat({"detection_score": -0.0, "asr": 0.25, "seconds": 1234567.8})
    assert written == {"detection_score": "0", "asr": "0.25", "seconds": "1234568"}
