"""Features that a process computed for the attack before: of the same target and samples alone, and bounded."""

import pytest
import torch

from unlearnleak.adversary import remembered as memory
from unlearnleak.adversary.remembered import forget, remembered


@pytest.fixture(autouse=True)
def nothing_kept():
    forget()
    yield
    forget()


@pytest.fixture
def features():
    """What counts its calls, and gives other numbers at each."""

    def compute():
        compute.calls += 1
        return torch.full((6, 2), float(compute.calls))

    compute.calls = 0
    return compute


IMAGES = torch.arange(24, dtype=torch.uint8).view(6, 1, 2, 2)


def test_the_same_target_and_images_are_computed_once_and_each_caller_has_its_own(features):
    first = remembered("t", IMAGES, features)
    first.zero_()
    assert torch.equal(remembered("t", IMAGES.clone(), features), torch.ones(6, 2))
    assert features.calls == 1


@pytest.mark.parametrize(
    ("target", "images"),
    [("u", IMAGES), ("t", IMAGES.flip(0)), ("t", IMAGES.view(6, 2, 2, 1)), ("t", IMAGES.view(torch.int8))],
    ids=["target", "content", "shape", "type"],
)
def test_whatever_differs_is_computed_anew(features, target, images):
    remembered("t", IMAGES, features)
    remembered(target, images, features)
    assert features.calls == 2


def test_another_number_of_threads_may_give_other_bits_and_is_computed_anew(features, monkeypatch):
    remembered("t", IMAGES, features)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    remembered("t", IMAGES, features)
    assert features.calls == 2


def test_of_a_target_that_nobody_names_nothing_is_kept(features):
    for _ in range(2):
        remembered(None, IMAGES, features)
    assert features.calls == 2
    assert not memory._kept


def test_only_the_last_few_are_kept_and_only_so_many_bytes(features, monkeypatch):
    for target in "abcdef":
        remembered(target, IMAGES, features)
    assert len(memory._kept) == memory.KEPT == 4
    remembered("f", IMAGES, features)
    assert features.calls == 6
    monkeypatch.setattr(memory, "MOST_BYTES", 100)  # two of 48
    remembered("g", IMAGES, features)
    assert [key[0] for key in memory._kept] == ["f", "g"]
    monkeypatch.setattr(memory, "MOST_BYTES", 40)
    remembered("h", IMAGES, features)
    assert "h" not in [key[0] for key in memory._kept]
