"""What a data set of one's own is called in tables, reports and W&B: a name that no store key holds."""

import re

from unlearnleak.errors import UserError

RESERVED = ("digits", "mnist", "fashion_mnist", "svhn", "cifar10", "cifar100", "torchvision", "npz", "csv", "all")
"""The words of the data sets that have a name, and those that tables use for something else."""
LONGEST = 40
ALLOWED = re.compile(r"\w([\w .,()+-]*[\w)])?")
OWN = "own"
"""Goes before a file's name that is also a known data set's."""


def check_title(title: str) -> None:
    """Raise `UserError` unless the name can stand in a table, a file and a formula-minded spreadsheet alike."""
    if len(title) > LONGEST or not ALLOWED.fullmatch(title):
        raise UserError(
            f"dataset.name={title[:LONGEST]!r} is not possible. Allowed: up to {LONGEST} letters, digits, spaces and "
            "_ . , ( ) + -, with a letter or digit first, such as 'SVHN (grey, 20k)'."
        )
    if is_reserved(title):
        raise UserError(
            f"dataset.name={title} is not possible: results of that name are of the data set itself. Choose another."
        )


def title_of_file(stem: str) -> str:
    """Return what the images in a file are called whose name, without its suffix, is `stem`."""
    safe = re.sub(r"[^\w .,()+-]", "_", stem)[:LONGEST]
    safe = re.sub(r"^\W+|[^\w)]+$", "", safe)
    return f"{OWN}-{safe}"[:LONGEST] if is_reserved(safe) and safe else safe or OWN


def is_reserved(title: str) -> bool:
    """Whether a reader would take the name for one of RESERVED: "Fashion-MNIST" is."""
    return fold(title) in {fold(word) for word in RESERVED}


def fold(title: str) -> str:
    """The name without what does not tell it from another for a reader."""
    return re.sub(r"[\W_]", "", title).casefold()
