"""The table by hand on the page of distances is what the committed runs give."""

from pathlib import Path

import pytest
from scipy.stats import binomtest

from docs import distances

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_has_the_table_that_the_runs_give():
    page = DOCS / "results" / "distance.md"
    assert distances.main(page.with_suffix(".csv")) in page.read_text()


def test_who_is_beyond_the_pair_on_every_original_has_the_p_value_of_a_sign_test():
    lines = distances.main(DOCS / "results" / "distance.csv").splitlines()
    (ft,) = [line for line in lines if line.startswith("| ft ")]
    n, count, p = (float(cell) for cell in (ft.split("|")[place] for place in (2, 6, 7)))
    assert count == n == 10
    assert p == pytest.approx(binomtest(10, 10).pvalue, rel=0.05)
