import numpy as np
import pytest
import torch

from unlearnleak.adversary.holdings import Holdings, with_noise
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError

LABELS = torch.arange(5).repeat(20)  # 20 of each of five classes, in turn
OWN = LabeledImages(torch.arange(100, dtype=torch.uint8).view(100, 1, 1, 1).expand(-1, 1, 12, 12), LABELS, 5)


def held(forgotten=(), seed=0, **settings):
    return Holdings(**settings).held(OWN, forgotten, 20, torch.Generator().manual_seed(seed))


def numbers(images):
    """Which of OWN's images these are."""
    return images.images[:, 0, 0, 0].tolist()


def test_usual_holdings_are_all_images_as_they_are():
    assert Holdings().usual
    assert Holdings(balance=1).usual  # as a command line may have it
    assert numbers(held()) == list(range(100))
    assert Holdings().words == ""


def test_so_many_of_each_class_and_the_fewer_among_the_more():
    few, more = held(per_class=2), held(per_class=5)
    assert few.class_counts().tolist() == [2] * 5
    assert more.class_counts().tolist() == [5] * 5
    assert set(numbers(few)) < set(numbers(more))
    assert numbers(more) == sorted(numbers(more))  # in their order
    assert numbers(held(per_class=2)) == numbers(few)
    assert numbers(held(per_class=2, seed=1)) != numbers(few)
    assert torch.equal(few.labels, LABELS[numbers(few)])


def test_classes_that_are_not_held_have_no_sample():
    assert held(classes=[0, 3]).class_counts().tolist() == [20, 0, 0, 20, 0]
    assert held(forgotten=(1, 4), classes="without_forgotten").class_counts().tolist() == [20, 0, 20, 20, 0]
    assert held(forgotten=(1, 4)).class_counts().tolist() == [20] * 5


def test_counts_may_be_given_or_fall_in_equal_ratios():
    assert held(balance=[5, 0, 1, 20, 2]).class_counts().tolist() == [5, 0, 1, 20, 2]
    counts = held(balance=0.1, per_class=20).class_counts()
    expected = (20 * 0.1 ** np.linspace(0, 1, 5)).round()
    assert counts.sort(descending=True).values.tolist() == expected.tolist()
    assert counts.tolist() != held(balance=0.1, per_class=20, seed=1).class_counts().tolist()


def test_a_share_of_the_labels_is_wrong_and_of_the_classes_that_are_held():
    noisy = held(classes=[0, 2, 3], label_noise=0.2)
    true = LABELS[numbers(noisy)]
    assert int((noisy.labels != true).sum()) == 12  # of 60
    assert set(noisy.labels.tolist()) == {0, 2, 3}


def test_every_other_class_is_as_likely_a_wrong_label():
    labels = torch.tensor([1, 4, 6]).repeat(2000)
    changed = with_noise(labels, [1, 4, 6], 0.999, torch.Generator().manual_seed(0))
    for true in (1, 4, 6):
        shares = torch.bincount(changed[labels == true], minlength=7) / 2000
        assert shares[true] < 0.01
        for other in {1, 4, 6} - {true}:
            assert abs(shares[other] - 0.5) < 4 * 0.5 / 2000**0.5  # 4 deviations


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"classes": "some"}, r"auxiliary\.classes=some is not possible: all, without_forgotten, or a list"),
        ({"classes": [3]}, r"auxiliary\.classes=\[3\]"),
        ({"classes": [1, 1]}, r"auxiliary\.classes=\[1, 1\]"),
        ({"per_class": 0}, r"auxiliary\.per_class=0 is not possible: 1 or more"),
        ({"label_noise": 1.0}, r"auxiliary\.label_noise=1\.0"),
        ({"balance": 0.0}, r"auxiliary\.balance=0\.0"),
        ({"balance": [1, 2], "per_class": 3}, r"auxiliary\.balance=\[1, 2\]"),
    ],
)
def test_what_cannot_be_is_refused(settings, said):
    with pytest.raises(UserError, match=said):
        Holdings(**settings)


def test_more_than_is_set_aside_is_refused_with_the_number():
    Holdings(per_class=20).check(20)
    with pytest.raises(UserError, match=r"auxiliary\.per_class asks for 21 .* 20 are set aside .*Lower it to 20"):
        Holdings(per_class=21).check(20)
    with pytest.raises(UserError, match=r"auxiliary\.balance asks for 30"):
        Holdings(balance=[30, 1]).check(20)


def test_classes_that_there_are_not_are_refused():
    with pytest.raises(UserError, match="classes are numbers from 0 to 4"):
        held(classes=[0, 5])
    with pytest.raises(UserError, match="5 counts, or a share"):
        held(balance=[1, 1])
    with pytest.raises(UserError, match="leaves samples of 1 class:"):
        held(forgotten=(0, 1, 2, 3), classes="without_forgotten")


def test_digits_may_take_the_place_of_the_own_images():
    own = LabeledImages(torch.zeros(10, 3, 20, 24, dtype=torch.uint8), torch.arange(10), 10)
    holdings = Holdings(dataset="digits", per_class=4)
    images = holdings.held(own, (), 1, torch.Generator().manual_seed(0))
    assert images.class_counts().tolist() == [4] * 10
    assert images.image_shape == (3, 20, 24)
    assert images.images.float().std() > 30  # and they show something
    assert holdings.words == "4 a class, images of digits"
    with pytest.raises(UserError, match=r"digits has 17\d images of class \d, and 200 are asked for"):
        Holdings(dataset="digits", per_class=200).held(own, (), 1, torch.Generator().manual_seed(0))


def test_what_a_key_knows_follows_the_classes_and_the_images_and_not_their_place():
    listed = Holdings(classes=[0, 1, 2, 4]).described((), 5)
    assert Holdings(classes="without_forgotten").described((3,), 5) == listed
    assert Holdings(classes="without_forgotten").described((2,), 5) != listed
    assert Holdings(per_class=5).described((3,), 5) == Holdings(per_class=5).described((2,), 5)
    assert "images" in Holdings(dataset="digits").described((), 10)
