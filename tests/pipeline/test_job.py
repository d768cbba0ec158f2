"""One job: its files, its W&B run, and what happens on failure and on repetition."""

import json
import os
import shutil
import time

import pytest

from tests.jobs import composed, overrides_in
from tests.logger.offline import read_offline
from unlearnleak.attack.param_dot import ParameterDotProduct
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.pipeline import evaluate as evaluation
from unlearnleak.pipeline.job import run_job
from unlearnleak.runs.status import RESULT, STATUS
from unlearnleak.screening.youden import Youden

WANDB = ["logger=wandb", "logger.mode=offline", "logger.project=p", "logger.entity=null", "unlearner=ft"]


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("WANDB_") and name != "WANDB_SERVICE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


AFTERWARDS = ("logged", "logged_why", "digest")
"""What only the written result has."""


def job(folder, *overrides, run="run", sweep=False):
    return run_job(composed(*overrides_in(folder, *overrides)), folder / run, sweep=sweep)


def status(folder, run="run"):
    return json.loads((folder / run / STATUS).read_text())


def as_json(value):
    return json.loads(json.dumps(value))


def test_a_job_leaves_its_result(tmp_path, caplog):
    with caplog.at_level("INFO"):
        result = job(tmp_path)
    assert status(tmp_path)["status"] == "done"
    assert json.loads((tmp_path / "run" / RESULT).read_text()) == as_json(result)
    for key in ("asr", "asr_constant", "exact_match", "forget_acc", "gate", "key_verdict", "versions", "revision"):
        assert key in result
    assert f"ASR       {100 * result['asr']:.1f} %" in caplog.text


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """The same job computed, and found in the store by another run; then both W&B runs read back."""
    folder = tmp_path_factory.mktemp("logged")
    results = [job(folder, *WANDB, run=name) for name in ("miss", "hit")]
    runs = [read_offline(folder / name) for name in ("miss", "hit")]
    return results, runs


def test_wandb_has_the_keys_and_values_of_the_result(logged):
    for result, (run,) in zip(*logged, strict=True):
        assert run.exit_code == 0
        assert result["logged"] is True  # which only the end of logging can tell: not in what was logged
        logged = {key: value for key, value in result.items() if key not in AFTERWARDS}
        assert set(run.summary) == set(logged)
        for key, value in as_json(logged).items():
            assert run.summary[key] == value or (value == {} and not run.summary[key]), key


def test_wandb_is_told_where_the_run_belongs(logged):
    _, ((run, *_), _) = logged
    assert (run.name, run.group, run.job_type, run.project) == ("miss", "adhoc", "param_dot", "p")
    assert run.tags == ["images", "lenet", "ft", "param_dot", "youden"]
    assert (run.config["unlearner"], run.config["unlearner_attack"]) == ("ft", "ft / param_dot")


def test_a_hit_logs_what_a_miss_logs(logged):
    (first, second), ((miss,), (hit,)) = logged
    assert (first["stored_original"], second["stored_original"]) == (False, True)
    assert miss.curve("original") == hit.curve("original")
    assert [row["epoch"] for row in hit.curve("original")] == [1, 2]
    assert miss.curve("unlearned") == hit.curve("unlearned") != []
    assert miss.table("class_scores") == hit.table("class_scores")
    for c in range(4):
        assert miss.histogram(f"dot_products/class_{c}") == hit.histogram(f"dot_products/class_{c}")
        assert sum(hit.histogram(f"dot_products/class_{c}")[1]) == 3
    stored = {key for key in first if key.startswith("stored_") or key == "digest"}
    assert {k: v for k, v in first.items() if k not in stored} == {k: v for k, v in second.items() if k not in stored}


def test_a_failed_job_is_a_failed_wandb_run(tmp_path, monkeypatch):
    def broken(self, evidence):
        raise ArithmeticError("the screening has a bug")

    monkeypatch.setattr(Youden, "__call__", broken)
    with pytest.raises(ArithmeticError):
        job(tmp_path, *WANDB)
    (run,) = read_offline(tmp_path)
    assert run.exit_code == 1
    assert "asr" not in run.summary
    assert not (tmp_path / "run" / RESULT).exists()


def test_a_failure_keeps_its_stack_trace_in_the_run(tmp_path, monkeypatch, caplog):
    def broken(self, evidence):
        raise ArithmeticError("the screening has a bug")

    monkeypatch.setattr(Youden, "__call__", broken)
    with caplog.at_level("DEBUG", logger="unlearnleak"), pytest.raises(ArithmeticError):
        job(tmp_path)
    entry = status(tmp_path)
    assert (entry["status"], entry["why"]) == ("failed", "ArithmeticError: the screening has a bug")
    assert "in broken" in entry["traceback"]
    # Into run.log, which takes DEBUG, and not to the terminal, which takes INFO.
    traced = [entry for entry in caplog.records if entry.exc_info]
    assert [entry.levelname for entry in traced] == ["DEBUG"]


