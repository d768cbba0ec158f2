"""Every accuracy of a verdict in the committed CSVs follows from the classes and scores beside it: counted here."""

import csv
from pathlib import Path

import pytest

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
NEEDED = {"verdict", "forgotten", "num_classes", "asr", "exact_match"}
CSVS = [
    path
    for path in sorted(RESULTS.glob("*.csv"))
    if set(path.read_text(encoding="utf-8").partition("\n")[0].split(",")) >= NEEDED
]


def figures(row: dict[str, str]) -> dict[str, float | None]:
    """What follows from the classes that are gone, those that are named and the scores of all."""
    gone, named = ({int(word) for word in row[name].split()} for name in ("forgotten", "verdict"))
    unjudged = float("-inf")
    judged = {c: unjudged if word == "None" else float(word) for c, word in enumerate(row.get("scores", "").split())}
    wrong = (gone ^ named) | {c for c, score in judged.items() if score == unjudged}  # who is not judged is not right
    among, rest = ([score for c, score in judged.items() if (c in gone) is which] for which in (True, False))
    count = int(row["num_classes"])
    return {
        "asr": 1 - len(wrong) / count,
        "asr_constant": 1 - len(gone) / count,
        "exact_match": float(not wrong),
        "precision": len(gone & named) / len(named) if named else None,
        "recall": len(gone & named) / len(gone) if gone else None,
        "forgotten_ranked_first": float(min(among) > max(rest)) if among and rest else None,
    }


def test_most_pages_of_results_are_held_to_it() -> None:
    assert len(CSVS) > 35


@pytest.mark.parametrize("path", CSVS, ids=[path.stem for path in CSVS])
def test_each_figure_follows_from_its_classes_and_scores(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    for number, row in enumerate(rows):
        if not row["asr"]:  # a run without a verdict
            continue
        for name, value in figures(row).items():
            if name not in row or (name == "forgotten_ranked_first" and "scores" not in row):
                continue
            if value is None or row[name] == "":
                assert (value is None) == (row[name] == ""), (number, name, row)
            else:
                assert float(row[name]) == pytest.approx(value, abs=1e-5), (number, name, row)
