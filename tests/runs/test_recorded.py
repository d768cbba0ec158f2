"""A run's own files are data: nothing is resolved, nothing grows, nothing runs."""

import os

import pytest

from unlearnleak.runs.recorded import LARGEST, plain_yaml, recorded, setting

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.yaml"


def test_what_hydra_writes_is_read(file):
    file.write_text("seed: 3\nseeds:\n  data: ${seed}\ntraining:\n  lr: 1.0e-05\n  layers: [4, 5]\nstore: null\n")
    config = plain_yaml(file)
    names = ("seed", "seeds.data", "training.lr", "training.layers", "training.layers.1", "store", "nothing", "seed.x")
    assert [setting(config, name) for name in names] == [3, 3, 1e-5, [4, 5], 5, None, None, None]
    assert recorded(file, "training", "lr") == 1e-5


@pytest.mark.parametrize(
    "text", ["${oc.env:SECRET}", "a ${seed}", "${oc.decode:${seed}}", "${oc.env:SECRET,x}", "${.seed}", "${hydra:job}"]
)
def test_nothing_is_resolved(file, monkeypatch, text):
    monkeypatch.setenv("SECRET", "hunter2")
    file.write_text(f"seed: 3\nx: '{text}'\ny: ${{x}}\n")
    assert setting(plain_yaml(file), "x") == setting(plain_yaml(file), "y") == text


def test_references_in_a_circle_end(file):
    file.write_text("a: ${b}\nb: ${a}\nc: ${c}\n")
    assert {setting(plain_yaml(file), name) for name in "abc"} <= {"${a}", "${b}", "${c}"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (BOMB.encode(), "aliases"),
        (b"a: &a {x: 1}\nb: {<<: *a}\n", "aliases"),
        (b"a: &a [*a]\n", "aliases"),
        (b"[" * 60 + b"]" * 60, "levels"),
        (b"x: " + b"y" * LARGEST, "larger"),
        (b"\xff\xfe\x00", None),
        (b"!!python/object/apply:os.system ['touch ran']", "python/object"),
        (b"x: !!int " + b"9" * 5000, None),
        (b"x: 2026-99-99", None),
        (b"x: [1", None),
        (b"\x00", None),
    ],
    ids=["bomb", "merge", "circle", "deep", "large", "bytes", "code", "digits", "date", "half", "NUL"],
)
def test_what_is_no_plain_data_counts_as_not_there(file, content, why, monkeypatch):
    monkeypatch.chdir(file.parent)
    file.write_bytes(content)
    with pytest.raises(Exception, match=why):
        plain_yaml(file)
    assert recorded(file) is None
    assert list(file.parent.iterdir()) == [file]


def test_a_pipe_is_not_waited_for(file):
    os.mkfifo(file)
    assert recorded(file, "store") is None
    assert recorded(file.parent, "store") is None
