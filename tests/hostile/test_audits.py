"""audit.json of a stranger: a folder that holds one is written over by the same audit alone, and else refused."""

import json
import os
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.damage import BOUNDED, JSON_VALUES, OVERHEAD, damaged, replaced, words_or_result
from unlearnleak.auditing.showing.folder import JSON, asked, check, refuse_other
from unlearnleak.runs.status import MOST_BYTES

WHOLE = {
    "version": 1,
    "status": "leak",
    "classes": [3],
    "asked": "ab12",
    "digests": {"model": "12", "images": "34"},
    "truth": [3],
    "seed": 0,
    "quick": True,
    "effort": 1.0,
    "attacks": [{"attack": "param_dot", "scores": [0.5, None]}],
}
ASKED = ("digests", "asked", "truth", "seed", "quick", "effort")


def same(kept):
    return asked(kept) == asked(WHOLE)


def tried(folder, content):
    """Whether this command's audit, and one that came out like WHOLE, would be written over what lies there."""
    folder.mkdir(exist_ok=True)
    (folder / JSON).write_bytes(content)
    by_command, peak = words_or_result(lambda: check(folder, "ab12") or True)
    by_answer, _ = words_or_result(lambda: refuse_other(folder, same) or True)
    assert peak < 40 * len(content) + OVERHEAD
    assert (folder / JSON).read_bytes() == content
    return by_command, by_answer


@BOUNDED
@given(damaged(json.dumps(WHOLE).encode()))
def test_a_damaged_audit_is_another_or_none(tmp_path, content):
    tried(tmp_path / "a", content)


@BOUNDED
@given(replaced(WHOLE))
def test_an_audit_that_was_made_up_is_the_same_where_what_was_asked_is(tmp_path, made_up):
    read = json.loads(json.dumps(made_up))
    by_command, by_answer = tried(tmp_path / "a", json.dumps(made_up).encode())
    assert bool(by_command) == (read.get("asked") == "ab12")
    if by_answer:
        assert all(read.get(name) == WHOLE[name] for name in ASKED)


@BOUNDED
@given(JSON_VALUES | st.just([[]]))
def test_json_that_is_no_audit_is_none(tmp_path, value):
    if not isinstance(value, dict):
        assert tried(tmp_path / "a", json.dumps(value).encode()) == (None, None)


def test_nesting_digits_and_a_file_without_end_are_none(tmp_path):
    for content in (b"[" * 200_000, b'{"asked": ' + b"9" * 100_000 + b"}", b'{"a": ' * 50_000, b"\xff\xfe"):
        assert tried(tmp_path / "a", content) == (None, None)
    with (tmp_path / "a" / JSON).open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert words_or_result(lambda: check(tmp_path / "a", "ab12"))[1] < OVERHEAD


def test_a_pipe_a_folder_and_a_link_in_its_place_are_none_and_nobody_waits(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("{}")
    for number, make in enumerate((os.mkfifo, os.mkdir, lambda path: path.symlink_to(secret))):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder / JSON)
        found, _ = words_or_result(lambda folder=folder: check(folder, "ab12") or True)
        assert found is None
    assert secret.read_text() == "{}"


def test_a_link_in_the_place_of_an_audit_is_replaced_and_what_it_led_to_stays(tmp_path, monkeypatch):
    """Even where what it leads to is the same audit."""
    from unlearnleak.auditing.showing import folder as showing

    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(WHOLE))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / JSON).symlink_to(kept)
    monkeypatch.setattr(showing, "page", lambda result: "page")
    monkeypatch.setattr(showing, "pdf", lambda result: b"pdf")
    showing.write(SimpleNamespace(to_json=lambda: "new", as_dict=lambda: WHOLE), tmp_path / "a")
    assert kept.read_text() == json.dumps(WHOLE)
    assert not (tmp_path / "a" / JSON).is_symlink()
    assert (tmp_path / "a" / JSON).read_text() == "new"


@pytest.mark.parametrize("name", ["\x1b[2Jx", "a\nb"])
def test_a_folders_name_acts_on_no_terminal(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "notes").touch()
    with pytest.raises(Exception, match="holds no audit") as refused:
        check(folder, "ab12")
    assert str(refused.value).isprintable()
