import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.called import call
from tests.commandline import WarmPython
from tests.jobs import pipeline_in
from tests.logger.account import forget_account
from tests.logger.server import KEY, Server
from unlearnleak.cli import dashboard as command
from unlearnleak.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_account(monkeypatch, tmp_path)


def dashboard(*words: str) -> int:
    return call("dashboard", *words)


def without_ids(value: Any) -> Any:
    """The spec without W&B's random names of panels."""
    if isinstance(value, dict):
        return {key: without_ids(item) for key, item in value.items() if key not in ("__id__", "id")}
    return [without_ids(item) for item in value] if isinstance(value, list) else value


def test_nothing_leaves_the_machine_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        assert dashboard() == 0
        assert dashboard("--out", str(tmp_path / "spec.json")) == 0
        assert server.requests == 0
    printed = capsys.readouterr().out
    assert without_ids(json.loads(printed)) == without_ids(json.loads((tmp_path / "spec.json").read_text()))


def test_push_saves_the_same_workspace_and_prints_its_address(python: WarmPython, tmp_path: Path) -> None:
    """In a process of its own: W&B keeps what it learns about a server."""
    words = ["--push", "--entity", "team", "--project", "leaks", "--out", str(tmp_path / "spec.json"), "--name", "ours"]
    program = f"import sys; from tests.cli.test_dashboard import dashboard; sys.exit(dashboard(*{words!r}))"
    with Server() as server:
        done = python("-c", program, **server.environment)
        assert done.code == 0, done.err
        assert done.out.startswith(f"{server.url}/team/leaks?nw=")
        (view,) = server.views
        assert (view["entityName"], view["projectName"], view["displayName"]) == ("team", "leaks", "ours")
        assert view["type"] == "project-view"
        assert json.loads(view["spec"]) == json.loads((tmp_path / "spec.json").read_text())
        server.refusal = "project leaks is not yours"
        done = python("-c", program, **server.environment)
        assert "UserError: W&B did not take the workspace of team/leaks: " in done.err
        assert "WANDB_BASE_URL" in done.err
        assert len(server.views) == 1
        done = python("-c", program, **server.environment | {"WANDB_API_KEY": ""})
        assert "UserError: --push needs an API key: run `wandb login`, or set WANDB_API_KEY" in done.err


def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    with pytest.raises(UserError, match=r"--entity=None is not possible"):
        dashboard("--push")
    with pytest.raises(UserError, match=r"--out=.*cannot be written"):
        dashboard("--out", str(tmp_path / "no" / "spec.json"))
    monkeypatch.setitem(sys.modules, "unlearnleak.tracking.workspace", None)
    with pytest.raises(UserError, match=r"pip install wandb-workspaces"):
        dashboard()


def test_without_runs_the_stages_are_those_of_the_graph(tmp_path: Path) -> None:
    assert command.usual_stages() == list(pipeline_in(tmp_path).stages)


def test_project_is_where_runs_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.default_project() == "unlearnleak"
    monkeypatch.setenv("WANDB_PROJECT", "elsewhere")
    assert command.default_project() == "elsewhere"


def test_the_command_line_stays_light() -> None:
    imports = "import sys, unlearnleak.cli.dashboard, unlearnleak.tracking.sync"
    program = f"{imports}; print('wandb' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False False\n"
