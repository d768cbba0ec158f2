import sys

import pytest

from unlearnleak.config.look import find_module, names_class

SOURCE = """
print("imported")
raise SystemExit(0)
from acme_look.other import Second as Third
class First:
    class Inner: ...
Fourth = First
"""


@pytest.fixture
def acme(tmp_path, monkeypatch):
    folder = tmp_path / "acme_look" / "deeper"
    folder.mkdir(parents=True)
    for each in (folder.parent, folder):
        (each / "__init__.py").write_text(SOURCE)
    (folder / "mine.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_module_is_found_and_read_without_being_imported(acme, capsys):
    spec = find_module("acme_look.deeper.mine")
    assert [names_class(spec, name) for name in ("First", "Third", "Fourth", "Second", "Fifth")] == [1, 1, 1, 0, 0]
    assert capsys.readouterr().out == ""
    assert not [name for name in sys.modules if name.startswith("acme_look")]


@pytest.mark.parametrize("name", ["acme_look.nowhere", "acme_look.deeper.mine.First", "acme_nowhere.x", "acme_nowhere"])
def test_what_is_not_there_is_not_found(acme, name):
    assert find_module(name) is None


def test_a_module_without_source_cannot_be_looked_at():
    assert names_class(find_module("math"), "anything")
