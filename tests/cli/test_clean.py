"""What older versions stored: `status` tells it, `clean` removes it, and a sweep says what is made anew."""

import pytest

from tests.jobs import composed, overrides_in, pipeline_in, run_stages
from unlearnleak.attack.head_sum import HeadSum
from unlearnleak.cli.commands import main
from unlearnleak.sweep.grid import planned
from unlearnleak.sweep.waves import make_waves, tell_older

WORDS = ("attack=head_sum", "screening=kmeans")


@pytest.fixture
def newer(tmp_path, monkeypatch):
    """A store with a whole run, whose attack is of a newer version by now."""
    run_stages(pipeline_in(tmp_path, *WORDS))
    monkeypatch.setattr(HeadSum, "version", 2)
    return tmp_path / "store"


def stages(store):
    return sorted(path.parent.name for path in store.glob("[a-z]*/*"))


def test_what_is_outdated_is_told_and_only_that_is_removed(newer, capsys):
    assert main(["status", "--store", str(newer)]) == 0
    out = capsys.readouterr().out
    assert "2 artifacts are of older versions" in out
    assert "attack unlearnleak.attack.head_sum.HeadSum was of version 1, now 2" in out
    assert stages(newer) == ["data", "evidence", "original", "unlearned", "verdict"]
    assert main(["clean", "--outdated", "--store", str(newer)]) == 0
    assert "2 outdated artifacts removed" in capsys.readouterr().out
    assert stages(newer) == ["data", "original", "unlearned"]
    assert main(["status", "--store", str(newer)]) == 0
    assert "0 artifacts" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["status"], ["clean", "--outdated"]], ids=lambda words: words[0])
def test_a_folder_that_is_no_store_is_refused(tmp_path, capsys, command):
    assert main([*command, "--store", str(tmp_path)]) == 1
    assert "is no store" in capsys.readouterr().err


def test_a_sweep_says_what_it_computes_anew_and_keeps_what_it_can(newer, tmp_path):
    job = planned(composed(*overrides_in(tmp_path, *WORDS)), [], tmp_path / "runs" / "sweep" / "one")
    waves = make_waves([job], tmp_path / "runs" / "sweep")
    assert [(wave.name, len(wave.tasks), wave.stored) for wave in waves] == [
        ("originals", 0, 1),
        ("unlearned", 0, 1),
        ("evidence", 1, 0),
        ("verdicts", 1, 0),
    ]
    (told,) = tell_older(waves)
    assert told.startswith("1 stored artifacts (evidence) are of version 1 of unlearnleak.attack.head_sum.HeadSum")
    assert "clean --outdated" in told
