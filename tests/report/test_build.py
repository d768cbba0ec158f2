"""What a build leaves behind in the process that asked for it."""

import gc

import pytest

from unlearnleak.report.build import rarely_collected


def test_garbage_is_looked_for_as_often_as_before_also_after_an_error():
    before = gc.get_threshold()
    seen = []

    def fail() -> None:
        with rarely_collected():
            seen.extend(gc.get_threshold())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert seen[0] > before[0]
    assert gc.get_threshold() == before
