"""What the tests of stages and of jobs count."""

import pytest

from unlearnleak.store import Store


@pytest.fixture
def computed(monkeypatch):
    """The stages that were computed, in order; found ones are not in it."""
    stages: list[str] = []
    ask = Store.get_or_compute

    def counting(self, stage, payload, compute, **how):
        return ask(self, stage, payload, lambda: stages.append(stage) or compute(), **how)

    monkeypatch.setattr(Store, "get_or_compute", counting)
    return stages
