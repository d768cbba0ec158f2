import pytest

from tests.store.published import PAYLOAD, computed
from unlearnleak.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "artifacts")


@pytest.fixture
def place(store):
    """The folder of a published artifact."""
    return store.get_or_compute("original", PAYLOAD, computed).path
