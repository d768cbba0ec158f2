import os
from dataclasses import replace

import pytest

from unlearnleak.auditing.showing.folder import check
from unlearnleak.errors import UserError


def test_an_audit_has_a_folder_of_its_own_and_the_same_one_may_be_written_again(leak, tmp_path):
    paths = leak.save(tmp_path / "a")
    assert [path.name for path in paths] == ["audit.json", "audit.html", "audit.pdf"]
    assert paths[0].read_text() == leak.to_json()
    leak.save(tmp_path / "a")


def test_another_audit_is_refused(leak, silent, tmp_path):
    leak.save(tmp_path / "a")
    with pytest.raises(UserError, match="another audit"):
        silent.save(tmp_path / "a")
    assert (tmp_path / "a" / "audit.json").read_text() == leak.to_json()


def test_of_the_same_files_a_newer_version_may_write_over_the_older_one(leak, tmp_path):
    given = replace(leak, digests={"model": "1"}, asked="1")
    given.save(tmp_path / "a")
    replace(given, unlearnleak="9.9").save(tmp_path / "a")
    for other in ({"digests": {"model": "2"}}, {"seed": 5}, {"truth": ()}, {"quick": False}, {"asked": "2"}):
        with pytest.raises(UserError, match="another audit"):
            replace(given, **other).save(tmp_path / "a")


def test_a_folder_of_somebody_else_and_a_link_are_refused(leak, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").touch()
    with pytest.raises(UserError, match="holds no audit"):
        leak.save(tmp_path / "b")
    (tmp_path / "link").symlink_to(tmp_path / "c")
    with pytest.raises(UserError, match="link"):
        leak.save(tmp_path / "link")
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["notes.txt"]


def test_a_place_that_cannot_be_written_is_known_before_anything_is_computed(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file is no folder, and .*cannot be in it"):
        check(tmp_path / "file" / "a", "1")
    check(tmp_path / "new" / "a", "1")
    monkeypatch.setattr(os, "access", lambda path, how: path != tmp_path)
    with pytest.raises(UserError, match="is closed to you"):
        check(tmp_path / "new" / "a", "1")
