"""`clean` touches only what the store itself names, and follows no link."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.published import PAYLOAD, assert_sound, computed
from unlearnleak.machine.process import host
from unlearnleak.store import Store, held
from unlearnleak.store import cleaning as module
from unlearnleak.store.cleaning import is_store

KEY, OTHER = "0123456789abcdef01234567", "f" * 24
CHECKPOINT = "ab" * 32 + ".ckpt"


def dead_name(key=KEY):
    """The name of a temporary of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return f".{key}@{host()}@{ended.pid}@1@{'0' * 16}.tmp"


def made(path, content="mine"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def everything(root):
    return sorted(path for path in root.rglob("*") if not path.is_dir() or path.is_symlink())


def aged(path):
    os.utime(path, (1, 1))


FOREIGN = [
    ".checkpoints/exp1/best.pt",
    f".checkpoints/original/{OTHER}/best.ckpt",
    ".checkpoints/original/last/" + CHECKPOINT,
    f".checkpoints/original/{OTHER}-best/{CHECKPOINT}",
    ".locks/poetry.lock",
    ".locks/original.lock",
    f".locks/original-{OTHER}.lock",  # of this name, but it has a content
    f".locks/original-{OTHER}.lock.bak",
    f"original/.{OTHER}.tmp",
    f"original/.draft@{host()}@1@1@{'0' * 16}.tmp",
    f"Original/.{OTHER}@{host()}@1@1@{'0' * 16}.tmp",
    f"original/{OTHER}/.{OTHER}@{host()}@1@1@{'0' * 16}.tmp",
]


def test_what_the_store_does_not_name_stays(store, place):
    mine = [made(store.root / name) for name in FOREIGN]
    for folder in (store.root / ".checkpoints").rglob("*"):
        aged(folder)
    assert store.clean() == []
    assert [path.read_text() for path in mine] == ["mine"] * len(mine)


def test_a_folder_of_checkpoints_that_holds_more_stays_whole(store, place):
    folder = store.root / ".checkpoints" / "original" / place.name
    mine = [made(folder / name) for name in (CHECKPOINT, "notes.txt")]
    assert store.clean() == []
    assert all(path.exists() for path in mine)
    mine[1].unlink()
    assert store.clean() == [folder]
    assert not folder.exists()


@pytest.fixture
def theirs(tmp_path, place):
    """Somebody's folder, with everything that would be removed if it lay in the store."""
    folder = tmp_path / "theirs"
    for name in (CHECKPOINT, dead_name(), f"original-{OTHER}.lock", f"{OTHER}/{CHECKPOINT}", f"original/{OTHER}/x"):
        made(folder / name, "")
    for name in (dead_name(OTHER), f"original/{dead_name()}"):
        made(folder / name / "meta.json")
    for path in (*folder.rglob("*"), folder):
        aged(path)
    return folder


LINKS = [
    "unlearned",
    ".locks",
    ".checkpoints",
    ".checkpoints/original",
    f".checkpoints/original/{OTHER}",
]


@pytest.mark.parametrize("name", LINKS)
def test_no_link_is_followed(store, place, theirs, name):
    before, link = everything(theirs), store.root / name
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_dir():
        link.rmdir()
    link.symlink_to(theirs)
    assert store.clean() == []
    assert everything(theirs) == before
    assert link.is_symlink()


def test_a_temporary_that_is_a_link_goes_alone(store, place, theirs):
    before, link = everything(theirs), place.parent / dead_name()
    link.symlink_to(theirs)
    inside = place.parent / dead_name(OTHER)
    inside.mkdir()
    (inside / "meta.json").symlink_to(theirs)
    assert sorted(store.clean()) == sorted([link, inside])
    assert everything(theirs) == before


def test_a_link_that_takes_the_place_of_a_folder_meanwhile_is_not_followed(store, place, theirs, monkeypatch):
    before, folder = everything(theirs), store.root / ".checkpoints" / "original"
    made(folder / OTHER / CHECKPOINT)
    aged(folder / OTHER)
    look = module.is_useless

    def while_another_swaps(path, written):
        shutil.move(folder, folder.with_name("moved"))
        folder.symlink_to(theirs)
        return look(path, written)

    monkeypatch.setattr(module, "is_useless", while_another_swaps)
    store.clean()
    assert everything(theirs) == before


def test_a_file_with_a_second_name_keeps_it(store, place, tmp_path):
    kept = made(tmp_path / "kept", "mine")
    folder = store.root / ".checkpoints" / "original" / place.name
    folder.mkdir(parents=True)
    (folder / CHECKPOINT).hardlink_to(kept)
    assert store.clean() == [folder]
    assert kept.read_text() == "mine"


def test_every_leftover_is_told_when_it_is_gone(store, place):
    left = [place.parent / dead_name(), store.root / ".locks" / f"original-{OTHER}.lock"]
    left[0].mkdir()
    made(left[1], "")
    told = []
    assert store.clean(lambda path: told.append((path, path.exists()))) == left
    assert told == [(path, False) for path in left]


def test_a_lock_in_use_stays(store, place):
    path = store.lock(f"original-{OTHER}")
    with held(path):
        assert store.clean() == []
        assert path.exists()


def test_a_store_is_told_by_what_it_holds(tmp_path):
    root = tmp_path / "root"
    assert not is_store(root)
    root.mkdir()
    assert not is_store(root)
    for name in ("original/notes.txt", f"original/{KEY}/notes.txt", ".locks/poetry.lock", ".checkpoints/exp1/best.pt"):
        made(root / name)
        assert not is_store(root), name
    store = Store(root)
    store.get_or_compute("original", PAYLOAD, computed)
    assert is_store(root)
    (tmp_path / "link").symlink_to(root)
    assert is_store(tmp_path / "link")
    assert_sound(store.find("original", PAYLOAD))


def test_a_store_in_which_nothing_was_published_yet_is_one(tmp_path):
    def killed():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path / "root").get_or_compute("original", PAYLOAD, killed)
    assert is_store(tmp_path / "root")
    assert not is_store(Path(__file__).parent)
