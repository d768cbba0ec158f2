"""Which artifacts no run asks for any more."""

import pytest

from tests.jobs import pipeline_in, run_stages
from unlearnleak.pipeline.outdated import outdated
from unlearnleak.screening.kmeans import KMeans2
from unlearnleak.store import Contents, Store
from unlearnleak.store.listing import discard, entries
from unlearnleak.unlearner.ft import FineTune


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outdated")
    run_stages(pipeline_in(folder, "unlearner=ft", "attack=head_sum", "screening=kmeans"))
    run_stages(pipeline_in(folder, "unlearner=rl", "attack=head_sum", "screening=kmeans"))
    return folder


def found(folder):
    return sorted(one.stage for one in outdated(folder / "store"))


def test_nothing_is_outdated_where_nothing_has_changed(folder):
    assert found(folder) == []
    assert len(list(entries(folder / "store"))) == 2 + 2 * 3


def test_what_is_made_by_or_from_a_changed_component_is(folder, monkeypatch):
    monkeypatch.setattr(FineTune, "version", FineTune.version + 1)
    assert found(folder) == ["evidence", "unlearned", "verdict"]
    reasons = {one.stage: one.why for one in outdated(folder / "store")}
    assert reasons["unlearned"] == "unlearner unlearnleak.unlearner.ft.FineTune was of version 1, now 2"
    assert reasons["verdict"].endswith("which is outdated")


def test_what_others_share_with_it_is_not(folder, monkeypatch):
    monkeypatch.setattr(KMeans2, "version", KMeans2.version + 1)
    assert found(folder) == ["verdict", "verdict"]


def test_a_component_of_somebody_elses_package_counts_as_it_is(tmp_path):
    store = Store(tmp_path / "store")
    for target in ("acme.leaks.mine.Mine", "unlearnleak.unlearner.gone.Gone"):
        store.get_or_compute(
            "unlearned", {"unlearner": {"target": target, "version": 3, "settings": {}}}, lambda: Contents({}, {})
        )
    (only,) = outdated(tmp_path / "store")
    assert only.why == "unlearner unlearnleak.unlearner.gone.Gone was of version 3"


def test_an_artifact_is_taken_away_whole_and_a_link_is_not_followed(tmp_path):
    store = Store(tmp_path / "store")
    key = store.get_or_compute("data", {"x": 1}, lambda: Contents({}, {})).key
    (tmp_path / "store" / "linked").symlink_to(tmp_path / "store" / "data")
    assert [(one.stage, one.key) for one in entries(tmp_path / "store")] == [("data", key)]
    assert not discard(tmp_path / "store", "linked", key)
    assert discard(tmp_path / "store", "data", key)
    assert not discard(tmp_path / "store", "data", key)
    assert list((tmp_path / "store" / "data").iterdir()) == []


def test_what_cannot_be_imported_or_is_of_a_newer_version_is_left_alone(folder, monkeypatch):
    def broken(module):
        raise ImportError("an optional package is missing")

    monkeypatch.setattr("importlib.import_module", broken)
    assert found(folder) == []
    monkeypatch.undo()
    monkeypatch.setattr(FineTune, "version", 0)  # the store's is newer
    assert found(folder) == []
