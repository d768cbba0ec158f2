"""Runs from a CSV are those that were written into it."""

import io
import math

import pytest

from tests.report.made import judged, write_run
from tests.report.made import run as made
from tests.report.sweep import write_sweep
from unlearnleak.analysis.groups import distinct
from unlearnleak.analysis.matrix import matrices
from unlearnleak.analysis.shuffle import shuffled
from unlearnleak.errors import UserError
from unlearnleak.report import load
from unlearnleak.report.build import build
from unlearnleak.report.tables.leaks import markdown
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs, to_csv
from unlearnleak.runs.stored import GoneError, Stores

COLUMNS = (
    "dataset model unlearner attack screening forgotten seed_data seed_forget asr exact_match asr_constant gate verdict"
)


def row(**changed):
    cells = dict(
        zip(COLUMNS.split(), ("d", "m", "rt", "a", "s", "3", "0", "0", "1", "1", "0.9", "passed", "3"), strict=True)
    )
    return COLUMNS.replace(" ", ",") + "\n" + ",".join((cells | changed).values()) + "\n"


def written(runs, path, columns=None):
    text = io.StringIO()
    to_csv(runs, text, columns)
    path.write_text(text.getvalue())
    return path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return load_runs([write_sweep(tmp_path_factory.mktemp("sweep"))])


@pytest.fixture
def table(sweep, tmp_path):
    return written(sweep, tmp_path / "runs.csv")


def test_every_number_comes_back(sweep, table):
    back = load_runs([table])
    assert len(back) == len(sweep)
    for one, old in zip(back, sweep, strict=True):
        for key in ("status", "why", "dataset", "unlearner", "forgotten", "verdict", "seeds", "gate", "key_evidence"):
            assert one.get(key) == old.get(key), key
        for key in ("asr", "auroc", "asr_published", "exact_match", "seconds_evidence"):
            assert (one.get(key) is None) == (old.get(key) is None)
            assert one.get(key) is None or math.isclose(one[key], old[key], rel_tol=1e-5)
        assert one.get("scores", []) == pytest.approx(old.get("scores", []))


def test_the_tables_are_the_same(sweep, table):
    assert markdown(framed(load_runs([table]))) == markdown(framed(sweep))
    assert [m.lines for m in matrices(framed(load_runs([table])))] == [m.lines for m in matrices(framed(sweep))]


def test_a_settings_word_that_looks_like_a_number_stays_a_word(tmp_path):
    write_run(tmp_path / "runs" / "a", **judged([3], [3]) | {"settings": "5e771465"})
    (back,) = load_runs([written(load_runs([tmp_path / "runs"]), tmp_path / "a.csv")])
    assert back["settings"] == "5e771465"


def test_a_time_keeps_its_seconds(tmp_path):
    write_run(tmp_path / "runs" / "a", **judged([3], [3]) | {"began": 1795226580.7})
    (back,) = load_runs([written(load_runs([tmp_path / "runs"]), tmp_path / "a.csv")])
    assert back["began"] == 1795226581


def test_the_control_that_was_judged_silent_has_empty_lists_and_a_failed_run_none(tmp_path):
    write_run(tmp_path / "runs" / "a", **judged([], []))
    write_run(tmp_path / "runs" / "b", "failed", "ValueError: no")
    done, failed = load_runs([written(load_runs([tmp_path / "runs"]), tmp_path / "a.csv")])
    assert (done["forgotten"], done["verdict"]) == ([], [])
    assert (failed["status"], failed["why"]) == ("failed", "ValueError: no")
    assert "forgotten" not in failed
    assert "asr" not in failed


def test_a_job_in_a_folder_and_in_a_csv_counts_once(tmp_path):
    identity = {"keys": ["a", "b", "c"], "classes": [3], "gate": {"forget_acc": 0.05}, "logger": {}}
    write_run(tmp_path / "runs" / "a", **judged([3], [3]), identity=identity)
    write_run(tmp_path / "runs" / "b", **judged([4], [4]), identity=identity | {"classes": [4]})
    folder = load_runs([tmp_path / "runs"])
    both = load_runs([tmp_path / "runs", written(folder, tmp_path / "a.csv")])
    assert (len(both), len(distinct(framed(both)))) == (4, 2)


def test_few_columns_are_enough_and_the_page_says_what_is_not_there(sweep, tmp_path):
    done = [run for run in sweep if run["status"] == "done"]
    few = written(done, tmp_path / "few.csv", COLUMNS.split())
    page = build([few], page_only=True)
    assert page == tmp_path / "few-report" / "index.html"
    text = page.read_text()
    assert f"{len(done)} runs were read from {few}" in text
    for words in (
        "runs that failed or were skipped",
        "scores per class",
        "when runs ended",
        "few.csv names no evidence",
    ):
        assert words in text
    with pytest.raises(UserError, match=r"few\.csv.line 2 lacks num_classes, scores"):
        shuffled(load_runs([few]), 0)


