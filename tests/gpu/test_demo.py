"""The command line on a GPU, in processes of its own: nothing has opened the device before them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs import overrides_in

pytestmark = [pytest.mark.gpu, pytest.mark.slow, pytest.mark.timeout(1200)]


NOISE = {("none", f"inversion_{kind}", "threshold") for kind in ("gradient", "genetic")}
"""Alarms where nothing was forgotten: which class they name hangs on a last bit."""


def run(folder: Path, *words: str) -> dict[tuple[str, str, str], dict]:
    """Results by unlearner, attack and screening."""
    command = [sys.executable, "-m", "unlearnleak.run", *words, f"runs={folder / 'runs'}", f"store={folder / 'store'}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(path.read_text()) for path in (folder / "runs").rglob("result.json")]
    return {(result["unlearner"], result["attack"], result["screening"]): result for result in found}


@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:0"])
def test_one_job_starts(tmp_path, device):
    words = [word for word in overrides_in(tmp_path) if not word.startswith(("runs=", "store=", "runtime.device="))]
    (result,) = run(tmp_path, *words, f"runtime.device={device}").values()
    assert result["device"] == "cuda:0"
    assert result["made_with_original"]["device"] == "cuda"
    assert result["memory_mib_original"] > 0


def test_the_demo_has_the_verdicts_of_the_cpu(tmp_path):
    jobs = {"cpu": "hydra.launcher.workers=4", "cuda": "hydra.launcher.jobs_per_gpu=4"}
    results = {}
    for device, several in jobs.items():
        folder = tmp_path / device
        folder.mkdir()
        results[device] = run(folder, "-m", "+sweep=demo", "logger=none", f"runtime.device={device}", several)
    assert len(results["cpu"]) == 24
    verdicts = {device: {job: each["verdict"] for job, each in found.items()} for device, found in results.items()}
    for job in verdicts["cpu"].keys() - NOISE:
        assert verdicts["cuda"][job] == verdicts["cpu"][job]
    gates = {device: {job: each["gate"] for job, each in found.items()} for device, found in results.items()}
    assert gates["cuda"] == gates["cpu"]
    assert {each["device"] for each in results["cuda"].values()} == {"cuda:0"}
