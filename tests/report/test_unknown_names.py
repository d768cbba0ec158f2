"""Unlearners, attacks, screenings and stages that this package has never heard of are in every table and figure."""

import csv
import io
import json
import sys

import pytest
import torch

from tests.cli.called import call
from tests.jobs import composed, overrides_in
from tests.report.made import hydra, judged, keep, write_run
from unlearnleak.analysis.names import UNLEARNERS
from unlearnleak.figure.looks import looks
from unlearnleak.pipeline.job import run_job
from unlearnleak.report.build import build

UNLEARNER = "from unlearnleak.unlearner.rt import Retrain\nclass Scrub(Retrain):\n    version = 1\n"
ATTACK = "from unlearnleak.attack.head_sum import HeadSum\nclass Row(HeadSum):\n    version = 1\n"
METADATA = "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n"


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """An installed distribution with an unlearner, `scrub`, and an attack, `row_score`."""
    site = tmp_path / "site"
    for name, text in {"acme/__init__": "", "acme/scrub": UNLEARNER, "acme/row_score": ATTACK}.items():
        path = site / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    info = site / "acme-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(METADATA)
    info.joinpath("entry_points.txt").write_text("[unlearnleak.plugins]\nacme = acme\n")
    monkeypatch.syspath_prepend(str(site))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "acme"]:
        del sys.modules[name]


def written(folder) -> dict[str, str]:
    """The text of the page and of the files for papers."""
    files = [path for path in folder.rglob("*") if path.suffix in (".html", ".csv", ".md", ".tex")]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_runs_of_a_plugin_are_in_every_table_and_figure(plugin, tmp_path, capsys):
    words = ("unlearner=rt", "attack=head_sum", "forget_classes=[1]")
    words += ("unlearner._target_=acme.scrub.Scrub", "attack._target_=acme.row_score.Row")
    run_job(composed(*overrides_in(tmp_path, *words)), tmp_path / "runs" / "own", sweep=True)
    write_run(tmp_path / "runs" / "known", **judged([1], [1], classes=4), unlearner="ng", attack="row_score")
    for form in ([], ["--markdown"], ["--pivot", "exact"], ["--csv"]):
        assert call("table", tmp_path / "runs", *form) == 0
        text = capsys.readouterr().out
        assert "scrub" in text
        assert "row_score" in text
    assert call("variance", tmp_path / "runs") == 0
    assert "scrub" in capsys.readouterr().out
    texts = written(build([tmp_path / "runs"]).parent)
    for name in (
        "index.html",
        "tables/attacks.csv",
        "tables/groups.csv",
        "tables/runs.csv",
        "tables/matrix_images.csv",
    ):
        assert "row_score" in texts[name], name
    assert any("scrub" in text for name, text in texts.items() if name.startswith("figures/asr_row_score_"))
    assert "scrub" in texts["figures/forget_retain.csv"]
    assert "<code>row_score</code>" in texts["index.html"]  # unknown, so no baseline: the best attack


def test_twenty_unlearners_and_twenty_attacks_are_told_apart(tmp_path):
    words = [f"method_{chr(97 + i)}" for i in range(20)]
    for word in words:
        write_run(tmp_path / "runs" / f"u_{word}", **judged([3], [3]), unlearner=word, screening=f"s_{word}")
        write_run(tmp_path / "runs" / f"a_{word}", **judged([3], [3]), attack=word)
    page = build([tmp_path / "runs"], page_only=True).read_text()
    matrix = page.partition('<section id="figures">')[0]
    assert [word for word in words if f'<th scope="row">{word} <span>' not in matrix] == []
    assert [word for word in words if f'<th scope="col">{word}<br>' not in matrix] == []
    assert [word for word in words if f"{word}</li>" not in page] == []  # the key of the accuracies' figure
    found = looks([*words, *UNLEARNERS], UNLEARNERS)
    assert len(set(found.values())) == 26
    assert list(found)[:6] == list(UNLEARNERS)
    assert {word: found[word] for word in UNLEARNERS} == looks(UNLEARNERS, UNLEARNERS)


def test_evidence_of_a_known_kind_is_drawn_whoever_collected_it(tmp_path):
    shapes = {"dot_product": (10, 5, 1), "difference": (10, 5, 3), "prediction": (10, 2, 10)}
    for kind, shape in shapes.items():
        images = {"images_KCHW": torch.rand(10, 1, 4, 4)} if kind == "prediction" else {}
        key = keep(tmp_path / "store", "evidence", {"kind": kind}, samples_KMF=-torch.rand(shape), **images)
        told = judged([3], [3]) | {"attack": f"own_{kind}", "key_evidence": key}
        hydra(write_run(tmp_path / "runs" / kind, **told), tmp_path / "store", [])
    texts = written(build([tmp_path / "runs"]).parent)
    names = {"figures/dot_product_own_dot_product.csv", "figures/difference_own_difference.csv"}
    assert names | {"figures/fig4_probability_own_prediction.csv"} <= texts.keys()
    assert "own_prediction" in texts["figures/fig3_inverted_images.csv"]
    assert 'alt="Inverted image of class 3, forgotten"' in texts["index.html"]


