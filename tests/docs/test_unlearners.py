"""The tables by hand on the pages of unlearners are what the committed runs give."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from docs import unlearners

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.joinpath("results").glob("unlearners*.csv"))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem != "unlearners_as_published"], ids=lambda p: p.stem
)
def test_the_page_has_the_table_that_the_runs_give(page):
    assert unlearners.main([page]) in page.with_suffix(".md").read_text()


def test_an_unlearner_is_held_against_ascent_on_the_targets_that_both_met():
    line = pd.DataFrame({"exact": [4, 4, 4, 4, 1], "n": [4] * 5}, index=list("abcde"))
    own = pd.DataFrame({"exact": [1, 1, 1, 1], "n": [4] * 4}, index=list("abcf"))
    assert unlearners.against(own, line) == ("3/3", "-75", pytest.approx(2 / 8))


def test_points_have_an_interval_by_target_and_silent_models_a_bound():
    line = pd.DataFrame({"exact": [4] * 10, "n": [4] * 10})
    own = pd.DataFrame({"exact": [1, 2] * 5, "n": [4] * 10})
    less, points, _ = unlearners.against(own, line)
    low, high = (int(end) for end in points.removeprefix("-62 [").removesuffix("]").split(", "))
    assert less == "10/10"
    assert -75 < low < -65 < -60 < high < -50
    assert unlearners.of_models(0, 10) == "0 of 10 (at most 28 %)"


def test_unsirs_class_has_the_largest_row_of_the_head_in_nine_of_ten():
    runs = pd.read_csv(DOCS / "results" / "unlearners.csv")
    of = runs[(runs.unlearner == "unsir") & (runs.attack == "head_sum")]
    scores = [np.array(text.split(), float) for text in of.scores]
    assert sum(each.argmin() == int(named) for each, named in zip(scores, of.forgotten, strict=True)) == 9
