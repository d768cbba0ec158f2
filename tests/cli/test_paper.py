"""`unlearnleak paper` and `unlearnleak variance` on the command line, also on runs that really ran."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from tests.cli.called import call
from tests.jobs import composed, overrides_in
from tests.report.made import judged, write_run
from unlearnleak.errors import UserError
from unlearnleak.pipeline.job import run_job

METHODS = {"param_dot": "youden", "inversion_gradient": "threshold"}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Two targets of one small original model under two attacks, and a job that cannot be."""
    folder = tmp_path_factory.mktemp("real")
    for attack, screening in METHODS.items():
        for c in (0, 1):
            words = ("unlearner=rt", f"attack={attack}", f"screening={screening}", f"forget_classes=[{c}]")
            run_job(composed(*overrides_in(folder, *words)), folder / "runs" / f"{attack}{c}", sweep=True)
    write_run(folder / "runs" / "broken", "failed", "ValueError: it broke")
    return folder / "runs"


@pytest.fixture(scope="module")
def results(real):
    return [json.loads(path.read_text()) for path in sorted(real.glob("*/result.json"))]


def rows(capsys, *words) -> list[dict[str, str]]:
    assert call(*words, "--csv") == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_real_runs_are_in_the_tables_with_their_own_numbers(real, results, capsys):
    told = rows(capsys, "paper", real)
    assert len(results) == 4
    for table, attack in (("V", "param_dot"), ("VII", "inversion_gradient")):
        for quantity in ("asr_published", "asr", "asr_constant", "exact_match", "balanced_accuracy", "auroc"):
            (row,) = [
                row
                for row in told
                if (row["table"], row["dataset"], row["unlearner"]) == (table, "images", "rt")
                and (row["attack"], row["quantity"], row["gate"]) == (attack, quantity, "all")
            ]
            expected = np.mean([result[quantity] for result in results if result["attack"] == attack])
            assert float(row["percent"]) == pytest.approx(100 * expected)
            assert (row["targets"], row["runs"], row["parts"]) == ("2", "2", "1")
    (row,) = [
        row
        for row in told
        if (row["table"], row["dataset"], row["quantity"], row["gate"]) == ("III", "images", "retain_acc_after", "all")
    ]
    retained = {result["key_unlearned"]: result["retain_acc"] for result in results}
    assert (len(retained), row["runs"]) == (2, "2")
    assert float(row["percent"]) == pytest.approx(100 * np.mean(list(retained.values())))


def test_the_printout_says_how_all_runs_ended_and_what_is_odd(real, capsys):
    assert call("paper", real, "--table", "VII") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "5 runs in" in text
    assert "4 done, 1 failed" in text
    assert "printed as 76.65; the mean of its five figures is 75.38" in text
    assert "28.30" not in text
    assert "2 finished runs are in none of these tables" in text


def test_one_original_cannot_be_split(real, capsys):
    assert call("variance", real, "--metric", "retain_acc") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "1 of 1 lines: one original model" in text


def test_several_folders_and_originals(tmp_path, capsys):
    for seed, verdict in ((0, [3]), (1, [])):
        for c in (3, 4):
            told = judged([c], verdict, seed=seed) | {"dataset": "mnist", "asr_published": 0.9}
            write_run(tmp_path / f"seed{seed}" / f"run{c}", **told)
    (row,) = rows(capsys, "variance", tmp_path / "seed0", tmp_path / "seed1")
    # asr: 1 and 0.8 in one original, 0.9 and 0.9 in the other: MSB 0, MSW 0.01, n0 2
    assert (row["originals"], row["n"], float(row["mean"])) == ("2", "4", pytest.approx(0.9))
    assert float(row["within"]) == pytest.approx(0.01)
    assert float(row["between"]) == pytest.approx(-0.005)


@pytest.mark.parametrize("words", [("paper",), ("variance",)])
def test_markdown_is_plain(real, capsys, words):
    assert call(*words, real, "--markdown") == 0
    text = capsys.readouterr().out
    assert "| images |" in text
    assert "\x1b" not in text


def test_no_runs_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match="No runs"):
        call("paper", tmp_path)


def test_an_unknown_table_is_refused(capsys):
    with pytest.raises(SystemExit):
        call("paper", "x", "--table", "IX")
    assert "VIII" in capsys.readouterr().err


def test_adding_the_commands_loads_nothing_heavy():
    heavy = "{'torch', 'pandas', 'matplotlib', 'rich', 'scipy', 'numpy'}"
    code = f"import sys, unlearnleak.cli.paper; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