def test_a_secret_of_the_environment_is_in_no_file_of_a_run_that_fails_over_it(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef0123")

    def broken(self, evidence):
        raise ArithmeticError(f"refused: {os.environ['WANDB_API_KEY']}")

    monkeypatch.setattr(Youden, "__call__", broken)
    with caplog.at_level("DEBUG", logger="unlearnleak"), pytest.raises(ArithmeticError):
        job(tmp_path)
    assert status(tmp_path)["why"] == "ArithmeticError: refused: [WANDB_API_KEY]"
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert not [content for content in written if b"0123456789abcdef0123" in content]
    assert "0123456789abcdef0123" not in caplog.text


def test_a_mistake_is_a_failed_run_with_its_message(tmp_path):
    with pytest.raises(UserError):
        job(tmp_path, "forget_classes=[9]")
    assert "there is no class 9" in status(tmp_path)["why"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_stopped_job_is_a_failed_one(tmp_path, monkeypatch, stop):
    def stopped(self, *handed):
        raise stop(143)

    monkeypatch.setattr(ParameterDotProduct, "__call__", stopped)
    with pytest.raises(stop):
        job(tmp_path)
    assert status(tmp_path)["status"] == "failed"


def test_a_wrong_pair_is_skipped_in_a_sweep_and_refused_alone(tmp_path, computed, caplog):
    with caplog.at_level("INFO"):
        assert job(tmp_path, "screening=entropy", sweep=True) is None
    assert status(tmp_path)["status"] == "skipped"
    assert "Screenings that can: kmeans, outlier, youden" in status(tmp_path)["why"]
    assert "skipped: screening=entropy" in caplog.text
    with pytest.raises(Incompatible):
        job(tmp_path, "screening=entropy", sweep=False)
    assert status(tmp_path)["status"] == "failed"
    assert computed == []


def test_in_a_sweep_every_failure_is_told_when_it_happens(tmp_path, caplog):
    with caplog.at_level("INFO"), pytest.raises(UserError):
        job(tmp_path, "forget_classes=[9]", sweep=True)
    assert "failed: forget_classes=[9]" in caplog.text


def test_a_finished_job_again_does_nothing(tmp_path, computed, caplog):
    first = job(tmp_path, *WANDB)
    assert len(read_offline(tmp_path)) == 1
    computed.clear()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.name != STATUS}
    start = time.perf_counter()
    with caplog.at_level("INFO"):
        again = job(tmp_path, *WANDB)
    print(f"again: {time.perf_counter() - start:.3f} s")
    assert again == as_json(first)
    assert computed == []
    assert "nothing to do" in caplog.text
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.name != STATUS}
    assert after == before
    assert status(tmp_path)["status"] == "done"


CHANGED = {
    "another gate": ["gate.forget_acc=0.5"],
    "another logger": ["logger=none", "logger_changed"],
    "another model": ["training.lr=0.011"],
    "another verdict": ["screening=kmeans"],
}


@pytest.mark.parametrize("overrides", CHANGED.values(), ids=CHANGED.keys())
def test_a_result_stands_only_for_the_same_job(tmp_path, overrides, caplog):
    base = ["logger=none"]
    if "logger_changed" in overrides:
        base, overrides = ["logger=wandb", "logger.mode=disabled"], overrides[:1]
    job(tmp_path, *base)
    with caplog.at_level("INFO"):
        job(tmp_path, *(word for word in base if not overrides[0].startswith("logger=")), *overrides)
    assert "nothing to do" not in caplog.text


def test_the_controls_classes_are_part_of_its_result(tmp_path):
    first = job(tmp_path, "unlearner=none", "attack=head_sum", "forget_classes=[1]")
    second = job(tmp_path, "unlearner=none", "attack=head_sum", "forget_classes=[2]")
    assert first["key_verdict"] == second["key_verdict"]
    assert second["forget_classes"] == [2]


def test_a_new_evaluation_evaluates_anew(tmp_path, monkeypatch, computed):
    job(tmp_path)
    computed.clear()
    monkeypatch.setattr("unlearnleak.pipeline.job.VERSION", evaluation.VERSION + 1)
    monkeypatch.setattr(evaluation, "gate", lambda *_, **__: {"gate": "by another rule", "gate_reasons": []})
    assert job(tmp_path)["gate"] == "by another rule"
    assert computed == []


@pytest.mark.parametrize("damage", [b"", b'{"asr": 1'], ids=["empty", "half"])
def test_a_result_that_is_not_whole_is_made_again_from_the_store(tmp_path, computed, damage):
    first = job(tmp_path)
    (tmp_path / "run" / RESULT).write_bytes(damage)
    computed.clear()
    again = job(tmp_path)
    assert computed == []
    assert (again["asr"], again["key_verdict"]) == (first["asr"], first["key_verdict"])


def test_a_result_outlives_the_store(tmp_path, computed):
    job(tmp_path)
    shutil.rmtree(tmp_path / "store")
    computed.clear()
    job(tmp_path)
    assert set(computed) <= {"data"}
