"""What is measured of recovered images on a GPU, held against the CPU."""

import numpy as np
import pytest
import torch

from tests.jobs import images, pipeline_in, write_npz
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.pipeline.sheet import contact_sheet

pytestmark = pytest.mark.gpu


def test_numbers_and_sheets_are_those_of_the_cpu(tmp_path):
    write_npz(tmp_path / "images.npz", **images(side=16))
    words = ["attack=gradient_matching", "attack.images=3", "attack.restarts=2"]
    pipeline_in(tmp_path, *words, "runtime.device=cpu").artifact("evidence")
    found = {device: pipeline_in(tmp_path, *words, f"runtime.device={device}") for device in ("cpu", "cuda")}
    numbers = {device: evaluate_run(pipeline) for device, pipeline in found.items()}
    names = [name for name in numbers["cpu"] if name.startswith("reconstruction_")]
    assert len(names) == 10
    assert [numbers["cuda"][name] for name in names] == pytest.approx(
        [numbers["cpu"][name] for name in names], rel=1e-6
    )
    sheets = {device: contact_sheet(pipeline)[0] for device, pipeline in found.items()}
    assert np.array_equal(sheets["cpu"], sheets["cuda"])
    assert pipeline_in(tmp_path, *words, "runtime.device=cuda").plan.resident is found["cuda"].plan.resident
    assert torch.cuda.is_initialized()
