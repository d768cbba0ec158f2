"""Several jobs on one GPU, as far as that goes without one: who gets a job when, and what the workers are told."""

import logging
import os
import re
from pathlib import Path

import pytest

from tests.patience import wait_until
from tests.sweep.pool.test_launcher import conf, launcher, no_words_from_outside, run  # noqa: F401  (fixtures)
from tests.sweep.pool.test_mps import fake  # noqa: F401  (a fixture)
from unlearnleak.errors import GpuFull
from unlearnleak.sweep.pool import mps
from unlearnleak.sweep.pool import slots as slots_module
from unlearnleak.sweep.pool.slots import GIBIBYTE, PoolSettings, most_per_gpu, slots

GPU = {"workers": "auto", "gpus": ["GPU-a"]}


@pytest.mark.parametrize(
    ("there", "gpus", "each"), [(16, ["a"], 16), (16, ["a", "b"], 8), (2, ["a", "b", "c"], 1), (200, ["a"], 48)]
)
def test_auto_has_at_most_the_cores_of_each_gpu(monkeypatch, there, gpus, each):
    monkeypatch.setattr(slots_module, "cores", lambda: there)
    monkeypatch.setattr(slots_module, "free_memory", lambda: 1000 * GIBIBYTE)
    monkeypatch.setattr(slots_module, "gpus_here", lambda: gpus)
    settings = PoolSettings(workers="auto", gpus="auto", jobs_per_gpu="auto", memory_gib=1.0)
    found = slots(settings, {}, 1000)
    assert [slot.gpu for slot in found] == gpus * each
    assert {slot.threads for slot in found} == {max(1, there // (each * len(gpus)))}


@pytest.mark.parametrize(("gib", "each"), [(10, 2), (30, 6), (1, 1), (None, 8)])
def test_auto_has_no_more_workers_than_main_memory_holds(monkeypatch, gib, each):
    monkeypatch.setattr(slots_module, "cores", lambda: 16)
    monkeypatch.setattr(slots_module, "free_memory", lambda: gib and gib * GIBIBYTE)
    settings = PoolSettings(workers="auto", gpus="auto", jobs_per_gpu="auto", memory_gib=1.0)
    assert most_per_gpu(settings, 2) == each


def test_by_auto_the_first_job_runs_alone_and_the_others_together(launcher, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(slots_module, "cores", lambda: 4)
    jobs = [["do=answer"], *[["do=meet", "many=4"]] * 4]
    done = launcher(jobs_per_gpu="auto", mps=False, **GPU).launch([[f"folder={tmp_path}", *job] for job in jobs], 3)
    assert done[0].return_value == 3
    assert len({job.return_value for job in done[1:]}) == 4


def test_by_auto_a_long_wave_tries_half_as_many(launcher, tmp_path, monkeypatch, caplog):  # noqa: F811
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(slots_module, "cores", lambda: 2)
    done = launcher(jobs_per_gpu="auto", mps=False, **GPU).launch([[f"folder={tmp_path}", "do=use_gpu"]] * 60, 0)
    assert [job.return_value for job in done] == list(range(60))
    assert re.search(r"GPU GPU-a: 2 at once ended .* jobs a second, 1 .*; it takes [12] from here", caplog.text)


@pytest.mark.parametrize("late", [0, 3])
def test_by_auto_a_job_that_found_the_gpu_full_is_done_again(launcher, tmp_path, monkeypatch, late):  # noqa: F811
    """Also where those that it ran beside have ended before it says so."""
    monkeypatch.setattr(slots_module, "cores", lambda: 4)
    jobs = [["do=answer"], *[["do=fill", "many=4", f"late={late}"]] * 4]
    done = launcher(jobs_per_gpu="auto", mps=False, **GPU).launch([[f"folder={tmp_path}", *job] for job in jobs], 0)
    assert [job.return_value for job in done] == [0, 1, 2, 3, 4]
    assert len(list(tmp_path.glob("here-1-*"))) == 2


def test_a_number_that_is_told_is_kept_to_and_a_full_gpu_fails_the_job(launcher, tmp_path):  # noqa: F811
    jobs = [["do=answer"], *[["do=fill", "many=4"]] * 4]
    done = launcher(jobs_per_gpu=5, mps=False, **GPU).launch([[f"folder={tmp_path}", *job] for job in jobs], 0)
    with pytest.raises(GpuFull, match="the GPU is full"):
        done[1].return_value  # noqa: B018
    assert [job.return_value for job in (done[0], *done[2:])] == [0, 2, 3, 4]


def test_workers_that_share_a_gpu_are_clients_of_a_service_that_ends_with_them(
    launcher,  # noqa: F811
    fake,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    services = []
    start = mps.start
    monkeypatch.setattr(mps, "start", lambda: services.append(start()) or services[-1])
    made = launcher(jobs_per_gpu=2, **GPU)
    for first in (0, 2):  # one service for all launches, as waves are
        done = made.launch([[f"folder={tmp_path}", "do=look"]] * 2, first)
        (service,) = services
        assert {job.return_value["CUDA_MPS_PIPE_DIRECTORY"] for job in done} == {str(service.folder)}
    assert mps.PIPES not in os.environ
    made.close()
    wait_until(lambda: not Path(service.folder).exists())


@pytest.mark.parametrize("settings", [{"jobs_per_gpu": 1}, {"jobs_per_gpu": 2, "mps": False}, {"gpus": None}])
def test_nobody_starts_it_where_no_gpu_is_shared_or_it_is_not_wanted(
    launcher,  # noqa: F811
    fake,  # noqa: F811
    tmp_path,
    monkeypatch,
    settings,
):
    monkeypatch.setattr(mps, "start", lambda: pytest.fail("it was started"))
    (done,) = launcher(**(GPU | settings)).launch([[f"folder={tmp_path}", "do=look"]], 0)
    assert done.return_value["CUDA_MPS_PIPE_DIRECTORY"] is None
