"""Every name of torchvision.datasets: read, called by a word of its own, or refused with a reason."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from torchvision import datasets

from unlearnleak.dataset.base import catalogue
from unlearnleak.dataset.base.catalogue import ARRAYS, PICTURES, REFUSED, WORDS, check_name, parts, takes
from unlearnleak.errors import UserError

REFUSED_NAMES = [name for names in REFUSED.values() for name in names]
UNLABELLED = {"CLEVRClassification": {"test"}, "Places365": {"test"}}
"""Parts whose labels torchvision gives as None."""
SAME = {"FGVCAircraft": {"train", "val"}, "OxfordIIITPet": set(), "Places365": {"train-challenge"}}
"""Parts that lie in others which are read, or that another edition of one takes the place of."""


def test_each_name_of_torchvision_is_in_exactly_one_list():
    """A new torchvision with other names fails here: read what its items are, and sort it in."""
    listed = [*ARRAYS, *PICTURES, *WORDS, *REFUSED_NAMES]
    assert sorted(listed) == sorted(datasets.__all__)


def test_the_page_names_what_is_read_and_no_other():
    page = Path(__file__).resolve().parents[3].joinpath("docs", "torchvision.md").read_text()
    rows = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("|"))
    assert set(re.findall(r"\b[A-Z]\w+", rows)) == {*ARRAYS, *PICTURES}


@pytest.mark.parametrize("name", [*ARRAYS, *PICTURES])
def test_what_is_read_needs_no_more_than_a_folder(name, monkeypatch):
    monkeypatch.setattr(catalogue, "_may_be_tried", lambda name: pytest.fail("torchvision was looked into"))
    check_name(name)
    kind = getattr(datasets, name)
    assert takes(kind, "root")
    for part in parts(kind, name):
        assert all(takes(kind, setting) for asked in part for setting in asked)


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_what_cannot_be_read_is_refused_with_a_reason_and_a_way_out(name):
    with pytest.raises(UserError, match=rf"^dataset\.name={name} holds .*dataset=npz dataset\.path=FILE\.npz\.$"):
        check_name(name)


def words(kind, root):
    """The words that a class takes for `split`, as it says itself to one that it does not know."""
    with pytest.raises(ValueError, match="Valid values") as caught:
        kind(str(root), split="no such part")
    return set(re.findall(r"'([^']+)'", str(caught.value).partition("Valid values are")[2]))


@pytest.mark.parametrize("name", [name for name in PICTURES if takes(getattr(datasets, name), "split")])
def test_all_pictures_with_labels_are_asked_for_by_words_that_torchvision_knows(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", ModuleType("h5py"))  # PCAM's, before it looks at the word
    kind = getattr(datasets, name)
    asked = [each["split"] for part in parts(kind, name) for each in part]
    assert len(asked) == len(set(asked))
    assert set(asked) == words(kind, tmp_path) - UNLABELLED.get(name, set()) - SAME.get(name, set())


PARTS = {
    "Country211": (["train", "valid"], ["test"]),
    "DTD": (["train", "val"], ["test"]),
    "FGVCAircraft": (["trainval"], ["test"]),
    "CLEVRClassification": (["train"], ["val"]),
    "Food101": (["train"], ["test"]),
    "QMNIST": ([True], [False]),
    "INaturalist": (["2021_train_mini"], ["2021_valid"]),
}


@pytest.mark.parametrize("name", PARTS)
def test_validation_pictures_train_unless_there_are_no_others_to_test_on(name):
    found = parts(getattr(datasets, name), name)
    assert tuple([value for each in part for value in each.values()] for part in found) == PARTS[name]


@pytest.mark.parametrize(
    "name", ["EuroSAT", "Caltech101", "Caltech256", "SUN397", "SEMEION", "Omniglot", "ImageFolder"]
)
def test_sets_of_one_part_have_no_test_part(name):
    assert parts(getattr(datasets, name), name) == (({},), ())


def test_a_download_is_asked_of_those_that_take_it():
    """QMNIST hands it on to MNIST; ImageNet hands its settings on to a class that does not know it."""
    able = {name for name in PICTURES if takes(getattr(datasets, name), "download")}
    assert set(PICTURES) - able == {"FER2013", "ImageFolder", "ImageNet"}


class Newcomer(datasets.ImageFolder):
    """What a later torchvision might bring."""

    def __init__(self, root, split="train", download=False):
        pass


class Demanding(datasets.ImageFolder):
    def __init__(self, root, annotations):
        pass


@pytest.mark.parametrize(("kind", "read"), [(Newcomer, True), (Demanding, False), (len, False)])
def test_a_class_that_no_list_knows_is_tried_if_a_folder_is_all_it_needs(kind, read, monkeypatch):
    monkeypatch.setattr(datasets, "__all__", ("Newest",))
    monkeypatch.setattr(datasets, "Newest", kind, raising=False)
    if read:
        check_name("Newest")
        assert parts(kind, "Newest") == (({"split": "train"},), ({"split": "test"},))
    else:
        with pytest.raises(UserError, match=r"dataset\.name=Newest is none of torchvision's"):
            check_name("Newest")
