"""A SLURM cluster for the tests that need one."""

import pytest

from tests.sweep import slurm_cluster
from tests.sweep.slurm_cluster import Cluster


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
