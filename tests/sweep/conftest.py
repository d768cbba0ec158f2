"""A SLURM cluster for the tests that need one, and a count of what sweeps compute."""

from collections import Counter

import pytest

from tests.sweep import slurm_cluster
from tests.sweep.slurm_cluster import Cluster
from unlearnleak.store import Store


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """The cluster that answers, else one that is started for the session, else a skip that says why."""
    own = None
    if not slurm_cluster.answers():
        if why := slurm_cluster.hindrance():
            pytest.skip(f"no SLURM cluster answers, and {why}")
        own = tmp_path_factory.mktemp("slurm")
        slurm_cluster.start(own)
    yield Cluster()
    slurm_cluster.clear()
    if own:
        slurm_cluster.stop(own)


@pytest.fixture
def computed(monkeypatch):
    """How often each (stage, key) was computed."""
    counts: Counter[tuple[str, str]] = Counter()
    publish = Store._publish

    def counting(self, stage, place, files):
        counts[stage, place.name] += 1
        return publish(self, stage, place, files)

    monkeypatch.setattr(Store, "_publish", counting)
    return counts
