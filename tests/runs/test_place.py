"""A run's folder: nobody's result is overwritten in it, and no run is hidden by another."""

import json
import logging
import os
import shutil
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from omegaconf import OmegaConf

from tests.jobs import composed, images, overrides_in, write_npz
from tests.sweep.direct import sweep
from unlearnleak.errors import UserError
from unlearnleak.pipeline import evaluate as evaluation
from unlearnleak.pipeline.job import run_job
from unlearnleak.runs import place
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.place import check_place, in_use, keep_earlier
from unlearnleak.runs.status import RESULT, STATUS, mark, read_json, read_result, read_status, write_result
from unlearnleak.store import held
from unlearnleak.sweep.waves import dry_run_summary

HYDRA = OmegaConf.create(
    {"overrides": {"task": ["unlearner=ft"]}, "runtime": {"cwd": "/here", "choices": {}, "config_sources": []}}
)
QUICK = ("unlearner=ft", "attack=head_sum")


def job(folder, *words, run="run"):
    return run_job(composed(*overrides_in(folder, *QUICK, *words)), folder / "runs" / run, sweep=False, hydra=HYDRA)


def kept_in(runs):
    return sorted((runs / ".earlier").iterdir())


def changed_images(folder):
    write_npz(folder / "images.npz", train_images=images()["train_images"] // 2)


def test_the_result_of_a_file_that_has_changed_is_kept(tmp_path, caplog):
    first = job(tmp_path)
    log = (tmp_path / "runs" / "run" / "run.log").exists()
    changed_images(tmp_path)
    second = job(tmp_path)
    assert first["key_original"] != second["key_original"]
    assert read_result(tmp_path / "runs" / "run" / RESULT) == json.loads(json.dumps(second))
    (kept,) = kept_in(tmp_path / "runs")
    assert read_result(kept / RESULT) == json.loads(json.dumps(first))
    assert (read_status(kept)["status"], (kept / "run.log").exists()) == ("done", log)
    (line,) = [record.getMessage() for record in caplog.records if "held another result" in record.getMessage()]
    assert str(kept) in line
    assert [run["digest"] for run in load_runs([tmp_path / "runs"])] == [second["digest"]]  # counted once
    assert [run["digest"] for run in load_runs([kept])] == [first["digest"]]  # found where it is named
    assert job(tmp_path)["digest"] == second["digest"]
    assert kept_in(tmp_path / "runs") == [kept]


def test_the_configuration_goes_with_its_result(tmp_path):
    job(tmp_path)
    job(tmp_path, "forget_classes=[1]")
    (kept,) = kept_in(tmp_path / "runs")
    classes = [OmegaConf.load(run / ".hydra" / "config.yaml").forget_classes for run in (kept, tmp_path / "runs/run")]
    assert classes == [[3], [1]]
    assert OmegaConf.load(kept / ".hydra" / "overrides.yaml") == ["unlearner=ft"]
    assert OmegaConf.load(kept / ".hydra" / "hydra.yaml").hydra.runtime.cwd == "/here"


def test_a_job_that_cannot_be_planned_changes_nothing(tmp_path):
    job(tmp_path)
    files = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    with pytest.raises(UserError):
        job(tmp_path, "seeds.data=-1")
    assert {path: path.read_bytes() for path in files if path.name != "run.log"} == {
        path: content for path, content in files.items() if path.name != "run.log"
    }


def test_two_at_once_keep_their_configurations_apart(tmp_path, monkeypatch):
    """The second one of another job comes while the first one computes, and waits for its end."""
    evaluate, late = evaluation.evaluate_run, []

    def meanwhile(pipeline):
        if not late:
            late.append(Thread(target=job, args=(tmp_path, "forget_classes=[1]")))
            late[0].start()
            late[0].join(1)
        return evaluate(pipeline)

    monkeypatch.setattr("unlearnleak.pipeline.job.evaluate_run", meanwhile)
    job(tmp_path)
    late[0].join()
    (kept,) = kept_in(tmp_path / "runs")
    for run, classes in ((kept, [3]), (tmp_path / "runs" / "run", [1])):
        assert OmegaConf.load(run / ".hydra" / "config.yaml").forget_classes == classes
        assert read_result(run / RESULT)["forget_classes"] == classes


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [(), ("until=original",), ("seeds.data=-1",), ("screening=entropy",)],
    ids=["result", "stage", "bad", "misfit"],
)
def test_nothing_is_written_but_by_who_has_the_folder_to_itself(tmp_path, monkeypatch, words):
    """Another job that takes the folder before or after may be at any point in there, as keep_earlier between moves."""
    folder, seen = tmp_path / "runs" / "run", []

    @contextmanager
    def looked_at(path, **how):
        assert files_of(folder) == {}
        try:
            with held(path, **how):
                yield
        finally:
            (folder / ".hydra").rename(folder / "moved")
            seen.append(files_of(folder))

    monkeypatch.setattr("unlearnleak.pipeline.job.held", looked_at)
    with suppress(UserError):
        job(tmp_path, *words)
    assert [files_of(folder)] == seen


