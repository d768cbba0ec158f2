"""Tests that need a GPU (`make test-gpu`); without one each is skipped and says why."""

import pytest
import torch


@pytest.fixture(autouse=True)
def gpu():
    """The GPU that the test runs on."""
    if not torch.cuda.is_available():
        pytest.skip("no GPU: torch.cuda.is_available() is false here")
    return torch.device("cuda:0")


@pytest.fixture
def exact(monkeypatch):
    """Convolutions in fp32 instead of TF32 and by ways that repeat their bits, so that numbers can be compared."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
