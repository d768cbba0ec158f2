"""Damaged artifacts: named, taken away, computed again."""

import errno
import hashlib
import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.patience import PATIENCE
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


def instead(make, name=""):
    """Something else in the place of the artifact, or of one of its files."""

    def damage(place):
        gone = place / name
        (shutil.rmtree if gone.is_dir() else os.unlink)(gone)
        make(gone)

    return damage


def listen(path):
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's whole path may have a hundred characters
        server.bind(path.name)
        os.chdir(here)


def forged(name, content):
    """Other content, and a manifest that agrees with it."""

    def damage(place):
        (place / name).write_bytes(content)
        manifest = json.loads((place / "manifest.json").read_text())
        manifest[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        (place / "manifest.json").write_text(json.dumps(manifest))

    return damage


def header(size, dtype="F32"):
    text = json.dumps({"w": {"dtype": dtype, "shape": [size], "data_offsets": [0, 4 * size]}}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(24)


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
    "an empty folder": (lambda place: [file.unlink() for file in place.iterdir()], "manifest.json"),
    "manifest of gigabytes": (lambda place: os.truncate(place / "manifest.json", 2**33), "manifest.json"),
    "manifest of no sizes": (edit("manifest.json", lambda content: content.replace(b"size", b"sise")), "list"),
    "a file that claims terabytes": (lambda place: os.truncate(place / "meta.json", 2**40), "1099511627776 bytes"),
    "a link to itself": (instead(lambda place: place.symlink_to(place)), "leads nowhere"),
    "a link to nothing": (instead(lambda place: place.symlink_to(place.with_name("gone"))), "leads nowhere"),
    "a link to a folder of something else": (instead(lambda place: place.symlink_to("/")), "manifest.json"),
    "a link to a device": (instead(lambda place: place.symlink_to("/dev/zero")), "not a folder"),
    "a pipe in its place": (instead(os.mkfifo), "not a folder"),
    "a socket in its place": (instead(listen), "not a folder"),
    "meta deep": (forged("meta.json", b"[" * 200_000), "meta.json: maximum recursion"),
    "manifest deep": (edit("manifest.json", lambda _: b'{"a":' * 10_000), "manifest.json: maximum recursion"),
    "meta a list": (forged("meta.json", b"[1]"), "meta.json is no mapping"),
    "meta of NUL": (forged("meta.json", bytes(20)), "unreadable contents of meta.json"),
    "meta not text": (forged("meta.json", b'{"a": "\xff"}'), "unreadable contents of meta.json"),
    "a number without end": (forged("meta.json", b'{"a": ' + b"9" * 5000 + b"}"), "unreadable contents of meta.json"),
    "a header of gigabytes": (forged("tensors.safetensors", (2**33).to_bytes(8, "little") + b"{}"), "tensors"),
    "a tensor of terabytes": (forged("tensors.safetensors", header(2**42)), "tensors"),
    "a tensor of no type": (forged("tensors.safetensors", header(6, dtype="X9")), "tensors"),
    **{
        f"{name} {what}": (instead(make, name), name)
        for name in FILES
        for what, make in {
            "a folder": lambda place: (place / "inside").mkdir(parents=True),
            "a pipe": os.mkfifo,
            "a link to itself": lambda place: place.symlink_to(place),
            "a link to a device": lambda place: place.symlink_to("/dev/zero"),
        }.items()
    },
}


@pytest.mark.timeout(PATIENCE)
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


@pytest.mark.parametrize("linked", ["the artifact", "a file of it", "its stage"])
def test_what_is_sound_behind_a_link_is_taken(store, place, tmp_path, linked):
    """Artifacts may have been moved to a larger disk."""
    moved = {"the artifact": place, "a file of it": place / "meta.json", "its stage": place.parent}[linked]
    moved.rename(tmp_path / "moved")
    moved.symlink_to(tmp_path / "moved")
    assert store.contains("original", PAYLOAD)
    assert_sound(store.get_or_compute("original", PAYLOAD, never))


def test_what_is_damaged_behind_a_link_stays_there(store, place, tmp_path):
    """Only the link is the store's own."""
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    (tmp_path / "moved" / "meta.json").write_text("mine")
    assert_sound(store.get_or_compute("original", PAYLOAD, computed))
    assert not place.is_symlink()
    assert (tmp_path / "moved" / "meta.json").read_text() == "mine"
