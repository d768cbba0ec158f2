"""The stages of runs are read from what their results name."""

import pytest

from unlearnleak.runs.stages import attacked_model, merged, models_of, stages, stages_of

OLD = {f"key_{stage}": stage[:2] for stage in ("data", "original", "unlearned", "evidence", "verdict")}
DEFENDED = {f"key_{stage}": stage[:2] for stage in ("data", "original", "unlearned", "defended", "evidence", "verdict")}


def test_stages_are_those_of_the_keys_in_their_order():
    assert stages_of(OLD | {"seconds_evidence": 1.0}) == ["data", "original", "unlearned", "evidence", "verdict"]
    assert stages_of({"seconds_b": 1.0, "memory_mib_a": None, "asr": 1.0}) == ["b", "a"]


@pytest.mark.parametrize("name", ["../../etc", "", "A", "a b", "a/b", "_x", "x\n"])
def test_what_could_lead_out_of_the_store_is_no_stage(name):
    assert stages_of({f"key_{name}": "k"}) == []


def test_a_stage_that_some_lack_stands_where_the_others_have_it():
    assert stages([OLD, DEFENDED]) == stages([DEFENDED, OLD]) == [key.removeprefix("key_") for key in DEFENDED]
    assert merged([["a", "b"], ["x", "b", "y"], ["a", "z"]]) == ["x", "a", "z", "b", "y"]


def test_the_attacked_model_is_told_by_all_models_before_it():
    assert models_of(DEFENDED) == ["original", "unlearned", "defended"]
    assert models_of(DEFENDED | {"key_original": None}) == ["unlearned", "defended"]
    assert attacked_model(DEFENDED) != attacked_model(OLD)
    assert attacked_model({"key_imported": "a"}) == "a"
    assert attacked_model({"key_original": "a"}) is attacked_model({"key_original": None, "key_data": "d"}) is None
