"""A file that somebody named is written whole, and nothing else is."""

import os

import pytest

from unlearnleak.errors import UserError
from unlearnleak.store.whole_file import write_file


def test_a_new_file_and_an_old_one(tmp_path):
    for content in (b"one", b"two"):
        write_file(tmp_path / "a", content, "--out")
        assert (tmp_path / "a").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_another_name_of_the_old_file_keeps_the_old_content(tmp_path):
    (tmp_path / "mine").write_text("mine")
    os.link(tmp_path / "mine", tmp_path / "a")
    write_file(tmp_path / "a", b"new", "--out")
    assert (tmp_path / "mine").read_text() == "mine"


def test_folders_above_it_may_be_links(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "outputs").symlink_to(tmp_path / "disk")
    write_file(tmp_path / "outputs" / "a", b"new", "--out")
    assert (tmp_path / "disk" / "a").read_bytes() == b"new"


@pytest.mark.parametrize("target", ["victim", "nowhere"])
def test_a_link_is_refused(tmp_path, target):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "a").symlink_to(tmp_path / target)
    with pytest.raises(UserError, match=rf"--out=.*/a is a link to .*{target}, and no link is followed"):
        write_file(tmp_path / "a", b"new", "--out")
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    (tmp_path / "a").mkdir() if kind == "folder" else os.mkfifo(tmp_path / "a")
    with pytest.raises(UserError, match=r"--out=.*/a is no file"):
        write_file(tmp_path / "a", b"new", "--out")


def test_a_place_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"--out=.*/b/a cannot be written: .*No such file"):
        write_file(tmp_path / "b" / "a", b"new", "--out")
