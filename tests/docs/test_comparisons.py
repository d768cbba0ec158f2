"""The comparisons on the page of findings are those that the committed runs give."""

from pathlib import Path

from docs import comparisons

DOCS = Path(__file__).parents[2] / "docs"


def test_the_findings_have_the_table_that_the_runs_give():
    assert comparisons.main(DOCS / "results") in (DOCS / "findings.md").read_text()
