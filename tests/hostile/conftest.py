import tracemalloc

import pytest


@pytest.fixture(scope="module", autouse=True)
def memory_is_traced():
    """Traced throughout a file of tests, and stopped once: see https://github.com/python/cpython/issues/128679.

    A process of Python 3.11 may die where tracing stops while another thread allocates.
    """
    tracemalloc.start()
    yield
    tracemalloc.stop()
