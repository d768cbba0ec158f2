import pytest

from unlearnleak.config.build import construct
from unlearnleak.errors import UserError
from unlearnleak.sweep.pool import slots as module
from unlearnleak.sweep.pool.slots import GIBIBYTE, PoolSettings, Slot, gpus_here, slots

SETTINGS = {"workers": "auto", "gpus": "auto", "jobs_per_gpu": 1, "memory_gib": 1.5}


@pytest.fixture
def machine(monkeypatch):
    """Return a function that pretends a machine."""

    def pretend(cores=8, gib=100.0, gpus=()):
        monkeypatch.setattr(module, "cores", lambda: cores)
        monkeypatch.setattr(module, "free_memory", lambda: None if gib is None else int(gib * GIBIBYTE))
        monkeypatch.setattr(module, "gpus_here", lambda: list(gpus))

    return pretend


def found(runtime=None, jobs: int | None = 100, **settings) -> list[Slot]:
    return slots(construct(PoolSettings, SETTINGS | settings, "hydra.launcher"), runtime or {}, jobs)


@pytest.mark.parametrize(
    ("there", "runtime", "settings", "workers", "threads"),
    [
        ({}, {}, {}, 8, 1),
        ({}, {"threads": 1}, {}, 8, 1),
        ({}, {"threads": 3}, {}, 2, 4),
        ({}, {"threads": 20}, {}, 1, 8),
        ({}, {"threads": None}, {}, 1, 8),
        ({}, {}, {"workers": 3}, 3, 2),
        ({}, {}, {"workers": 12}, 12, 1),
        ({}, {"threads": None}, {"workers": 2}, 2, 4),
        ({"gib": 5.0}, {}, {}, 3, 2),
        ({"gib": 0.1}, {}, {}, 1, 8),
        ({"gib": None}, {}, {}, 8, 1),
        ({"gib": 5.0}, {}, {"memory_gib": 2}, 2, 4),
        ({"gib": 0.1}, {}, {"workers": 4}, 4, 2),
        ({}, {}, {"jobs": 2}, 2, 1),
        ({}, {}, {"jobs": None}, 8, 1),
    ],
)
def test_on_the_cpu_workers_follow_cores_memory_and_jobs(machine, there, runtime, settings, workers, threads):
    machine(**there)
    assert found(runtime, **settings) == [Slot(number, None, threads) for number in range(workers)]


@pytest.mark.parametrize(
    ("device", "settings", "wanted"),
    [
        ("auto", {}, ["a", "b", "c"]),
        ("cuda", {}, ["a", "b", "c"]),
        ("cuda:0", {}, ["a", "b", "c"]),
        ("cpu", {}, [None] * 8),
        ("auto", {"gpus": None}, [None] * 8),
        ("cuda:2", {"gpus": None}, [None] * 8),
        ("auto", {"jobs_per_gpu": 2}, ["a", "b", "c", "a", "b", "c"]),
        ("auto", {"jobs_per_gpu": 2, "workers": 4}, ["a", "b", "c", "a"]),
        ("auto", {"jobs": 2}, ["a", "b"]),
        ("auto", {"gpus": [2, 0]}, ["c", "a"]),
        ("auto", {"gpus": ["GPU-77", 1]}, ["GPU-77", "b"]),
    ],
)
def test_workers_share_out_the_gpus(machine, device, settings, wanted):
    machine(gpus=["a", "b", "c"])
    assert [slot.gpu for slot in found({"device": device}, **settings)] == wanted


@pytest.mark.parametrize(
    ("device", "settings", "words"),
    [
        ("auto", {"workers": 0}, "workers=0 is not possible: a number of workers from 1, or auto"),
        ("auto", {"workers": "many"}, "hydra.launcher.workers='many'"),
        ("auto", {"workers": True}, "hydra.launcher.workers=True"),
        ("auto", {"jobs_per_gpu": 0}, "jobs_per_gpu=0 is not possible: at least 1"),
        ("auto", {"memory_gib": 0}, "memory_gib=0"),
        ("auto", {"gpus": []}, r"gpus=\[\]"),
        ("auto", {"gpus": [0, 0]}, r"gpus=\[0, 0\] .* each GPU once; .* jobs_per_gpu"),
        ("auto", {"gpus": [0, 2]}, r"gpus=\[2\] is not possible: PyTorch finds 2 GPUs here, counted from 0"),
        ("auto", {"gpus": [-1]}, r"gpus=\[-1\]"),
        ("auto", {"gpus": 1}, "hydra.launcher.gpus=1"),
        (
            "auto",
            {"workers": 5, "jobs_per_gpu": 2},
            r"workers=5 .* at most 4 \(2 GPUs x .*jobs_per_gpu=2\)",
        ),
        ("cuda:1", {}, r"device=cuda:1 .* use runtime.device=cuda with hydra.launcher.gpus=\[1\]"),
    ],
)
def test_what_cannot_be_is_refused(machine, device, settings, words):
    machine(gpus=["a", "b"])
    with pytest.raises(UserError, match=words):
        found({"device": device}, **settings)


@pytest.mark.parametrize(
    ("visible", "count", "wanted"),
    [
        (None, 0, []),
        (None, 3, ["0", "1", "2"]),
        ("5, 3,7", 3, ["5", "3", "7"]),
        ("GPU-ab,GPU-cd", 2, ["GPU-ab", "GPU-cd"]),
        ("1,-1,2", 1, ["1"]),
        ("", 0, []),
    ],
)
def test_gpus_are_named_as_the_environment_names_them(monkeypatch, visible, count, wanted):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    assert gpus_here() == wanted


@pytest.mark.parametrize(("gib", "told"), [(0.5, True), (2.0, False)])
def test_too_little_memory_for_one_worker_is_told(machine, caplog, gib, told):
    machine(gib=gib)
    assert len(found()) == 1
    assert ("Only 512 MiB of memory are free, and hydra.launcher.memory_gib=1.5" in caplog.text) == told
