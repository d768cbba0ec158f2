"""The tables on the page of the paper's parameter figures are what its committed runs give."""

from pathlib import Path

import pandas as pd
import pytest

from docs import published

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "results" / "published.md"


@pytest.mark.parametrize("table", ["beside_the_paper", "each_data_set", "distances"])
def test_the_page_has_the_table_that_the_runs_give(table):
    assert getattr(published, table)(pd.read_csv(PAGE.with_suffix(".csv"))) in PAGE.read_text()


def test_every_data_set_weighs_the_same_however_many_targets_it_has():
    runs = pd.DataFrame(
        {
            "dataset": ["mnist", "mnist", "mnist", "svhn"],
            "asr_published": [0.5, 0.6, 0.7, 1.0],
            "asr_published_placebo": [0.4, 0.4, 0.7, 0.9],
            "lr": 0.001,
            "classes": 1,
            "attack": "param_dot",
            "screening": "youden",
            "unlearner": "rt",
        }
    )
    (row,) = published.averages(runs).reset_index().to_dict("records")
    assert row["asr_published"] == pytest.approx(80)  # of runs it would be 70
    assert row["asr_published_placebo"] == pytest.approx(70)
