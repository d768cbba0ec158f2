"""The pages of results are what docs/results.py makes of the CSVs beside them."""

import csv
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from tests.report.made import write_run

ROOT = Path(__file__).parents[2]
SCRIPT, RESULTS = ROOT / "docs" / "results.py", ROOT / "docs" / "results"
MARK = "<!-- Made by docs/results.py from here on. -->"
PAGES = sorted(path for path in RESULTS.glob("*.md") if MARK in path.read_text())
ENOUGH = {"scores", "num_classes", "key_unlearned"}
"""Columns without which a CSV does not hold all that a page shows."""


def columns(page: Path) -> set[str]:
    with page.with_suffix(".csv").open(newline="") as file:
        return set(next(csv.reader(file)))


def make(monkeypatch: pytest.MonkeyPatch, page: Path, *runs: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["results.py", *map(str, (page, *runs))])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_there_are_pages() -> None:
    assert any(columns(page) >= ENOUGH for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_is_that_of_its_csv(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not columns(page) >= ENOUGH and not {"reconstruction_mse", "evaluation_name"} & columns(page):
        pytest.skip(f"{page.stem}.csv was written before it held {', '.join(sorted(ENOUGH - columns(page)))}")
    again = Path(shutil.copy(page, tmp_path))
    again.write_text(again.read_text().partition(MARK)[0] + MARK + "\nold tables\n")
    make(monkeypatch, again, page.with_suffix(".csv"))
    assert again.read_text() == page.read_text()
    assert again.with_suffix(".csv").read_bytes() == page.with_suffix(".csv").read_bytes()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_csv_says_which_attacks_saw_the_model_before(page: Path) -> None:
    """Or their controls, which compare a model with itself, would count as those of attacks that see one model."""
    with page.with_suffix(".csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["attack"] in ("head_change", "output_change")]
    assert {row.get("sees_original") for row in rows} <= {"white box"}


def test_a_data_set_that_is_not_what_it_says_gets_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, source = tmp_path / "page.md", tmp_path / "source.csv"
    header, *rows = (RESULTS / "fashion_mnist.csv").read_text().splitlines(keepends=True)
    source.write_text(header + "".join([row for row in rows if ",param_dot," in row][:30]))
    make(monkeypatch, page, source, Path("--called"), Path("Coats (grey)"))
    with page.with_suffix(".csv").open(newline="") as file:
        assert {row["dataset"] for row in csv.DictReader(file)} == {"Coats (grey)"}
    assert "| Coats (grey) | au | 1 |" in page.read_text()
    assert "fashion_mnist" not in page.read_text()


def test_only_finished_sweeps_make_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was told to stop early is left out; one that failed is named, and nothing is written."""
    stopped, failed = write_run(tmp_path / "runs" / "stopped"), tmp_path / "runs" / "failed"
    (stopped / "result.json").unlink()
    (stopped / "status.json").write_text('{"status": "done", "stage": "unlearned", "key": "4f"}')
    page = tmp_path / "page.md"
    make(monkeypatch, page, RESULTS / "cifar10.csv", tmp_path / "runs")
    with page.with_suffix(".csv").open() as ours, (RESULTS / "cifar10.csv").open() as theirs:
        assert len(ours.readlines()) == len(theirs.readlines())
    write_run(failed, "failed", "ValueError: no")
    before = page.read_text()
    with pytest.raises(SystemExit):
        make(monkeypatch, page, RESULTS / "cifar10.csv", tmp_path / "runs")
    assert f"{failed} among them" in capsys.readouterr().err
    assert page.read_text() == before
