import inspect
import os

import pytest
import pytorch_lightning as pl
import torch

from tests.jobs import composed, pipeline_in
from unlearnleak.config.variables import RECORDED, REFUSED
from unlearnleak.errors import UserError
from unlearnleak.pipeline.engine import StageWork
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.training.checkpoint import Checkpoints
from unlearnleak.training.fit import make_trainer
from unlearnleak.training.optimization import Optimization


def settings(trainer: pl.Trainer) -> dict[str, object]:
    names = ("max_steps", "limit_train_batches", "accumulate_grad_batches", "fast_dev_run", "overfit_batches")
    names += (
        "gradient_clip_algorithm",
        "check_val_every_n_epoch",
        "reload_dataloaders_every_n_epochs",
        "val_check_interval",
    )
    kinds = {
        "strategy": type(trainer.strategy),
        "profiler": type(trainer.profiler),
        "callbacks": [type(each) for each in trainer.callbacks],
    }
    return {name: getattr(trainer, name, None) for name in names} | kinds


def variables_of_the_trainer() -> dict[str, str]:
    """Every parameter of Lightning's Trainer as the variable that would set it, with a value that would show."""
    values = {"MAX_TIME": "00:00:00:01", "GRADIENT_CLIP_ALGORITHM": "value", "PROFILER": "simple", "PLUGINS": "None"}
    names = inspect.signature(pl.Trainer).parameters
    return {f"PL_TRAINER_{name.upper()}": values.get(name.upper(), "1") for name in names}


def test_lightnings_variables_change_no_training(monkeypatch):
    how = Optimization(epochs=2, batch_size=4, lr=0.1)
    before = settings(make_trainer(how, torch.device("cpu"), []))
    named = variables_of_the_trainer()
    assert {"PL_TRAINER_LIMIT_TRAIN_BATCHES", "PL_TRAINER_MAX_STEPS", "PL_TRAINER_DETECT_ANOMALY"} <= named.keys()
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert settings(make_trainer(how, torch.device("cpu"), [])) == before
    assert named.items() <= os.environ.items()  # they are the user's, and stay for whatever runs next


@pytest.mark.parametrize("name", REFUSED)
def test_a_variable_that_would_change_numbers_is_refused_by_name(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(UserError, match=f"{name}=1 changes .*unset {name}"):
        make_plan(composed())


@pytest.mark.parametrize("name", REFUSED)
def test_one_that_is_empty_is_none(monkeypatch, name):
    monkeypatch.setenv(name, "")
    assert make_plan(composed()).names["unlearner"] == "rt"
    assert os.environ[name] == ""


def test_what_may_change_last_bits_is_written_down(tmp_path, monkeypatch):
    for name in RECORDED:
        monkeypatch.delenv(name, raising=False)
    pipeline = pipeline_in(tmp_path)
    assert "variables" not in pipeline.artifact("data").meta["made_with"]
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    checkpoints = StageWork(pipeline.engine, pipeline.stages["original"]).checkpoints()
    assert isinstance(checkpoints, Checkpoints)
    assert checkpoints.made_with["variables"] == "CUBLAS_WORKSPACE_CONFIG=:4096:8"
