"""The table by hand on the page of distances is what the committed runs give."""

import importlib.util
from pathlib import Path

import pytest
from scipy.stats import binomtest

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = importlib.util.spec_from_file_location("distances", DOCS / "distances.py")


@pytest.fixture(scope="module")
def distances():
    module = importlib.util.module_from_spec(SCRIPT)
    SCRIPT.loader.exec_module(module)
    return module


def test_the_page_has_the_table_that_the_runs_give(distances):
    page = DOCS / "results" / "distance.md"
    assert distances.main(page.with_suffix(".csv")) in page.read_text()


def test_who_is_beyond_the_pair_on_every_original_has_the_p_value_of_a_sign_test(distances):
    lines = distances.main(DOCS / "results" / "distance.csv").splitlines()
    (ft,) = [line for line in lines if line.startswith("| ft ")]
    n, count, p = (float(cell) for cell in (ft.split("|")[place] for place in (2, 6, 7)))
    assert count == n == 10
    assert p == pytest.approx(binomtest(10, 10).pvalue, rel=0.05)
