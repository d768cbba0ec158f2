"""What CONTRIBUTING.md prints is run: its files are put into a copy of the project, and its commands run."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import unlearnleak

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "CONTRIBUTING.md").read_text().split("\n## Add an unlearner\n")[1].split("\n## ")[0]
FILES = dict(re.findall(r"^`([\w/]+\.\w+)`:[^`].*?\n```\w+\n(.*?)^```$", SECTION, re.M | re.S))
MODULES = [name for name in FILES if name.endswith(".py")]
COMMANDS = re.search(r"^```sh\n(.*?)^```$", SECTION, re.M | re.S)[1].splitlines()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with the files that the page prints."""
    copy = tmp_path_factory.mktemp("project")
    for part in ("unlearnleak", "hydra_plugins", "tests", "conf", "sweeps"):
        shutil.copytree(
            ROOT / part, copy / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "numbers")
        )
    shutil.copy(ROOT / "pyproject.toml", copy)
    for name, text in FILES.items():
        assert not (copy / name).exists()
        (copy / name).write_text(text)
    return copy


@pytest.fixture
def run(python, project):
    """Return a function that runs a command of the page in the copy."""

    def run(command: str) -> str:
        first, *words = shlex.split(command)
        assert first == "python"
        done = python(*words, cwd=project, PYTHONPATH=str(project), PYTHONDONTWRITEBYTECODE="1")
        assert done.code == 0, done.out + done.err
        return done.out

    return run


def test_the_page_has_a_module_a_yaml_and_a_test():
    assert list(FILES) == [
        "unlearnleak/unlearner/smooth.py",
        "conf/unlearner/smooth.yaml",
        "tests/unlearner/test_smooth.py",
    ]
    assert len(COMMANDS) == 2


def test_the_files_are_as_the_linters_want_them(project):
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *MODULES], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_its_own_test_and_the_contract_tests_find_it_and_pass(run):
    said = run(COMMANDS[0])
    passed = int(re.search(r"(\d+) passed", said)[1])
    assert passed >= 3 + 5, said
    assert not re.search(r"failed|error|skipped", said.splitlines()[-1])


@pytest.mark.slow
def test_a_run_with_it_forgets(run):
    said = run(COMMANDS[1])
    assert "no recipe for smooth on digits with lenet" in said
    assert "smooth of class 3, param_dot / youden" in said
    assert "gate      passed" in said


def test_the_release_is_the_same_everywhere():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == unlearnleak.__version__
    heads = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert heads[0] == "Unreleased" or heads[0].split(",")[0] == unlearnleak.__version__
