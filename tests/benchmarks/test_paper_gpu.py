import json
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import paper_gpu
from benchmarks.paper_gpu import arguments, command, main, minutes, present, table, together


def write_images(path, side: int = 28, each: int = 12) -> None:
    """Noise in the shape of the data set, with a bright row by class."""
    draw, arrays = np.random.default_rng(0), {}
    for part in ("train", "test"):
        labels = np.arange(10 * each) % 10
        images = draw.integers(0, 60, (len(labels), side, side))
        images[np.arange(len(labels)), 2 * labels + 1] += 190
        arrays |= {f"{part}_images": images.astype(np.uint8), f"{part}_labels": labels}
    np.savez(path, **arrays)


def test_the_command_is_a_sweep_of_the_paper_with_files_for_its_data(tmp_path):
    options = arguments().parse_args(
        ["--data", str(tmp_path), "--limit", "500", "--seeds", "3", "--dry-run", "--", "a=b"]
    )
    line = command("multi_class", "svhn", options, 4)
    assert line[1:5] == ["-m", "unlearnleak.run", "-m", "+sweep=multi_class"]
    assert f"dataset.path={tmp_path}/svhn.npz" in line
    for word in ("dataset=svhn", "seed=3", "dataset.train_limit=500", "hydra.launcher.jobs_per_gpu=4", "a=b"):
        assert word in line
    assert line[-1] == "dry_run=true"


@pytest.mark.parametrize(
    ("mps", "started", "in_use", "told"),
    [
        ("false", True, False, ["hydra.launcher.mps=false"]),
        ("auto", False, False, ["hydra.launcher.mps=false"]),
        ("true", False, False, ["hydra.launcher.mps=false"]),
        ("auto", True, False, []),
        ("auto", False, True, []),
    ],
    ids=["not wanted", "cannot be started", "wanted and cannot be started", "started", "somebody else's"],
)
def test_no_launcher_starts_an_mps_of_its_own(tmp_path, monkeypatch, mps, started, in_use, told):
    """All launchers share the one that this command has started or found; else each would start one, or try to."""
    lines, environments, stopped = [], [], []
    service = SimpleNamespace(environment={"CUDA_MPS_PIPE_DIRECTORY": "/ours"}, stop=lambda: stopped.append(True))

    def ran(line, *, env, **_):
        lines.append([word for word in line if "launcher.mps" in word])
        environments.append(env.get("CUDA_MPS_PIPE_DIRECTORY"))
        return SimpleNamespace(returncode=0)

    monkeypatch.delenv("CUDA_MPS_PIPE_DIRECTORY", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(paper_gpu.mps, "started", lambda wanted: service if started else None)
    monkeypatch.setattr(paper_gpu.mps, "control_in_use", lambda: in_use)
    monkeypatch.setattr(subprocess, "run", ran)
    options = arguments().parse_args(["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--mps", mps])
    assert len(paper_gpu.run_all(["mnist", "svhn"], options)) == 4
    assert lines == [told] * 4
    shares = started and mps != "false"
    assert environments == ["/ours" if shares else None] * 4
    assert stopped == [True] * shares


def test_a_data_set_without_a_file_is_left_out_aloud(tmp_path, capsys):
    (tmp_path / "mnist.npz").touch()
    assert present(tmp_path, ["mnist", "cifar10"]) == ["mnist"]
    assert capsys.readouterr().out == f"left out: cifar10, as there is no {tmp_path / 'cifar10.npz'}\n"
    with pytest.raises(SystemExit, match="No data set was found"):
        main(["--data", str(tmp_path / "empty")])


def test_what_several_runs_share_counts_once():
    shared = {"status": "done", "unlearner": "ft", "forgotten": [1], "key_original": "o", "seconds_original": 60.0}
    shared |= {"key_unlearned": "u", "seconds_unlearned": 30.0, "seeds": {"attack": 0}}
    runs = [
        shared | {"attack": name, "seconds_evidence": took} for name, took in (("a", 6.0), ("b", 12.0), ("b", 12.0))
    ]
    found = minutes([*runs, {"status": "failed"}])
    assert found == {
        "original": (1, 1.0), "unlearned ft": (1, 0.5), "evidence b": (1, 0.2), "evidence a": (1, pytest.approx(0.1)),
    }  # fmt: skip
    assert together(found)["evidence"] == (2, pytest.approx(0.3))
    assert table(found, 0.9)[-2].split()[-1] == "1.8"


@pytest.mark.slow
def test_a_little_of_it_runs_on_a_cpu_and_goes_on(tmp_path, capfd):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("mnist", "fashion_mnist"):
        write_images(data / f"{name}.npz")
    words = ["unlearner=rt,ft", "attack=head_sum,noise_prior", "training.epochs=1", "dataset.auxiliary_per_class=4"]
    words += ["forget_classes=[0]"]
    told = ["--data", str(data), "--out", str(tmp_path / "out"), "--seeds", "0", "--grids", "single_class"]
    told += ["--device", "cpu", "--json", str(tmp_path / "told.json"), "--limit", "80", "--", *words]
    main(told)
    first = json.loads((tmp_path / "told.json").read_text())
    assert first["datasets"] == ["mnist", "fashion_mnist"]
    assert first["runs"] == 2 * 2 * 4
    assert first["stages"]["unlearned rt"][0] == first["stages"]["evidence head_sum"][0] / 2 == 2
    assert first["clock"].keys() == {"single_class, mnist", "single_class, fashion_mnist"}
    assert "left out: svhn" in capfd.readouterr().out
    main(told)
    assert "jobs 8 (8 finished before)" in (tmp_path / "out" / "single_class-mnist.log").read_text()


def test_jobs_are_shared_out_by_what_there_is_to_do():
    assert paper_gpu.shared(paper_gpu.DATASETS, 16) == {"mnist": 2, "fashion_mnist": 2, "svhn": 6, "cifar10": 6}
    assert paper_gpu.shared(["mnist", "cifar10"], 2) == {"mnist": 1, "cifar10": 1}
    assert paper_gpu.shared(["svhn"], 12) == {"svhn": 12}