def test_a_job_that_cannot_be_planned_leaves_no_store(tmp_path):
    with pytest.raises(UserError):
        job(tmp_path, "seeds.data=-1")
    assert not (tmp_path / "store").exists()
    assert read_status(tmp_path / "runs" / "run")["status"] == "failed"


def test_a_job_that_cannot_be_planned_does_not_speak_for_one_that_runs(tmp_path, monkeypatch):
    """It waits, and then says of its own: the first one's words and configuration lie with its result by then."""
    evaluate, late, said = evaluation.evaluate_run, [], []

    def fail():
        with pytest.raises(UserError):
            job(tmp_path, "seeds.data=-1")

    def meanwhile(pipeline):
        late.append(Thread(target=fail))
        late[0].start()
        late[0].join(1)
        said.append((read_status(tmp_path / "runs" / "run")["status"], late[0].is_alive()))
        return evaluate(pipeline)

    monkeypatch.setattr("unlearnleak.pipeline.job.evaluate_run", meanwhile)
    job(tmp_path)
    late[0].join()
    run = tmp_path / "runs" / "run"
    assert said == [("running", True)]
    assert read_status(run)["status"] == "done"
    assert OmegaConf.load(run / ".hydra" / "config.yaml").seeds.data != -1


def test_a_job_that_ends_while_somebody_looks_is_in_use(tmp_path, monkeypatch):
    lexists = os.path.lexists
    mark(tmp_path, "running")

    def then_ends(path):  # as another process may, between two looks
        found = lexists(path)
        write_result(tmp_path / RESULT, {})
        mark(tmp_path, "done")
        return found

    monkeypatch.setattr(os.path, "lexists", then_ends)
    assert in_use(tmp_path)


def test_a_folder_that_is_removed_in_mid_run_is_made_again(tmp_path, monkeypatch):
    evaluate = evaluation.evaluate_run

    def meanwhile(pipeline):
        shutil.rmtree(tmp_path / "runs")
        shutil.rmtree(tmp_path / "store" / ".locks")
        return evaluate(pipeline)

    monkeypatch.setattr("unlearnleak.pipeline.job.evaluate_run", meanwhile)
    result = job(tmp_path)
    run = tmp_path / "runs" / "run"
    assert read_result(run / RESULT)["digest"] == result["digest"]
    assert read_status(run)["status"] == "done"
    assert OmegaConf.load(run / ".hydra" / "config.yaml").forget_classes == [3]


@pytest.mark.parametrize("words", [(), ("runtime.threads=2",)], ids=str)
def test_the_same_job_is_no_other(tmp_path, words):
    first = job(tmp_path)
    assert job(tmp_path, *words)["digest"] == first["digest"]
    assert os.listdir(tmp_path / "runs") == ["run"]  # noqa: PTH208


