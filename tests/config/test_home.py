from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf.errors import OmegaConfBaseException

from tests.jobs import composed
from tests.report.made import write_run
from tests.sweep.direct import sweep
from unlearnleak.cli.commands import main
from unlearnleak.config.folder import config_folder
from unlearnleak.config.home import command_words, run_words
from unlearnleak.pipeline.plan import make_plan


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The home folder; the working directory is another one."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


def places(*words):
    """Where Hydra puts a run and a sweep."""
    with initialize_config_dir(config_folder(), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        hydra = loader.load_configuration("config", run_words([*words]), RunMode.RUN).hydra
        return Path(hydra.run.dir), Path(hydra.sweep.dir)


@pytest.mark.parametrize("path", ["~/x", "~", "~/with space"])
def test_runs_may_lie_in_the_home_folder(home, path):
    expected = home / path.lstrip("~/")
    run, whole = places(f"runs='{path}'", "sweep_name=s")
    assert (run.parent, whole) == (expected / "s", expected / "s")


@pytest.mark.parametrize("word", ["runs=null", "runs=''"])
def test_no_folder_is_said_so(word):
    with pytest.raises(OmegaConfBaseException, match="such as runs=outputs/runs"):
        places(word)


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_run_s_own_folder_too(home, quote):
    run, whole = places(f"hydra.run.dir={quote}~/a{quote}", f"hydra.sweep.dir={quote}~/b{quote}")
    assert (run, whole) == (home / "a", home / "b")


def test_a_sweep_leaves_no_folder_of_that_name(home, tmp_path):
    sweep(tmp_path, "unlearner=ft", "attack=head_sum", "until=original", "runs='~/x'")
    assert (home / "x" / "adhoc").is_dir()
    assert list((tmp_path / "here").iterdir()) == []


def test_every_setting_that_is_a_path_is_expanded_alike(home):
    assert make_plan(composed("store='~/x'")).store.root == home / "x"


WORDS = [
    "~unlearner",
    "runs=~/x",
    "a~/x",
    "unlearner=rt",
    "hydra.run.dir=a/~/b",
    "hydra.job.name=~/x",
    "hydra.run.dir=",
]


@pytest.mark.parametrize("word", WORDS)
def test_other_words_of_a_run_stay(word):
    assert run_words([word]) == [word]


def test_words_of_commands(home):
    words = ["table", "~/x", "--store=~/x", "--columns", "a~b", "--csv", "x/~", "--by=training.lr"]
    assert command_words(words) == [word.replace("~/", f"{home}/") for word in words]


def test_a_command_finds_what_lies_in_the_home_folder(home, capsys):
    write_run(home / "runs" / "one")
    assert main(["table", "~/runs", "--csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["clean", "--store=~/nothing"]) == 1
    assert str(home / "nothing") in capsys.readouterr().err
