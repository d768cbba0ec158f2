import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from packaging.requirements import Requirement

from tests.config.test_hydra_settings import load
from unlearnleak.config.folder import config_folder
from unlearnleak.errors import UserError
from unlearnleak.sweep.compose import SharedLoader

MARKED = "import pathlib; pathlib.Path('marker').touch()\n"
HARMFUL = {
    "a log line in any file": "hydra.job_logging.handlers.file.filename=marker",
    "a log line of Hydra's": "+hydra.hydra_logging.handlers.x={class: logging.FileHandler, filename: marker}",
    "a handler's class": "hydra.job_logging.handlers.file.class=evil.X",
    "a callback": "+hydra.callbacks.x={_target_: evil.X}",
    "a command of a callback": "+hydra.callbacks.x={_target_: os.system, command: 'touch marker'}",
    "a search path": "hydra.searchpath=[pkg://evil]",
    "within a sweeper": "hydra.sweeper.params={a: {_target_: evil.X}}",
    "Hydra's files": "hydra.output_subdir=../../../../marker",
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", [[], ["-m"]], ids=["run", "sweep"])
@pytest.mark.parametrize("word", HARMFUL.values(), ids=HARMFUL.keys())
def test_what_would_act_is_refused_before_it_does(cli, tmp_path, word, mode):
    (tmp_path / "evil.py").write_text(MARKED)
    done = cli(*mode, "logger=none", "dry_run=true", word, cwd=tmp_path)
    assert done.code == 1
    assert "is not possible" in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "marker").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"evil.py", "__pycache__"}


def test_a_list_is_no_choice_and_the_way_to_sweep_is_named():
    with pytest.raises(UserError, match=r"unlearner=\[rt,ft\] is not possible: .* -m unlearner=rt,ft$"):
        load("unlearner=[rt,ft]")


def test_a_list_of_classes_is_a_value():
    assert load("forget_classes=[1,2]").forget_classes == [1, 2]


def test_what_a_sweeps_params_tell_hydra_is_looked_at_as_well():
    with initialize_config_dir(config_folder(), version_base="1.3"):
        loader = SharedLoader(GlobalHydra.instance().config_loader())
        master = loader.load_configuration("config", [], RunMode.MULTIRUN)
        with pytest.raises(UserError, match=r"hydra\.job_logging\.handlers\.file\.filename='marker' is not possible"):
            loader.plan_config(master, ["hydra.job_logging.handlers.file.filename=marker"])
        assert loader.plan_config(master, ["hydra.verbose=true", "seed=5"]).seed == 5


def test_the_hydra_that_refuses_is_asked_for():
    """Before 1.3.8 a logging config and callbacks ran commands."""
    asked = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["dependencies"]
    (wanted,) = [each for each in map(Requirement, asked) if each.name == "hydra-core"]
    assert "1.3.7" not in wanted.specifier
    assert version("hydra-core") in wanted.specifier


def test_hydra_itself_runs_no_command_of_a_callback(tmp_path):
    """What the bound is for, without this project's own look before: the effect in Hydra alone."""
    code = "import hydra\n@hydra.main(config_path=None, version_base='1.3')\ndef main(config): pass\nmain()\n"
    (tmp_path / "alone.py").write_text(code)
    word = "+hydra.callbacks.x={_target_: os.system, command: 'touch marker'}"
    done = subprocess.run([sys.executable, "alone.py", word], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert not (tmp_path / "marker").exists()
