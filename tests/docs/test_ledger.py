"""The table of au beside its placebos is what its committed runs give."""

from pathlib import Path

import pandas as pd

from docs import ledger

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "results" / "ledger.md"


def test_the_page_has_the_table_that_the_runs_give():
    assert ledger.main([PAGE.with_suffix(".csv")]) in PAGE.read_text()


def test_a_line_has_what_each_ledger_leaves_and_what_its_own_keeps():
    runs = pd.DataFrame(
        {
            "dataset": "mnist",
            "model": "lenet",
            "share": 0.02,
            "lr": 0.003,
            "seed": [250, 251, 250, 251],
            "ledger": ["own", "own", "random", "random"],
            "forget_acc": [0.0, 0.1, 0.9, 0.9],
            "retain_acc": [0.98, 0.96, 0.99, 0.99],
            "original_retain_acc": [0.99, 0.99, 0.99, 0.99],
            "forget_acc_train_subtracted": [0.0, 0.2, 0.7, 0.7],
            "retain_acc_train_subtracted": [0.5, 0.7, 0.7, 0.7],
        }
    )
    cells = [cell.strip() for cell in ledger.table(runs).splitlines()[2].strip("|").split("|")]
    told = ["mnist", "lenet", "2 %", "0.003", "250 to 251", "2", "5 (0 to 10)", "90", "-", "-"]
    assert cells == [*told, "10 (0 to 20)", "60 (50 to 70)", "97 (96 to 98)", "99"]


def test_originals_are_told_apart_by_the_stretches_of_their_seeds():
    found = ledger.stretches(pd.Series([252, 0, 250, 251, 250, 4]))
    assert found.tolist() == ["250 to 252", "0", "250 to 252", "250 to 252", "250 to 252", "4"]
