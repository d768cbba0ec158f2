"""One row per run, with the keys of result.json."""

import pandas as pd
import pytest

from tests.report.made import judged, write_run
from unlearnleak.report import load


@pytest.fixture
def frame(tmp_path):
    write_run(tmp_path / "digits-lenet-rt-3-param_dot-youden-s0-aaaaaaaa", **judged([3], [3, 4], seed=7))
    write_run(tmp_path / "digits-lenet-ng-draw3-param_diff-decision_tree-s4-bbbbbbbb", "failed", "ValueError: no")
    write_run(tmp_path / "other", "skipped", "no pair")
    write_run(tmp_path / ".stages" / "digits-lenet-rt-3-param_dot-youden-s0-cccccccc")
    return load(tmp_path).set_index("status")


def test_numbers_are_those_of_result_json(frame):
    done = frame.loc["done"]
    assert done["asr"] == 0.9
    assert done["forgotten"] == [3]
    assert done["verdict"] == [3, 4]


def test_nested_keys_are_joined_by_dots(frame):
    assert frame.loc["done", "seeds.original"] == 7
    assert frame.loc["done", "versions.torch"] == "2.15.0"


def test_runs_without_a_result_have_their_words_and_no_numbers(frame):
    failed = frame.loc["failed"]
    assert [failed[key] for key in ("dataset", "unlearner", "attack", "screening")] == [
        "digits",
        "ng",
        "param_diff",
        "decision_tree",
    ]
    assert (failed["why"], failed["asked"], failed["seed"]) == ("ValueError: no", "draw3", "4")
    assert frame.loc[["failed", "skipped"], "asr"].isna().all()
    assert frame.loc["skipped", "unlearner"] == "-"


def test_a_sweeps_own_folders_are_no_runs(frame):
    assert len(frame) == 3


def test_columns_have_types_and_what_is_missing_is_na(frame):
    told = frame.dtypes.astype(str)
    assert {name: told[name] for name in ("dataset", "why", "asr", "exact_match", "num_classes", "queries")} == {
        "dataset": "string",
        "why": "string",
        "asr": "Float64",
        "exact_match": "Float64",
        "num_classes": "Int64",
        "queries": "Int64",
    }
    assert frame.loc["failed", "num_classes"] is pd.NA
    assert frame.loc["done", "asr_published"] is pd.NA  # None in its result: it was not defined
    assert frame.groupby("unlearner")["asr"].mean().dropna().to_dict() == {"rt": 0.9}


def test_a_truth_value_among_numbers_and_a_stage_of_some_runs_are_numbers_as_well(tmp_path):
    write_run(tmp_path / "a", **judged([3], [3]) | {"exact_match": True, "seconds_defended": 2})
    write_run(tmp_path / "b", **judged([3], [3]))
    found = load(tmp_path)
    assert found["exact_match"].tolist() == [1.0, 1.0]
    assert found["seconds_defended"].dtype == "Float64"
    assert found["seconds_defended"].sum() == 2.0