def test_a_job_that_leaves_no_result_does_not_pass_for_one(tmp_path):
    job(tmp_path)
    job(tmp_path, "until=original")
    assert not (tmp_path / "runs" / "run" / RESULT).exists()
    assert len(kept_in(tmp_path / "runs")) == 1


def test_in_a_sweep_too(tmp_path, caplog):
    sweep(tmp_path, *QUICK, "forget_classes=[1],[2]")
    before = {run["digest"] for run in load_runs([tmp_path / "runs"])}
    changed_images(tmp_path)
    assert "other results" not in caplog.text
    sweep(tmp_path, *QUICK, "forget_classes=[1],[2]")
    assert "2 runs hold other results" in caplog.text  # the jobs' own words are in their logs
    after = {run["digest"] for run in load_runs([tmp_path / "runs"])}
    kept = load_runs([tmp_path / "runs" / "adhoc" / ".earlier"])
    assert (len(before), len(after), before & after) == (2, 2, set())
    assert {run["digest"] for run in kept} == before
    assert {run["status"] for run in kept} == {"done"}  # though the sweep had called it queued


# What lies where


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs" / "run"
    (folder / ".hydra").mkdir(parents=True)
    for name in ("run.log", ".hydra/config.yaml", "notes.txt"):
        (folder / name).write_text("first")
    mark(folder, "queued")
    write_result(folder / RESULT, {"identity": {"keys": ["a"], "logger": 1}})
    return folder


@pytest.mark.parametrize("identity", [{"keys": ["a"], "logger": 2}, {"logger": 1, "keys": ["a"]}], ids=str)
def test_where_it_is_logged_makes_no_other_job(run, identity):
    assert keep_earlier(run, identity) is None
    assert (run / RESULT).exists()


def test_what_is_the_runs_own_moves_and_the_rest_stays(run):
    kept = keep_earlier(run, {"keys": ["b"]})
    assert sorted(path.name for path in kept.iterdir()) == [".hydra", RESULT, "run.log", STATUS]
    assert [path.name for path in run.iterdir()] == ["notes.txt"]
    assert read_json(kept / STATUS)["status"] == "done"
    assert read_json(kept / STATUS)["time"] == (kept / RESULT).stat().st_mtime


@pytest.mark.parametrize("content", ["", '{"identity": {"keys": ["a"]}, "digest": "0"}', "folder", "link"])
def test_a_result_that_is_not_whole_is_kept_as_well(run, content):
    (run / RESULT).unlink()
    if content == "folder":
        (run / RESULT / "inside").mkdir(parents=True)
    elif content == "link":
        (run / RESULT).symlink_to(run / RESULT)
    else:
        (run / RESULT).write_text(content)
    kept = keep_earlier(run, {"keys": ["a"]})
    assert os.path.lexists(kept / RESULT)
    assert not os.path.lexists(run / RESULT)
    assert read_json(kept / STATUS)["status"] == "queued"


def test_two_results_of_one_second_are_both_kept(run):
    first = keep_earlier(run, None)
    write_result(run / RESULT, {"identity": 2})
    os.utime(run / RESULT, ((first / RESULT).stat().st_mtime,) * 2)
    second = keep_earlier(run, None)
    assert first != second
    assert [read_result(kept / RESULT)["identity"] for kept in (first, second)] == [{"keys": ["a"], "logger": 1}, 2]


@pytest.mark.parametrize("moves", range(4))
def test_killed_half_way_it_goes_on(run, monkeypatch, moves):
    rename, done = Path.rename, []

    def killed(path, target):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(path.name)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        keep_earlier(run, None)
    monkeypatch.undo()
    assert (run / RESULT).exists()
    mark(run, "queued")  # by the next launch
    kept = keep_earlier(run, None)
    assert sorted(path.name for path in kept.iterdir()) == [".hydra", RESULT, "run.log", STATUS]
    assert read_json(kept / STATUS)["status"] == "done"
    assert (kept / "run.log").read_text() == "first"


