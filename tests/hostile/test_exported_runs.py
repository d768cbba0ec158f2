"""`unlearnleak export` of a stranger's run: its config is a plan, or words; nothing in it unfolds, runs or waits."""

import os

import pytest
from hypothesis import given, settings
from omegaconf import OmegaConf

from tests.hostile.damage import BOUNDED, EXAMPLES, damaged, replaced, words_or_result
from tests.jobs import composed, overrides_in
from unlearnleak.cli.export import recorded
from unlearnleak.errors import UserError
from unlearnleak.pipeline.plan import make_plan

BRIEF = settings(BOUNDED, max_examples=int(EXAMPLES or 8))
"""Each config is composed with today's defaults, which takes a tenth of a second."""
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return composed(*overrides_in(tmp_path_factory.mktemp("run"), "unlearner=rt"))


def placed(run, content: bytes):
    (run / ".hydra").mkdir(parents=True, exist_ok=True)
    (run / ".hydra" / "config.yaml").write_bytes(content)
    return run


def planned(run):
    return words_or_result(lambda: make_plan(recorded(run)))


def test_a_damaged_config_is_a_plan_or_words(sound, tmp_path):
    @BRIEF
    @given(damaged(OmegaConf.to_yaml(sound).encode()))
    def tried(content):
        planned(placed(tmp_path / "run", content))

    tried()


def test_a_config_that_was_made_up_is_a_plan_or_words(sound, tmp_path):
    @BRIEF
    @given(replaced(OmegaConf.to_container(sound)))
    def tried(value):
        import yaml

        planned(placed(tmp_path / "run", yaml.safe_dump(value).encode()))

    tried()


@pytest.mark.parametrize(
    "content",
    [
        BOMB.encode(),
        b"[" * 5000,
        b"a: " + b"{b: " * 5000,
        b"x: !!python/object/apply:os.system [ls]",
        b"\xff\xfe\x00",
        b"a: ${b}\nb: ${a}",
        b"dataset: ${oc.env:HOME}",
        b"x" * 2_000_000,
        b"[1, 2]",
        b"",
    ],
    ids=["aliases", "deep", "mappings", "code", "no-text", "circle", "environment", "long", "list", "empty"],
)
def test_a_config_that_unfolds_runs_or_asks_is_refused_in_words(tmp_path, content):
    assert planned(placed(tmp_path / "run", content))[0] is None


def test_a_pipe_in_its_place_keeps_nobody_waiting(tmp_path):
    (tmp_path / ".hydra").mkdir()
    os.mkfifo(tmp_path / ".hydra" / "config.yaml")
    with pytest.raises(UserError, match="no config of a run"):
        recorded(tmp_path)
