import subprocess
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

import unlearnleak
from tests.jobs import pipeline_in
from unlearnleak.logger.none import NoLogger
from unlearnleak.pipeline import record
from unlearnleak.pipeline.evaluate import evaluate_run


class Recorder(NoLogger):
    """Keeps what a logger is told."""

    def __init__(self) -> None:
        self.curves, self.tables, self.histograms, self.shown = {}, {}, {}, {}

    def curve(self, name, rows):
        self.curves[name] = rows

    def table(self, name, columns, rows):
        self.tables[name] = (columns, rows)

    def histogram(self, name, groups):
        self.histograms[name] = groups

    def images(self, name, images_NCHW, captions):
        self.shown[name] = (images_NCHW, captions)


def recorded(folder, *overrides):
    pipeline = pipeline_in(folder, *overrides)
    result = record.description(pipeline, "adhoc") | evaluate_run(pipeline)
    told = Recorder()
    record.log_pictures(told, pipeline, result)
    return pipeline, result, told


@pytest.fixture(scope="module")
def dots(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("dots"), "unlearner=ft", "forget_classes=[2]")


def test_curves_are_the_stored_ones(dots):
    pipeline, _, told = dots
    assert told.curves == {name: pipeline.artifact(name).meta["curve"] for name in ("original", "unlearned")}
    assert [row["epoch"] for row in told.curves["original"]] == [1, 2]


def test_the_table_has_a_row_a_class(dots):
    pipeline, result, told = dots
    columns, rows = told.tables["class_scores"]
    assert columns == ["class", "score", "judged_forgotten", "forgotten"]
    verdict = pipeline.artifact("verdict").tensors
    expected = zip(
        range(4), verdict["score_K"].tolist(), verdict["forgotten_K"].tolist(), [False, False, True, False], strict=True
    )
    assert rows == [list(row) for row in expected]
    assert result["forgotten"] == [2]


def test_a_histogram_holds_a_classs_dot_products(dots):
    pipeline, _, told = dots
    samples = pipeline.artifact("evidence").tensors["samples_KMF"].numpy()
    assert samples.shape == (4, 3, 1)
    assert list(told.histograms["dot_products"]) == [f"class_{c}" for c in range(4)]
    for c, values in enumerate(told.histograms["dot_products"].values()):
        np.testing.assert_array_equal(np.float32(values), samples[c, :, 0])
    assert told.shown == {}


def test_inverted_images_are_shown_with_the_truth(tmp_path):
    pipeline, _, told = recorded(tmp_path, "attack=inversion_genetic", "forget_classes=[1]")
    images, captions = told.shown["inverted"]
    stored = pipeline.artifact("evidence").tensors["images_KCHW"].numpy()
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, np.rint(stored * 255))
    assert captions == ["class 0", "class 1, forgotten", "class 2", "class 3"]
    assert told.histograms == {}


def test_an_unlearned_model_that_was_not_trained_has_no_curve(tmp_path):
    _, _, told = recorded(tmp_path, "unlearner=none", "attack=head_sum")
    assert set(told.curves) == {"original"}


def test_the_description_has_the_words_of_the_command_line_and_the_files_name(dots):
    _, result, _ = dots
    words = {name: result[name] for name in ("dataset", "model", "unlearner", "attack", "screening")}
    assert list(words.values()) == ["images", "lenet", "ft", "param_dot", "youden"]
    assert result["seeds"] == {"data": 0, "forget": 0, "original": 0, "unlearning": 0, "attack": 0}
    assert result["forget_classes"] == [2]


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ((), None),
        (("attack.hard_classes=1",), "1 hard class a shadow target"),
        (("auxiliary.per_class=5", "attack.hard_classes=2"), "5 a class, 2 hard classes a shadow target"),
        (("attack.shadow_most=3",), "shadow targets forget up to 3"),
    ],
)
@pytest.mark.parametrize("attack", ["param_dot", "relearn", "inversion_shadow"])
def test_an_attacker_who_is_calibrated_otherwise_is_told_from_the_usual_one(tmp_path, attack, words, held):
    told = record.description(pipeline_in(tmp_path, f"attack={attack}", *words), "adhoc")
    assert told.get("held") == held


def test_the_summary_says_what_matters(dots):
    _, result, _ = dots
    text = record.summary(result, Path("somewhere/run"))
    assert "images lenet, ft of class 2, param_dot / youden" in text
    assert f"ASR       {100 * result['asr']:.1f} % (constant answer 75.0 %" in text
    assert "in truth 2" in text
    assert "(stored)" not in text
    assert "somewhere/run" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    stored = record.summary(result | {"stored_original": True, "verdict": [], "asr_published": None}, Path())
    assert stored.count("(stored)") == 1
    assert "verdict   none" in stored
    assert "as published -" in stored


def test_the_control_forgot_nothing(tmp_path):
    _, result, _ = recorded(tmp_path, "unlearner=none", "attack=head_sum", "forget_classes=[1]")
    assert "in truth none" in record.summary(result, Path())


def test_the_summary_says_what_part_was_forgotten_and_what_defends(dots):
    _, result, _ = dots
    part = {"forget_level": "sample", "forget_samples": 4, "defense": "weight_noise"}
    assert "ft of 4 samples of class 2, then weight_noise, param_dot" in record.summary(result | part, Path())
    assert "ft of samples of class 2" in record.summary(
        result | {"forget_level": "sample", "forget_samples": None}, Path()
    )


def test_the_summary_of_a_run_whose_truth_nobody_knows_speaks_of_no_forgotten_class(dots):
    _, result, _ = dots
    nobody = {"gate": "unknown", "gate_reasons": [], "exact_match": None, "unlearner": "imported"}
    none = {"original_forget_acc": None, "forget_acc": None, "original_retain_acc": None}
    text = record.summary(result | nobody | none | {"retain_acc": 0.794}, Path())
    assert "images lenet, imported, param_dot / youden" in text
    assert "what was forgotten is not known" in text
    assert "  accuracy  79.4 % over all classes\n" in text
    assert "class 2" not in text
    both = record.summary(result | nobody | none | {"retain_acc": 0.794, "original_retain_acc": 0.9}, Path())
    assert "  accuracy  79.4 % over all classes, before 90.0 %\n" in both


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


def test_the_revision_is_that_of_the_source_and_says_if_it_was_changed(tmp_path, monkeypatch):
    source = tmp_path / "unlearnleak" / "__init__.py"
    source.parent.mkdir()
    source.touch()
    monkeypatch.setattr(unlearnleak, "__file__", str(source))

    def revision():
        record.git_revision.cache_clear()
        return record.git_revision()

    try:
        assert revision() is None
        git(tmp_path, "init")
        git(tmp_path, "commit", "--allow-empty", "-m", "somebody else's")
        assert revision() is None  # an installed copy within another project's checkout
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-m", "ours")
        clean = revision()
        assert len(clean) == 40
        source.write_text("# changed\n")
        assert revision() == f"{clean}+changes"
        monkeypatch.setenv("PATH", str(tmp_path))
        assert revision() is None  # no git at all
    finally:
        record.git_revision.cache_clear()


def test_versions_and_device(dots, monkeypatch):
    pipeline, _, _ = dots
    found = record.provenance(pipeline)
    assert found["device"] == "cpu"
    assert {"unlearnleak", "python", "torch", "wandb"} <= set(found["versions"])

    def version(package):
        if package == "wandb":
            raise PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(record, "version", version)
    assert record.provenance(pipeline)["versions"]["wandb"] is None
