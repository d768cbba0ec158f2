"""What the paper prints in its Tables III to VIII (arXiv 2604.07386), and which of our numbers answers it.

III, IV: "performance of the various unlearning methods" (its section VI-A): accuracy on the forgotten and on the
remaining classes before and after forgetting one class (III) or three (IV). Ours are the test accuracies of the
original model (`original_forget_acc`, `original_retain_acc`) and of the unlearned one (`forget_acc`, `retain_acc`).

V, VI: parameter attacks after forgetting one class (V) or three (VI), averaged over the four data sets (section VI-D).
"Dot Product" is our attack param_dot, with youden or kmeans; "Difference" is param_diff with decision_tree. The printed
averages are multiples of 1/1600 and 1/320: accuracy over labelled heads, which is our `asr_published` and no attack
(`metric.published` says why).

VII, VIII: inversion attacks after forgetting one class (VII) or three (VIII), likewise averaged. "White-box" is
inversion_gradient, "Black-box" inversion_genetic; "Threshold" (eq. 27 to 30) and "Entropy" (eq. 31) are the screenings.
Our `asr_published` reads the prediction vectors as the paper does.
"""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

DATASETS = ("mnist", "fashion_mnist", "svhn", "cifar10")
PARAMETER = (("param_dot", "youden"), ("param_dot", "kmeans"), ("param_diff", "decision_tree"))
INVERSION = (
    ("inversion_gradient", "threshold"),
    ("inversion_gradient", "entropy"),
    ("inversion_genetic", "threshold"),
    ("inversion_genetic", "entropy"),
)
ALL, OVERALL = "all", "overall"
"""The paper's words for its average over data sets and for that over unlearners."""
ACCURACIES = {
    "forget_acc_before": "original_forget_acc",
    "forget_acc_after": "forget_acc",
    "retain_acc_before": "original_retain_acc",
    "retain_acc_after": "retain_acc",
}
"""Our key for each quantity of Tables III and IV. In V to VIII "asr" is our `asr_published`."""


class PaperTable(NamedTuple):
    """One of the paper's tables: its title, how many classes were forgotten, its rows' unlearners in its order.

    `methods` are the (attack, screening) pairs, none for a table of accuracies.
    """

    title: str
    forgotten: int
    unlearners: tuple[str, ...]
    methods: tuple[tuple[str, str], ...] = ()


ROWS, COLUMNS = ("rt", "ft", "rl", "au", "ng"), ("ng", "ft", "rl", "au", "rt")
TABLES = {
    "III": PaperTable("accuracy, one class forgotten", 1, ROWS),
    "IV": PaperTable("accuracy, three classes forgotten", 3, ROWS),
    "V": PaperTable("parameter attacks, one class forgotten", 1, COLUMNS, PARAMETER),
    "VI": PaperTable("parameter attacks, three classes forgotten", 3, COLUMNS, PARAMETER),
    "VII": PaperTable("inversion attacks, one class forgotten", 1, COLUMNS, INVERSION),
    "VIII": PaperTable("inversion attacks, three classes forgotten", 3, COLUMNS, INVERSION),
}


class Place(NamedTuple):
    """Where a figure stands. `attack` and `screening` are empty in III and IV."""

    table: str
    dataset: str
    unlearner: str
    attack: str
    screening: str
    quantity: str


@cache
def paper_cells() -> dict[Place, str]:
    """Every printed figure, in percent and as printed, such as "28.30"."""
    lines = files(__package__).joinpath("cells.csv").read_text(encoding="utf-8").splitlines()
    return {Place(*(row[field] for field in Place._fields)): row["percent"] for row in csv.DictReader(lines)}
