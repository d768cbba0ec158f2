"""Where artifacts lie, and what asking for them does."""

import errno
import os
import subprocess
import sys

import pytest
import torch

from tests.store.published import PAYLOAD, assert_sound, computed, litter
from unlearnleak.store import Busy, Contents, Store, held, is_held


def test_stages_and_payloads_are_kept_apart(store):
    for stage in ("original", "unlearned"):
        for seed in (0, 1):
            store.get_or_compute(stage, {"seed": seed}, lambda s=stage, i=seed: Contents({}, {"is": [s, i]}))
    found = store.find("unlearned", {"seed": 1})
    assert found is not None
    assert found.meta == {"is": ["unlearned", 1]}
    assert store.contains("original", {"seed": 0})
    assert not store.contains("evidence", {"seed": 0})
    assert store.find("original", {"seed": 2}) is None


def test_a_stage_may_ask_for_its_parent_while_it_computes(store):
    def unlearned():
        parent = store.get_or_compute("original", {"seed": 0}, lambda: Contents({"w": torch.ones(2)}, {}))
        return Contents({"w": -parent.tensors["w"]}, {})

    child = store.get_or_compute("unlearned", {"seed": 0}, unlearned)
    assert child.tensors["w"].tolist() == [-1.0, -1.0]
    assert store.contains("original", {"seed": 0})


@pytest.mark.parametrize("stage", ["", "Original", "../original", "a/b", ".locks", "a b"])
def test_a_stage_is_a_word(store, stage):
    with pytest.raises(ValueError, match="stage="):
        store.find(stage, PAYLOAD)


def test_the_store_stays_where_it_is_when_the_working_directory_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store("artifacts")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = store.get_or_compute("original", PAYLOAD, lambda: Contents({}, {})).path
    assert path.is_relative_to(tmp_path / "artifacts")


def test_a_store_that_was_only_asked_makes_no_folder(store):
    assert store.find("original", PAYLOAD) is None
    assert not store.contains("original", PAYLOAD)
    assert store.clean() == []
    assert not store.root.exists()


def test_importing_the_store_loads_nothing_heavy():
    program = "import sys, unlearnleak.store; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert "unlearnleak.store" in loaded
    assert not {"torch", "numpy", "safetensors", "filelock"} & {*loaded}


@pytest.mark.parametrize("error", [RuntimeError("diverged"), KeyboardInterrupt(), OSError(errno.ENOSPC, "theirs")])
def test_what_the_computation_raises_passes_through_and_leaves_nothing(store, error):
    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        store.get_or_compute("original", PAYLOAD, fail)
    assert raised.value is error
    assert litter(store.root) == []
    assert_sound(store.get_or_compute("original", PAYLOAD, computed))


def test_an_interrupt_while_writing_leaves_nothing(store, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.get_or_compute("original", PAYLOAD, computed)
    assert [path.name for path in store.root.rglob("*")] in (["original", ".locks"], [".locks", "original"])


def test_checkpoints_go_when_their_training_is_published_or_long_given_up(store):
    published = store.get_or_compute("original", PAYLOAD, computed).path
    folder = store.root / ".checkpoints" / "original"
    names = {"published": f"{published.name}-0-4", "going on": "1" * 24, "given up": "2" * 24, "running": "3" * 24}
    places = {what: folder / name for what, name in names.items()}
    for place in places.values():
        place.mkdir(parents=True)
        (place / f"{'a' * 64}.ckpt").write_bytes(b"state")
    for what in ("given up", "running"):
        os.utime(places[what], (1, 1))
    with held(store.lock(f"original-{names['running']}")):
        removed = store.clean()
    assert sorted(removed) == sorted([places["published"], places["given up"]])
    assert sorted(path.name for path in folder.iterdir()) == [names["going on"], names["running"]]
    assert_sound(store.find("original", PAYLOAD))


def test_who_will_not_wait_is_told_that_another_is_at_it(store):
    def elsewhere():
        with pytest.raises(Busy, match="another process computes original-"):
            store.get_or_compute("original", PAYLOAD, computed, wait=False)
        return computed()

    assert not store.get_or_compute("original", PAYLOAD, elsewhere).hit
    assert store.get_or_compute("original", PAYLOAD, computed, wait=False).hit
    assert litter(store.root) == []


def test_whether_a_lock_is_held_can_be_asked_without_taking_it(store):
    path = store.lock("original-abc")
    assert not is_held(path)
    with held(path):
        assert is_held(path)
    assert not is_held(path)
    path.parent.mkdir(exist_ok=True)
    path.write_text("")  # left by a killed process
    assert not is_held(path)
