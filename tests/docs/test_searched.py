"""What searches of recipes found is in CSVs, and the settings of a row are those that its command said."""

from pathlib import Path

import pandas as pd
import pytest

from docs import searched

DOCS = Path(__file__).parents[2] / "docs"
SEARCHES = sorted(DOCS.joinpath("results").glob("search_*.csv"))


def test_a_rows_settings_are_those_of_its_command():
    words = ["dataset=mnist", "unlearner=delete", "unlearner.epochs=2", "unlearner.lr=0.003", "attack=head_sum"]
    assert searched.settings(words) == "epochs=2 lr=0.003"
    assert searched.settings(words[:2]) == "as they stand"


@pytest.mark.parametrize("path", SEARCHES, ids=lambda path: path.stem)
def test_no_page_of_results_has_a_model_of_a_search(path):
    found = set(pd.read_csv(path)["key_unlearned"])
    for page in DOCS.joinpath("results").glob("*.csv"):
        if page in SEARCHES or page.stem == "published_search":
            continue
        runs = pd.read_csv(page, low_memory=False)
        assert "key_unlearned" not in runs or not found & set(runs["key_unlearned"]), page.name
