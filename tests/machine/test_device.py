import logging
import warnings

import pytest
import pytorch_lightning as pl
import torch

from unlearnleak.errors import UserError
from unlearnleak.machine.device import count_memory_anew, peak_memory, quiet_lightning, resolve_device, set_threads


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that makes the machine have that many GPUs."""

    def have(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return have


@pytest.mark.parametrize(
    ("count", "name", "device"),
    [
        (0, "auto", "cpu"),
        (0, "cpu", "cpu"),
        (2, "auto", "cuda:0"),
        (2, "cpu", "cpu"),
        (2, "cuda", "cuda:0"),
        (2, "cuda:1", "cuda:1"),
    ],
)
def test_a_device_that_is_there_is_taken(gpus, count, name, device):
    gpus(count)
    assert resolve_device(name) == torch.device(device)


@pytest.mark.parametrize(
    ("count", "name", "there"),
    [
        (0, "cuda", "has cpu[.]"),
        (2, "cuda:2", "has cpu, cuda:0, cuda:1[.]"),
        (1, "gpu", "has cpu, cuda:0[.]"),
    ],
)
def test_a_device_that_is_not_there_is_refused_with_those_that_are(gpus, count, name, there):
    gpus(count)
    with pytest.raises(UserError, match=rf"runtime.device={name} .*{there}.*auto"):
        resolve_device(name)


@pytest.fixture
def closed_cuda(monkeypatch):
    """CUDA as it is in a process that has not opened it: `reset_peak_memory_stats` fails until `init` was called."""
    opened = []

    def reset(device):
        if not opened:
            raise RuntimeError("Invalid device argument 0: did you call init?")

    monkeypatch.setattr(torch.cuda, "init", lambda: opened.append(True))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", reset)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * 2**20)
    return opened


def test_a_gpu_is_opened_before_its_memory_is_counted(closed_cuda):
    count_memory_anew(torch.device("cuda:0"))
    assert peak_memory(torch.device("cuda:0")) == {"device_memory_mib": 3.0}


def test_on_the_cpu_no_gpu_is_opened(closed_cuda):
    count_memory_anew(torch.device("cpu"))
    assert peak_memory(torch.device("cpu")) == {}
    assert not closed_cuda


def test_threads_are_set_or_left_alone():
    before = torch.get_num_threads()
    try:
        set_threads(2)
        assert torch.get_num_threads() == 2
        set_threads(None)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    with pytest.raises(UserError, match=r"threads=0 .*at least 1"):
        set_threads(0)


def test_lightning_says_nothing_but_errors(capfd):
    quiet_lightning()
    with warnings.catch_warnings(record=True) as seen:
        warnings.filterwarnings("ignore", module=r"pytorch_lightning.*")
        pl.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu", enable_progress_bar=False)
    assert not [str(w.message) for w in seen if "pytorch_lightning" in w.filename]
    logging.getLogger("pytorch_lightning").info("a tip")
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("pytorch_lightning").isEnabledFor(logging.ERROR)
