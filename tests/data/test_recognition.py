import numpy as np
import pytest

from unlearnleak.data.recognition import DIGITS, KNOWN, sample, whose


@pytest.fixture
def rows():
    """Give 4,000 random images of 3×3 with their labels."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (4000, 3, 3), np.uint8), draw.integers(0, 10, 4000)


def known_as(name, images, labels):
    return {"another": "00" * DIGITS, name: "".join(sample(images, labels))}


def test_a_set_is_recognised_in_any_order_and_by_a_part_of_it(rows):
    images, labels = rows
    known = known_as("mine", images, labels)
    order = np.random.default_rng(1).permutation(len(images))[:1500]
    assert whose([(images, labels)], known) == "mine"
    assert whose([(images[order], labels[order])], known) == "mine"
    assert whose([(images[:500], labels[:500]), (images[500:], labels[500:])], known) == "mine"


def test_other_images_other_labels_and_too_few_are_nobodys(rows):
    images, labels = rows
    known = known_as("mine", images, labels)
    assert whose([(images ^ 1, labels)], known) is None
    assert whose([(images, (labels + 1) % 10)], known) is None
    assert whose([(images[:1], labels[:1])], known) is None


def test_about_one_row_in_256_is_sampled_and_only_so_many_are_looked_at(rows):
    images, labels = rows
    assert 5 < len(list(sample(images, labels))) < 30
    many = np.zeros((200_000, 1, 1), np.uint8)
    assert len(list(sample(many, np.arange(200_000) % 251))) < 400


@pytest.mark.parametrize("name", KNOWN)
def test_the_kept_digests_are_those_of_a_256th_of_the_set(name):
    assert len(KNOWN[name]) % DIGITS == 0
    assert 200 < len(KNOWN[name]) // DIGITS < 340


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_the_real_sets_are_recognised(name, unpacked):
    with np.load(unpacked(name)) as file:
        images, labels = file["train_images"], file["train_labels"]
    assert whose([(images, labels)]) == name
    assert whose([(images[::25], labels[::25])]) == name
