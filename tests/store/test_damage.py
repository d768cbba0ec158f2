"""Damaged artifacts: named, taken away, computed again."""

import errno
import shutil
from pathlib import Path

import pytest

from tests.store.published import FILES, PAYLOAD, assert_sound, computed, litter, never
from unlearnleak.errors import UserError
from unlearnleak.store import Store, folder
from unlearnleak.store.artifact import DamageError


def edit(name, change):
    return lambda place: (place / name).write_bytes(change((place / name).read_bytes()))


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def turn_into_file(place):
    shutil.rmtree(place)
    place.write_text("not a folder")


def exchange(place):
    """Another artifact, sound in itself, under this key."""
    other = Store(place.parent.parent).get_or_compute("original", {"seed": 1}, computed).path
    shutil.rmtree(place)
    other.rename(place)


DAMAGES = {
    **{f"{name} cut off": (edit(name, lambda content: content[:-1]), name) for name in FILES[:3]},
    **{f"{name} emptied": (edit(name, lambda _: b""), name) for name in FILES[:3]},
    **{f"{name} flipped": (edit(name, flip), name) for name in FILES[:3]},
    **{f"{name} missing": (lambda place, name=name: (place / name).unlink(), name) for name in FILES},
    "manifest cut off": (edit("manifest.json", lambda content: content[:-1]), "unreadable"),
    "manifest not text": (edit("manifest.json", lambda _: b"\xff\xfe"), "unreadable"),
    "manifest of nothing": (edit("manifest.json", lambda _: b"{}"), "manifest.json"),
    "manifest a list": (edit("manifest.json", lambda _: b"[]"), "manifest.json"),
    "another payload": (exchange, "payload.json does not belong to this key"),
    "a file in its place": (turn_into_file, "not a folder"),
    "an empty folder": (lambda place: [file.unlink() for file in place.iterdir()], "payload.json"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_artifact_is_named_and_computed_again(store, place, damage, reason, caplog):
    damage(place)
    assert store.find("original", PAYLOAD) is None
    (warning,) = caplog.records
    assert (warning.name, warning.levelname) == ("unlearnleak.store", "WARNING")
    assert str(place) in warning.getMessage()
    assert reason in warning.getMessage()
    assert not store.contains("original", PAYLOAD)
    again = store.get_or_compute("original", PAYLOAD, computed)
    assert not again.hit
    assert_sound(again)
    assert_sound(store.get_or_compute("original", PAYLOAD, never))
    assert litter(store.root) == []
    assert len(caplog.records) == 1


def test_a_sound_artifact_that_took_the_place_of_a_damaged_one_stays(store, place, monkeypatch):
    """Two processes find the damage, and the first has mended it before the second takes it away."""

    def read_while_another_mends(path):
        monkeypatch.undo()
        shutil.rmtree(path)
        store.get_or_compute("original", PAYLOAD, computed)
        raise DamageError("seen before it was mended")

    monkeypatch.setattr(folder, "read_files", read_while_another_mends)
    store.find("original", PAYLOAD)
    assert_sound(store.get_or_compute("original", PAYLOAD, never))


def test_an_error_that_is_not_the_artifacts_fault_does_not_cost_it(store, place, monkeypatch):
    def fail(path):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(UserError, match="Too many open files"):
        store.find("original", PAYLOAD)
    monkeypatch.undo()
    assert_sound(store.find("original", PAYLOAD))


def test_a_bad_sector_counts_as_damage(store, place, monkeypatch, caplog):
    def fail(path):
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert store.find("original", PAYLOAD) is None
    assert "Input/output error" in caplog.text
