"""The comparisons on the page of findings are those that the committed runs give."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = importlib.util.spec_from_file_location("comparisons", DOCS / "comparisons.py")


def test_the_findings_have_the_table_that_the_runs_give():
    comparisons = importlib.util.module_from_spec(SCRIPT)
    SCRIPT.loader.exec_module(comparisons)
    assert comparisons.main(DOCS / "results") in (DOCS / "findings.md").read_text()
