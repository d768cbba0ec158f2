"""`unlearnleak report` on the command line."""

import subprocess
import sys

import pytest

from tests.cli.called import call
from tests.report.made import judged, write_run
from unlearnleak.errors import UserError


@pytest.fixture
def sides(tmp_path):
    """Twenty jobs that leaked, and the same ones after a defence that worked."""
    for side, verdict in (("before", lambda c: [c]), ("after", lambda c: [])):
        for c in range(10):
            for seed in range(2):
                write_run(tmp_path / side / f"{c}-{seed}", **judged([c], verdict(c), seed=seed))
    return tmp_path


def test_the_page_lies_where_it_says(sides, capsys):
    assert call("report", sides / "before", "--page-only") == 0
    assert capsys.readouterr().out.strip() == str(sides / "before" / "report" / "index.html")
    assert (sides / "before" / "report" / "index.html").is_file()
    assert not (sides / "before" / "report" / "tables").exists()


def test_a_comparison_says_what_changed(sides, capsys):
    assert call("report", sides / "after", "--against", sides / "before", "--out", sides / "out") == 0
    table = (sides / "out" / "tables" / "changes.csv").read_text()
    assert "McNemar, exact" in table
    said = capsys.readouterr()
    assert said.out.strip() == str(sides / "out" / "index.html")
    assert "digits lenet, rt (1 class): param_dot / youden: exact verdicts fell from 100.0 to 0.0 %" in said.err
    assert "20 pairs" in said.err
    assert "What changed since" in (sides / "out" / "index.html").read_text()


def test_no_runs_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match="No runs"):
        call("report", tmp_path)


def test_a_number_of_images_is_a_number(capsys):
    with pytest.raises(SystemExit):
        call("report", "x", "--images", "-1")
    assert "no whole number" in capsys.readouterr().err


def test_adding_the_command_loads_nothing_heavy():
    heavy = "{'torch', 'pandas', 'matplotlib', 'jinja2', 'scipy', 'numpy'}"
    code = f"import sys, unlearnleak.cli.report; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def run(*words, **more):
    command = [sys.executable, "-m", "unlearnleak.run", "report", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def test_a_file_in_place_of_the_folder_is_one_line(sides):
    (sides / "README.md").write_text("mine")
    done = run(sides / "before", "--out", sides / "README.md")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: {sides}/README.md is no folder. Choose another folder by --out FOLDER.\n"
    assert (sides / "README.md").read_text() == "mine"


STOPPED = """
import os, signal, sys
from unlearnleak.report import {module}
whole = {module}.{function}
def stop(*words, **more):
    os.kill(os.getpid(), signal.SIGINT)
    return whole(*words, **more)
{module}.{function} = stop
sys.argv = ["unlearnleak", "report", sys.argv[1]]
from unlearnleak.run import main
main()
"""


@pytest.mark.parametrize(("module", "function"), [("gathered", "load_runs"), ("own_folder", "replace")])
def test_an_interrupted_report_is_one_line_and_leaves_nothing(sides, module, function):
    code = STOPPED.format(module=module, function=function)
    words = [sys.executable, "-c", code, str(sides / "before")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "\nInterrupted: `unlearnleak report` did not come to its end.\n"
    assert not (sides / "before" / "report").exists()


def test_names_that_a_terminal_lacks_letters_for_are_written_out(tmp_path):
    write_run(tmp_path / "größe 日本", **judged([3], [3]))
    done = run(tmp_path / "größe 日本", "--page-only", env={"PYTHONIOENCODING": "ascii", "PATH": ""})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == rf"{tmp_path}/gr\xf6\xdfe \u65e5\u672c/report/index.html"