def test_a_log_that_is_open_goes_on_at_its_place(run, caplog):
    handler = logging.FileHandler(run / "run.log", delay=True)
    logging.getLogger().addHandler(handler)
    try:
        logging.getLogger().warning("before")
        kept = keep_earlier(run, None)
        logging.getLogger().warning("after")
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert (kept / "run.log").read_text() == "firstbefore\n"
    assert (run / "run.log").read_text().endswith("after\n")


def test_a_folder_of_runs_is_no_run_and_a_run_holds_none(tmp_path):
    mark(tmp_path / "runs" / "sweep" / "one", "running")
    check_place(tmp_path / "runs" / "sweep" / "one")
    check_place(tmp_path / "runs" / "sweep" / "two")
    for folder in (tmp_path / "runs" / "sweep", tmp_path / "runs"):
        with pytest.raises(UserError, match=r"holds runs, such as .*one.* hydra\.run\.dir"):
            check_place(folder)
    for folder in ("one/inner", "one/inner/deeper"):
        with pytest.raises(UserError, match=r"lies in the folder of a run, .*one"):
            check_place(tmp_path / "runs" / "sweep" / folder)


def test_what_only_looks_like_a_run_hides_nothing(tmp_path):
    (tmp_path / STATUS).write_text('{"status": "of another program"}')
    check_place(tmp_path / "runs" / "run")
    mark(tmp_path / "runs" / "sweep" / ".earlier" / "one", "done")
    check_place(tmp_path / "runs" / "sweep")


@pytest.mark.parametrize("dry", [True, False])
def test_a_job_in_the_folder_of_a_sweep_is_refused_and_leaves_nothing_there(tmp_path, dry):
    job(tmp_path, run="adhoc/one")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    run = dry_run_summary if dry else partial(run_job, sweep=False, hydra=HYDRA)
    with pytest.raises(UserError, match="holds runs"):
        run(composed(*overrides_in(tmp_path, *QUICK)), tmp_path / "runs" / "adhoc")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
    assert len(load_runs([tmp_path / "runs"])) == 1


def test_a_sweep_inside_a_run_is_refused(tmp_path):
    job(tmp_path, run="adhoc")
    with pytest.raises(UserError, match="lies in the folder of a run"):
        sweep(tmp_path, *QUICK, "forget_classes=[1],[2]")


def test_where_hydra_wrote_through_a_link_the_configuration_does_not(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    folder = tmp_path / ".hydra"
    folder.mkdir()
    (folder / "config.yaml").symlink_to(tmp_path / "theirs")
    place.record_config(tmp_path, OmegaConf.create({"a": 1}), HYDRA)
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert OmegaConf.load(folder / "config.yaml") == {"a": 1}


@pytest.mark.parametrize("log", [None, "", "a line"], ids=str)
def test_a_dry_run_leaves_no_folder(tmp_path, log):
    folder = tmp_path / "runs" / "sweep" / "run"
    folder.mkdir(parents=True)
    if log is not None:
        (folder / "run.log").write_text(log)
    place.leave_nothing(folder)
    assert not folder.parent.exists()
    assert (tmp_path / "runs").exists()


def test_a_dry_run_takes_no_other_run_away(tmp_path):
    job(tmp_path, run="sweep/one")
    before = files_of(tmp_path / "runs")
    place.leave_nothing(tmp_path / "runs" / "sweep" / "one")
    (tmp_path / "runs" / "sweep" / "two").mkdir()
    place.leave_nothing(tmp_path / "runs" / "sweep" / "two")
    assert files_of(tmp_path / "runs") == before
    assert os.listdir(tmp_path / "runs" / "sweep") == ["one"]  # noqa: PTH208
