from pathlib import Path

import pytest

from unlearnleak.data.title import ALLOWED, LONGEST, RESERVED, check_title, title_of_file
from unlearnleak.dataset.mnist import Mnist
from unlearnleak.dataset.npz import Npz
from unlearnleak.dataset.svhn import Svhn
from unlearnleak.errors import UserError

SETTINGS = {"root": None, "auxiliary_per_class": 3, "test_per_class": None, "train_limit": None}
CONF = Path(__file__).resolve().parents[2] / "conf" / "dataset"


def test_every_data_sets_word_is_reserved():
    nameless = {"images"}  # called by its file, which may well be images.npz; no result is of that word
    assert {file.stem for file in CONF.glob("*.yaml")} - nameless <= set(RESERVED)


@pytest.mark.parametrize("title", ["lungs", "SVHN (grey, 20k)", "2024", "a", "Größe 3", "x_1.b-c+d"])
def test_plain_names_are_taken(title):
    check_title(title)


@pytest.mark.parametrize(
    "title",
    [
        "",
        " a",
        "a ",
        "=1+1",
        "-x",
        "@x",
        "[red]x",
        "a/b",
        "../x",
        "a\nb",
        "\x1b[2Ja",
        "a|b",
        "<b>",
        "a" * 41,
        "a\\b",
        '"',
    ],
)
def test_names_that_a_table_a_file_or_a_spreadsheet_would_misread_are_refused(title):
    with pytest.raises(UserError, match=r"dataset\.name=.* is not possible\. Allowed: up to 40 letters"):
        check_title(title)


@pytest.mark.parametrize(
    "title", ["mnist", "MNIST", "Fashion-MNIST", "fashion mnist", "svhn", "CIFAR-10", "npz", "All"]
)
def test_names_of_known_data_sets_are_refused(title):
    with pytest.raises(UserError, match="results of that name are of the data set itself"):
        check_title(title)


@pytest.mark.parametrize(
    ("stem", "title"),
    [
        ("lungs", "lungs"),
        ("my images (2)", "my images (2)"),
        ("mnist", "own-mnist"),
        ("Fashion-MNIST", "own-Fashion-MNIST"),
        ("=cmd|' /C calc'!A0", "_cmd__ _C calc__A0"),
        ("[red]x", "_red_x"),
        (".hidden", "hidden"),
        ("...", "own"),
        ("", "own"),
        ("a\x1b[2Jb\n", "a__2Jb_"),
        ("x" * 300, "x" * LONGEST),
    ],
)
def test_a_files_name_becomes_a_safe_one(stem, title):
    assert title_of_file(stem) == title
    assert title == "own" or ALLOWED.fullmatch(title)


def test_a_set_of_ones_own_is_called_by_its_file_or_as_it_is_told():
    def npz(**settings):
        return Npz(**SETTINGS, path="some/where/lungs.v2.npz", num_classes=None, **settings)

    assert npz().title == "lungs.v2"
    assert npz(name="Lungs, second scan").title == "Lungs, second scan"
    assert Svhn(**SETTINGS, path="grey.npz").title == "svhn"
    assert Svhn(**SETTINGS, path="grey.npz", name="SVHN (grey, 20k)").title == "SVHN (grey, 20k)"


def test_what_is_downloaded_has_its_name():
    with pytest.raises(UserError, match=r"dataset\.name=mine: what is downloaded has a name"):
        Mnist(**SETTINGS, path=None, name="mine")
