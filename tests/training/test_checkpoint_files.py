import logging
import os
import threading

import torch

from unlearnleak.training.checkpoint_files import LOOPS, PARTS, CheckpointFiles

FILES = CheckpointFiles()


def state(number):
    """A checkpoint with every part that a training goes on from."""
    loops = {"fit_loop": {name: {"current": number + 1} for name in LOOPS}}
    parts = {name: kind() for name, kind in PARTS.items()} | {"loops": loops, "optimizer_states": [{}]}
    return parts | {"epoch": number, "state_dict": {"w": torch.full((1000,), float(number))}}


def test_what_was_saved_last_is_loaded_and_alone(tmp_path):
    for number in range(3):
        FILES.save_checkpoint(state(number), tmp_path / "ab")
    found = FILES.find(tmp_path / "ab")
    assert found["epoch"] == 2
    assert torch.equal(found["state_dict"]["w"], torch.full((1000,), 2.0))
    assert len(list((tmp_path / "ab").iterdir())) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "ab"]


def test_nothing_there_is_said_so(tmp_path):
    assert FILES.find(tmp_path / "ab") is None


def test_every_damage_is_noticed(tmp_path, caplog):
    """A changed byte anywhere, weights included, and a file that ends too early."""
    FILES.save_checkpoint(state(1), tmp_path / "ab")
    (file,) = (tmp_path / "ab").iterdir()
    whole = file.read_bytes()
    damaged = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 97)]
    for content in [*damaged, b"", whole[:100], whole[:-1]]:
        file.write_bytes(content)
        assert FILES.find(tmp_path / "ab") is None
        assert "it is not what was written" in caplog.text
        caplog.clear()
    file.write_bytes(whole)
    assert FILES.find(tmp_path / "ab")["epoch"] == 1


def test_an_older_sound_one_stands_in_for_a_damaged_one(tmp_path):
    FILES.save_checkpoint(state(1), tmp_path / "ab")
    (tmp_path / "ab" / f"{'0' * 64}.ckpt").write_bytes(b"newer, but half")
    assert FILES.find(tmp_path / "ab")["epoch"] == 1


def test_the_newer_of_two_is_taken_and_never_removed_by_the_other_s_writer(tmp_path):
    """Or two processes, each with its file in place, could remove each other's."""
    FILES.save_checkpoint(state(2), tmp_path / "ab")
    (newer,) = (tmp_path / "ab").iterdir()
    later = newer.stat().st_mtime + 1000
    os.utime(newer, (later, later))
    FILES.save_checkpoint(state(1), tmp_path / "ab")
    assert len(list((tmp_path / "ab").iterdir())) == 2
    assert FILES.find(tmp_path / "ab")["epoch"] == 2


class Code:
    def __reduce__(self):
        return (print, ("this ran",))


def test_code_is_never_run(tmp_path, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    FILES.save_checkpoint({"a": Code()}, tmp_path / "ab")
    assert FILES.find(tmp_path / "ab") is None
    assert capsys.readouterr().out == ""
    assert "more than tensors and plain values" in caplog.text
    assert "GLOBAL print" in caplog.text


def test_a_reader_always_finds_a_whole_one_while_others_write(tmp_path):
    FILES.save_checkpoint(state(0), tmp_path / "ab")
    wrong, done = [], threading.Event()

    def write(first):
        for number in range(first, first + 30):
            FILES.save_checkpoint(state(number), tmp_path / "ab")

    def read():
        while not done.is_set():
            found = FILES.find(tmp_path / "ab")  # None where all that it had listed were removed meanwhile
            if found and not found["state_dict"]["w"].eq(found["epoch"]).all():
                wrong.append(found)

    reader, writers = threading.Thread(target=read), [threading.Thread(target=write, args=(n,)) for n in (100, 200)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert not wrong
    assert FILES.find(tmp_path / "ab")["epoch"] in (129, 229)


def test_files_of_others_in_the_folder_stay(tmp_path):
    """A link may stand for a folder: what lies there beside our own is somebody else's."""
    theirs, link = tmp_path / "theirs", tmp_path / "ab"
    (theirs / "deeper").mkdir(parents=True)
    for name in ("best.ckpt", "deeper/notes.txt"):
        (theirs / name).write_text("theirs")
    os.utime(theirs / "best.ckpt", (1, 1))
    link.symlink_to(theirs)
    for number in range(2):
        FILES.save_checkpoint(state(number), link)
    assert FILES.find(link)["epoch"] == 1
    assert (theirs / "best.ckpt").read_text() == "theirs"
    FILES.discard(link)
    assert not link.is_symlink()
    (mine,) = [path for path in theirs.glob("*.ckpt") if path.name != "best.ckpt"]
    FILES.discard(theirs)
    assert not mine.exists()
    assert sorted(path.name for path in theirs.iterdir()) == ["best.ckpt", "deeper"]
    FILES.save_checkpoint(state(1), link)
    FILES.discard(link)
    assert not link.exists()