def defended(folder, seed: int, word: str | None, verdict: list[int]) -> None:
    """A run with or without a defence, whose stages are those of its results alone."""
    stages = ["data", "original", "unlearned", *(["defended"] if word else []), "evidence", "verdict"]
    told = judged([3], verdict, seed=seed) | {"unlearner": "ft"} | ({"defense": word} if word else {})
    told |= {f"key_{stage}": f"{stage}{seed}" for stage in stages} | {f"seconds_{stage}": 2.0 for stage in stages}
    write_run(folder / f"{word}{seed}", **told)


def test_defended_runs_are_never_averaged_with_others(tmp_path, capsys):
    for seed in range(6):
        defended(tmp_path / "before", seed, None, [3])
        defended(tmp_path / "after", seed, "weight_noise", [])
    both = [tmp_path / "before", tmp_path / "after"]
    assert call("table", *both, "--markdown") == 0
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert {line[3]: line[5] for line in lines[2:]} == {"ft": "100.0", "ft + weight_noise": "90.0"}
    texts = written(build(both).parent)
    groups = {row["unlearner"]: row for row in csv.DictReader(io.StringIO(texts["tables/groups.csv"]))}
    assert {name: row["n"] for name, row in groups.items()} == {"ft": "6", "ft + weight_noise": "6"}
    assert "<dt>defence</dt>" in texts["index.html"]
    assert (
        "ft + weight_noise" in texts["figures/forget_retain.csv"]
        or "weight_noise" in texts["figures/forget_retain.csv"]
    )
    page = build([tmp_path / "after"], against=[tmp_path / "before"], page_only=True).read_text()
    assert "ft → ft + weight_noise (1 class): param_dot / youden" in page
    assert "McNemar, exact, 6 pairs" in page


def test_a_stage_of_some_runs_alone_is_in_costs_details_and_dashboards(tmp_path, capsys):
    for seed in range(2):
        defended(tmp_path / "runs", seed, None, [3])
    defended(tmp_path / "runs", 2, "weight_noise", [3])
    page = build([tmp_path / "runs"], page_only=True).read_text()
    chips = page.partition("<dt>computing</dt>")[2].partition("</dd>")[0]
    places = [chips.index(stage) for stage in ("unlearned", "defended", "evidence")]
    assert places == sorted(places)
    assert page.count('<th scope="row">defended</th>') == 1
    assert call("table", tmp_path / "runs", "--csv") == 0
    text = capsys.readouterr().out
    header = next(csv.reader(io.StringIO(text)))
    keys = [name.removeprefix("key_") for name in header if name.startswith("key_")]
    assert keys == ["data", "original", "unlearned", "defended", "evidence", "verdict"]
    (tmp_path / "runs.csv").write_text(text)
    again = build([tmp_path / "runs.csv"], page_only=True).read_text()
    assert chips == again.partition("<dt>computing</dt>")[2].partition("</dd>")[0]
    assert call("dashboard", tmp_path / "runs", "--project", "x") == 0
    shown = json.loads(capsys.readouterr().out)
    assert '"seconds_defended"' in json.dumps(shown)


def test_forgotten_shares_and_samples_stand_apart_and_a_run_may_have_no_original(tmp_path, capsys):
    sample = {"forget_level": "sample"}
    none = {"original_forget_acc": None, "original_retain_acc": None, "key_original": None, "key_unlearned": "k"}
    rows = {**sample, "forget_samples": 4}
    for seed, changed in enumerate(({}, {"forget_share": 0.2, **sample}, {"forget_share": None, **sample}, none, rows)):
        told = judged([3], [3], seed=seed) | {"forget_level": "class", "forget_share": 1.0}
        write_run(tmp_path / "runs" / str(seed), **(told | changed))
    assert call("table", tmp_path / "runs", "--markdown") == 0
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert [line[3] for line in lines[2:]] == ["rt", "rt (20 %)", "rt (4 samples)", "rt (samples)"]
    for words in (["variance"], ["paper"], ["table", "--csv"]):
        assert call(words[0], tmp_path / "runs", *words[1:]) == 0
    assert "rt (20 %)" in build([tmp_path / "runs"], page_only=True).read_text()
