"""The notebook runs from its first cell to its last, in a folder of its own, and shows what its words say."""

import ast
import os
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the tutorial is run by nbclient: pip install 'unlearnleak[docs]'")
nbclient = pytest.importorskip("nbclient", reason="the tutorial is run by nbclient: pip install 'unlearnleak[docs]'")
pytest.importorskip("ipykernel", reason="the tutorial is run by ipykernel: pip install 'unlearnleak[docs]'")

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"


def text(cell) -> str:
    """What a cell printed and showed, as text."""
    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(shown)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The code cells after the notebook was run."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("tutorial")
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", paths)
        patch.setenv("MPLBACKEND", "agg")
        nbclient.NotebookClient(notebook, timeout=250, resources={"metadata": {"path": str(folder)}}).execute()
    return folder, [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
def test_it_runs_and_its_runs_are_there(run):
    folder, cells = run
    assert "jobs 12: originals 1, unlearned 4, evidence 12, verdicts 12" in text(cells[0])
    assert len(list((folder / "outputs" / "runs" / "tutorial").glob("digits-*/result.json"))) == 12


@pytest.mark.slow
def test_it_shows_what_its_words_say(run):
    _, (_, loaded, asr, exact, _, control) = run
    assert text(loaded).count("passed") == 9
    assert text(loaded).count("control") == 3
    assert "100.0" in text(asr)
    assert "90.0" in text(asr)
    assert "param_dot" in text(exact)
    named = {
        line.split()[1]: line for line in text(control).splitlines() if " threshold " in line or " youden " in line
    }
    assert "[]" in named["param_dot"]
    assert "[]" not in named["inversion_gradient"]


def test_what_it_was_committed_with_is_what_the_cells_make():
    """Outputs are kept, but small, and no cell was left out or failed."""
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert NOTEBOOK.stat().st_size < 100_000
    for number, cell in enumerate(cells, 1):
        ast.parse(cell.source)
        assert cell.execution_count == number
        assert cell.outputs
        assert all(output.output_type != "error" for output in cell.outputs)
    assert "in outputs/runs/tutorial;" in text(cells[0]), "no path of a machine"
