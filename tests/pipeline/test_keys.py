"""Keys of 0.1.0: what that release stored is found, and a sweep that it began goes on.

A component whose `version` was raised since has other keys on purpose: take its lines out of keys_of_0_1_0.json then.
"""

import json
from pathlib import Path

import pytest

from tests.jobs import composed
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline

KEYS = json.loads(Path(__file__).with_name("keys_of_0_1_0.json").read_text())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("keys")


@pytest.mark.parametrize("words", KEYS)
def test_a_job_has_the_keys_that_it_had(store, words):
    usual = ("dataset=digits", "runtime.device=cpu", "logger=none", f"store={store}")
    pipeline = Pipeline(make_plan(composed(*usual, *words.split())))
    assert {stage: pipeline.key(stage) for stage in pipeline.stages} == KEYS[words]
