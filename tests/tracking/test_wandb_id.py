from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from tests.commandline import Finished, WarmPython
from tests.logger.account import without_wandb
from tests.logger.offline import read_offline
from unlearnleak.errors import UserError
from unlearnleak.machine.process import LAUNCH
from unlearnleak.tracking import wandb_id


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_RUN_ID", "WANDB_SWEEP_ID", *wandb_id.GOES_ON, LAUNCH):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(wandb_id, "used", set())


def test_every_job_has_an_id_of_its_own(tmp_path: Path) -> None:
    assert len({wandb_id.id_for(tmp_path) for _ in range(50)}) == 50


@pytest.mark.parametrize("name", ["WANDB_RESUME", "WANDB_RESUME_FROM", "WANDB_FORK_FROM"])
def test_a_run_that_would_go_on_in_another_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for harmless in ("", "never"):
        monkeypatch.setenv(name, harmless)
        wandb_id.check_environment()
    monkeypatch.setenv(name, "auto")
    with pytest.raises(UserError, match=f"{name}=auto is not possible: .* Unset {name}"):
        wandb_id.check_environment()


def test_one_id_for_a_sweep_is_refused_when_it_is_planned_and_in_its_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "x")
    for told, sweep in (({"mode": RunMode.RUN}, False), ({"mode": RunMode.MULTIRUN}, True), ({}, True)):
        hydra = OmegaConf.create(told, flags={"struct": True})
        monkeypatch.setattr(HydraConfig.instance(), "cfg", SimpleNamespace(hydra=hydra))
        assert wandb_id.in_sweep() == sweep
    with pytest.raises(UserError, match="WANDB_RUN_ID=x names one run, and a sweep has one for each job"):
        wandb_id.check_environment()
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    wandb_id.check_environment()
    monkeypatch.setenv(LAUNCH, "somewhere")
    with pytest.raises(UserError, match="without -m"):
        wandb_id.check_environment()


def test_an_id_stays_with_its_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one, other = tmp_path / "sweep" / "one", tmp_path / "adhoc" / "other"
    monkeypatch.setenv("WANDB_RUN_ID", "x")
    assert wandb_id.id_for(one) == "x"
    (one / "wandb" / "offline-run-20260101_000000-x").mkdir(parents=True)
    assert wandb_id.id_for(one) == "x"  # the same job again
    with pytest.raises(UserError, match=r"WANDB_RUN_ID=x names one run, and .*/sweep/one has it"):
        wandb_id.id_for(other)
    monkeypatch.setenv("WANDB_RUN_ID", "y")
    assert wandb_id.id_for(other) == "y"
    wandb_id.used.add("y")
    with pytest.raises(UserError, match="this process has it"):
        wandb_id.id_for(other)


def logged(python: WarmPython, folder: Path, **environment: str) -> Finished:
    """Two runs below `folder`, with these variables and settings files of the user's own that name one id."""
    program = """
from pathlib import Path
from tests.logger.test_none import logger_from, whole_run
for name in ("a", "b"):
    whole_run(logger_from("wandb"), Path("runs/sweep") / name, exit_code=0)
"""
    place = {"WANDB_CONFIG_DIR": str(folder / "config"), "HOME": str(folder)}
    for settings in (folder / "config" / "settings", folder / "wandb" / "settings"):
        settings.parent.mkdir(parents=True)
        settings.write_text("[default]\nrun_id = one\nmode = disabled\nproject = theirs\nresume = allow\n")
    return python("-c", program, cwd=folder, env=without_wandb() | place | environment)


def test_what_is_set_elsewhere_does_not_change_what_is_logged(python: WarmPython, tmp_path: Path) -> None:
    names = {"NAME": "n", "RUN_GROUP": "g", "JOB_TYPE": "j", "TAGS": "t", "DIR": str(tmp_path / "d")}
    more = {"NOTES": "mine", "IGNORE_GLOBS": "*", "PROJECT": "mine"}
    done = logged(python, tmp_path, **{f"WANDB_{name}": value for name, value in (names | more).items()})
    assert done.code == 0, done.err
    runs = read_offline(tmp_path)
    assert len({run.id for run in runs} | {"one"}) == 3
    assert not (tmp_path / "d").exists()
    for run in runs:
        assert (run.name, run.group, run.job_type, run.project) == ("digits-rt-0", "single_class", "param_dot", "mine")
        assert run.tags == ["digits", "none"]


def test_whoever_disables_it_gets_no_file(python: WarmPython, tmp_path: Path) -> None:
    done = logged(python, tmp_path, WANDB_DISABLED="true", WANDB_MODE="online")
    assert done.code == 0, done.err
    assert read_offline(tmp_path) == []


def test_a_variable_that_it_cannot_read_is_told_in_one_line(python: WarmPython, tmp_path: Path) -> None:
    done = logged(python, tmp_path, WANDB_INIT_TIMEOUT="soon")
    told = done.err.splitlines()[-1]
    assert "does not take a WANDB_ variable, or a line of its settings file: init_timeout: Input should be" in told