def test_artifacts_are_found_where_the_store_is_named(sweep, table):
    run = next(one for one in load_runs([table]) if one.get("key_evidence"))
    store = sweep[0]["directory"].parents[1] / "store"
    assert Stores(store).arrays(run, "evidence")["samples_KMF"].shape[0] == 10
    with pytest.raises(GoneError, match=r"runs\.csv does not name"):
        Stores().arrays(run, "evidence")


def test_notebooks_get_them_too(table, sweep):
    frame = load(table)
    assert len(frame) == len(sweep)
    assert set(frame["csv"]) == {str(table)}
    assert frame["directory"].iloc[0].endswith("line 2")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n1,2\n", "no table of runs: it lacks the columns dataset"),
        ("", "no table of runs"),
        (b"\xff\xfe\x00", "cannot be read as a CSV: it is no UTF-8 .* Save it as UTF-8"),
        ("größe".encode("latin-1"), "cannot be read as a CSV: it is no UTF-8"),
        (COLUMNS.replace(" ", ";") + "\nd;m\n", "with commas between its cells"),
        (COLUMNS.replace(" ", ",") + ",asr\n", "it has the columns asr more than once"),
        ("a" * 200_000, "cannot be read as a CSV .field larger than field limit"),
        (COLUMNS.replace(" ", ",") + "\nd,m,rt,a,s,3,0,0,much,1,0.9,passed,3\n", "line 2: asr='much' is no number"),
        (row(asr="nan"), "a.csv, line 2: asr='nan' is no number"),
        (row(asr="inf"), "line 2: asr='inf' is no number"),
        (row(asr="1e999"), "line 2: asr='1e999' is no number"),
        (row(asr="1\0"), r"line 2: asr='1.x00' is no number"),
        (row(asr="9" * 5000), "line 2: asr='9999.* is no number"),
        (row(asr=""), "line 2: lacks asr"),
        (row(asr="90"), "line 2: asr=90: Input should be less than or equal to 1"),
        (row(forgotten="3 3"), r"line 2: forgotten=.3, 3. names a class twice"),
        (row(verdict="-1"), "line 2: verdict=.-1.: Input should be greater"),
        (row(gate="half"), "line 2: gate='half': Input should be 'passed'"),
        (row(seed_data="x"), "line 2: seed_data='x' is no number"),
        (COLUMNS.replace(" ", ",") + "\nd,m,rt,a,s,x,0,0,1,1,0.9,passed,3\n", "line 2: forgotten='x' is no number"),
        (COLUMNS.replace(" ", ",") + "\nd,m,rt\n", "line 2 has more or fewer cells"),
    ],
)
def test_what_is_no_table_of_runs_is_refused_in_words(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=words):
        load_runs([path])


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_what_a_spreadsheet_saves_is_read_alike(tmp_path, start, end):
    (tmp_path / "a.csv").write_text(start + row().replace("\n", end), newline="")
    (run,) = load_runs([tmp_path / "a.csv"])
    assert (run["dataset"], run["asr"], run["forgotten"]) == ("d", 1, [3])


def test_columns_of_somebodys_own_may_hold_anything(tmp_path):
    head, cells, _ = row().split("\n")
    (tmp_path / "a.csv").write_text(f"{head},note,mine,directory,csv\n{cells},nan,two words,x,y\n")
    (run,) = load_runs([tmp_path / "a.csv"])
    assert (run["note"], run["mine"], run["csv"]) == ("nan", "two words", str(tmp_path / "a.csv"))
    assert run["directory"] == tmp_path / "a.csv" / "line 2"


def test_the_strengths_of_a_defence_come_back_from_a_csv(tmp_path):
    told = {"defense": "mine", "defense_settings": {"scale": 0.25, "keep": 3, "how": "=mean", "layers": [1, 2]}}
    with (tmp_path / "a.csv").open("w", newline="") as file:
        to_csv([made(**judged([3], [3])) | told | {"forget_samples": 12, "detection_score": -0.5}], file)
    (run,) = load_runs([tmp_path / "a.csv"])
    assert run["defense_settings"] == {"scale": 0.25, "keep": 3, "how": "=mean"}
    assert (run["defense"], run["forget_samples"], run["detection_score"]) == ("mine", 12, -0.5)
