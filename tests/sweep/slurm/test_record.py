"""Records of arrays: what the next launch takes up."""

import json

import pytest

from unlearnleak.sweep.slurm import record as slurm_record
from unlearnleak.sweep.slurm.queue import Listed
from unlearnleak.sweep.slurm.record import any_in, keys_of, known, write


def in_queue(array, *indices, alone=False):
    ids = ["12"] if alone else [f"12_{index}" for index in indices]
    return [Listed(job_id, "PENDING", "None", array.name) for job_id in ids]


def submitted(array, *job_ids):
    array.folder.mkdir(exist_ok=True)
    for job_id in job_ids:
        (array.folder / f"{job_id}_submitted.pkl").touch()


def test_a_job_is_named_by_its_folder_where_that_tells_it_apart():
    a, b = ["x=1", "hydra.sweep.subdir='.stages/a'"], ["x=2", "hydra.sweep.subdir='.stages/b'"]
    assert len(set(keys_of([a, b]))) == 2
    assert keys_of([a, b])[0] == keys_of([["x=3", a[1]], b])[0]
    assert keys_of([["x=1", "y=2"], ["x=2"]]) == ["x=1 y=2", "x=2"]
    assert keys_of([["y=2", "x=1"], ["x=2"]]) == ["x=1 y=2", "x=2"]  # whatever the order
    same = "hydra.sweep.subdir=${x}"
    assert len(set(keys_of([["x=1", same], ["x=2", same]]))) == 2


def test_what_is_in_the_queue_is_found_by_its_array_and_place(tmp_path):
    assert not any_in(tmp_path)
    first = write(tmp_path, "u", tmp_path / "files", ["a", "b", "c"])
    other = write(tmp_path, "u", tmp_path / "files", ["d"])
    assert first.name != other.name
    assert any_in(tmp_path)
    submitted(first, "12_0", "12_1", "12_2")
    found = known(tmp_path, in_queue(first, 0, 2))
    assert {key: (job.job_id, job.array) for key, job in found.items()} == {"a": ("12_0", first), "c": ("12_2", first)}
    submitted(other, "12")
    assert {key: job.job_id for key, job in known(tmp_path, in_queue(other, alone=True)).items()} == {"d": "12"}


def test_another_sweeps_jobs_and_other_peoples_are_not_taken_up(tmp_path):
    ours, theirs = write(tmp_path / "a", "u", tmp_path, ["x"]), write(tmp_path / "b", "u", tmp_path, ["x"])
    submitted(ours, "12_0")
    assert known(tmp_path / "a", [*in_queue(theirs, 0), Listed("13", "RUNNING", "None", "u")]) == {}


def test_a_job_whose_file_never_came_is_not_taken_up(tmp_path):
    """The launching process was killed between sbatch and the renaming of the files."""
    array = write(tmp_path, "u", tmp_path / "files", ["a", "b"])
    submitted(array, "12_1")
    assert set(known(tmp_path, in_queue(array, 0, 1))) == {"b"}


@pytest.mark.parametrize(("age", "queued", "kept"), [(0, False, True), (5000, False, False), (5000, True, True)])
def test_an_old_record_is_removed_once_its_array_is_gone(tmp_path, monkeypatch, age, queued, kept):
    array = write(tmp_path, "u", tmp_path, ["a"])
    now = slurm_record.time.time()
    monkeypatch.setattr(slurm_record.time, "time", lambda: now + age)
    known(tmp_path, in_queue(array, 0) if queued else [])
    assert any_in(tmp_path) == kept


def test_a_record_cut_short_is_nothing(tmp_path):
    array = write(tmp_path, "u", tmp_path, ["a"])
    path = tmp_path / ".slurm" / f"{array.name}.json"
    path.write_text(path.read_text()[:20])
    assert known(tmp_path, in_queue(array, 0)) == {}


def test_a_record_is_whole_or_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(json, "dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(tmp_path, "u", tmp_path, ["a"])
    assert not any_in(tmp_path)
    assert not list(tmp_path.glob(".slurm/*"))
