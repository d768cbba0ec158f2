"""What is written stays in its folder, whatever lies there."""

import os
from pathlib import Path

import pytest

from unlearnleak.errors import UserError
from unlearnleak.report.own_folder import check, write_all

FILES = {"tables/a.csv": b"1\n", "index.html": b"<p>"}


def test_files_lie_where_their_names_say(tmp_path):
    write_all(tmp_path / "new" / "report", FILES)
    assert {str(path.relative_to(tmp_path / "new" / "report")) for path in tmp_path.rglob("*.*")} == set(FILES)
    write_all(tmp_path / "new" / "report", {"index.html": b"later"})
    assert (tmp_path / "new" / "report" / "index.html").read_bytes() == b"later"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["symlink", "broken", "hard link"])
def test_what_a_link_leads_to_is_left_alone(tmp_path, name, kind):
    place, victim = tmp_path / "report" / name, tmp_path / "victim"
    place.parent.mkdir(parents=True)
    if kind != "broken":
        victim.write_text("mine")
    os.link(victim, place) if kind == "hard link" else place.symlink_to(victim)
    write_all(tmp_path / "report", FILES)
    assert victim.read_text() == "mine" if kind != "broken" else not victim.exists()
    assert not place.is_symlink()
    assert place.read_bytes() == FILES[name]


@pytest.mark.parametrize("name", ["report", "report/tables"])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_is_a_link_is_refused(tmp_path, name, there):
    victim = tmp_path / "victim"
    if there:
        victim.mkdir()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to(victim)
    for act in (lambda: check(tmp_path / "report", ["tables"]), lambda: write_all(tmp_path / "report", FILES)):
        with pytest.raises(UserError, match=f"{name} is a link to .*victim, and no link is followed"):
            act()
    assert not victim.exists() or not list(victim.iterdir())
    assert not (tmp_path / "report" / "index.html").exists()


@pytest.mark.parametrize("name", ["report", "report/tables"])
def test_a_file_in_place_of_a_folder_is_refused_and_kept(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    for act in (lambda: check(tmp_path / "report", ["tables"]), lambda: write_all(tmp_path / "report", FILES)):
        with pytest.raises(UserError, match=f"{name} is no folder. Choose another folder by --out"):
            act()
    assert (tmp_path / name).read_text() == "mine"


def test_a_folder_in_place_of_a_file_is_named_and_nothing_is_left(tmp_path):
    (tmp_path / "report" / "index.html").mkdir(parents=True)
    with pytest.raises(UserError, match=r"report cannot be written: .*[Dd]irectory.*--out FOLDER"):
        write_all(tmp_path / "report", FILES)
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_disk_that_cannot_be_written_is_the_users_error(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "x")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UserError, match=r"report cannot be written: .*Permission denied"):
        write_all(Path(tmp_path / "report"), FILES)


def test_an_interrupted_file_leaves_the_old_one_and_nothing_else(tmp_path, monkeypatch):
    write_all(tmp_path, FILES)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_all(tmp_path, {"index.html": b"half"})
    assert (tmp_path / "index.html").read_bytes() == FILES["index.html"]
    assert not list(tmp_path.rglob("*.tmp"))


def test_files_have_the_permissions_of_the_umask(tmp_path):
    write_all(tmp_path, FILES)
    (tmp_path / "other").write_text("")
    assert (tmp_path / "index.html").stat().st_mode == (tmp_path / "other").stat().st_mode
