"""The page as text: what it says, that it escapes, that it needs nothing but itself."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from tests.report.made import RESULT, judged, write_run
from tests.report.sweep import ATTACK, write_sweep
from unlearnleak.errors import UserError
from unlearnleak.report.build import build
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.status import write_result


class Reader(HTMLParser):
    """Every tag with its attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        (self.scripts if self.tags and self.tags[-1][0] == "script" else self.words).append(data)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of a whole report."""
    runs = write_sweep(tmp_path_factory.mktemp("sweep"))
    return build([runs]).parent


@pytest.fixture(scope="module")
def page(written):
    return (written / "index.html").read_text()


@pytest.fixture(scope="module")
def read(page):
    return Reader(page)


def test_what_runs_say_stays_text(read):
    assert sum(tag == "script" for tag, _ in read.tags) == 1
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    assert any(ATTACK in words for words in read.words)


def test_only_its_own_script_may_run(page, read):
    policy = next(a["content"] for tag, a in read.tags if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256("".join(read.scripts[:1]).encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_nothing_is_loaded_from_anywhere(page, read):
    addresses = [a[name] for _, a in read.tags for name in ("src", "href", "xlink:href") if a.get(name)]
    assert addresses
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_every_link_leads_somewhere_and_no_id_comes_twice(read):
    ids = [a["id"] for _, a in read.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for tag, a in read.tags if tag == "a"} <= set(ids)


def test_every_run_has_a_row_and_a_section(read):
    assert sum("data-words" in a for _, a in read.tags) == 26
    assert sum(tag == "details" and a.get("class") == "run" for tag, a in read.tags) == 26


def test_what_went_wrong_is_said_with_its_reason(read):
    text = " ".join(read.words)
    for words in (f"ValueError: {ATTACK} & so on", "no pair", "forget_acc 0.31 is above 0.05", "gate failed"):
        assert words in text
    assert "1 runs are not finished" in text


def test_every_picture_has_words(read):
    images = [a for tag, a in read.tags if tag == "img"]
    assert images
    assert all(a.get("alt") for a in images)
    drawings = [a for tag, a in read.tags if tag == "svg" and a.get("aria-hidden") != "true"]
    assert drawings
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in drawings)


def test_files_for_papers_lie_beside_the_page(written):
    tables = {path.name for path in (written / "tables").iterdir()}
    assert {"runs.csv", "runs.md", "runs.tex", "matrix_digits.csv", "attacks.tex", "groups.md"} <= tables
    assert all(re.fullmatch(r"[\w.]+", name) for name in tables)  # also that of a data set with a bad name
    figures = {path.name for path in (written / "figures").iterdir()}
    for stem in ("fig4_probability_inversion_gradient", "fig9_10_dot_products", "fig11_absolute_differences"):
        assert {f"{stem}.pdf", f"{stem}.png", f"{stem}.csv"} <= figures
    assert {"fig16_asr_over_forgotten.pdf", "forget_retain.csv", "fig6_asr_param_dot_youden.png"} <= figures
    assert {stem.partition(".")[0] for stem in figures if stem.endswith(".pdf")} == {
        name.partition(".")[0] for name in figures if name.endswith(".csv")
    }


def test_a_report_of_runs_that_have_only_begun(tmp_path):
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "status.json").write_text('{"status": "running"}')
    text = build([tmp_path / "runs"], page_only=True).read_text()
    assert "No finished run has attacked an unlearned model yet" in text
    assert (tmp_path / "runs" / "report" / "index.html").exists()


def test_a_result_of_another_program_is_a_failed_run_and_no_crash(tmp_path):
    write_run(tmp_path / "runs" / "good", **judged([3], [3]))
    bad = write_run(tmp_path / "runs" / "odd")
    (bad / "result.json").write_text('{"accuracy": 0.5}')
    text = build([tmp_path / "runs"], page_only=True).read_text()
    assert "result.json lacks dataset, model" in text
    assert "1/1" in text


def test_a_report_within_the_runs_folder_is_no_run(written):
    assert (written / "index.html").is_file()
    assert len(load_runs([written.parent])) == 26


@pytest.mark.parametrize("place", ["report", "report/index.html", "report/tables", "report/tables/groups.csv"])
def test_a_link_among_somebody_elses_runs_leads_nothing_out(tmp_path, place):
    write_run(tmp_path / "runs" / "a", **judged([3], [3]))
    victim, link = tmp_path / "victim", tmp_path / "runs" / place
    link.parent.mkdir(parents=True, exist_ok=True)
    is_file = "." in place
    victim.write_text("mine") if is_file else victim.mkdir()
    link.symlink_to(victim)
    if is_file:
        build([tmp_path / "runs"])
        assert victim.read_text() == "mine"
        assert not link.is_symlink()
    else:
        with pytest.raises(UserError, match=f"{place} is a link to"):
            build([tmp_path / "runs"])
        assert not list(victim.iterdir())


@pytest.mark.slow
def test_names_that_are_paths_or_alike_stay_in_their_folder_and_apart(tmp_path):
    for number, word in enumerate(["/../../../../victim/x", "a/b", "a b", "A_B", "x" * 300, "\udcff"]):
        told = judged([3], [3], seed=number) | {"dataset": word, "attack": word, "screening": word}
        write_run(tmp_path / "runs" / f"{number}", **told)
    before = set(tmp_path.rglob("*"))
    report = build([tmp_path / "runs"]).parent
    assert {path.parent.name for path in set(tmp_path.rglob("*")) - before} <= {"runs", "report", "tables", "figures"}
    assert len({path.name.casefold() for path in (report / "tables").glob("matrix_*.csv")}) == 6
    assert len({path.name.casefold() for path in (report / "figures").glob("asr_*.pdf")}) == 6
    assert "\\udcff" in (report / "index.html").read_text()


def test_results_without_a_digest_are_said_to_be_unproven(tmp_path):
    write_run(tmp_path / "runs" / "a", **judged([3], [3]))
    text = build([tmp_path / "runs"], page_only=True).read_text()
    assert "1 finished run is unproven: no digest" in text
    write_result(tmp_path / "runs" / "a" / "result.json", RESULT | judged([3], [3]))
    assert "unproven" not in build([tmp_path / "runs"], page_only=True).read_text()


def test_detection_stands_in_the_cells_that_have_enough_models_and_controls(tmp_path):
    for seed in range(5):
        for unlearner, classes in (("rt", [3]), ("ft", [3]), ("none", [])):
            if unlearner != "ft" or seed < 4:
                told = judged(classes, classes, seed=seed) | {"unlearner": unlearner}
                write_run(tmp_path / "runs" / f"{unlearner}{seed}", **told)
    page = build([tmp_path / "runs"]).read_text()
    assert re.findall(r"detected ([0-9.]+) <small>", page) == ["100.0"]
    lines = (tmp_path / "runs" / "report" / "tables" / "detection.csv").read_text().splitlines()
    assert [line.split(",")[3] for line in lines[1:]] == ["rt", "ft"]
