"""cells.csv against figures typed from the paper."""

from collections import Counter
from itertools import product

import pytest

from unlearnleak.papers.label_leakage.cells import ACCURACIES, DATASETS, TABLES, Place, paper_cells


@pytest.mark.parametrize(
    ("place", "printed"),
    [
        (("III", "mnist", "rt", "", "", "forget_acc_after"), "28.30"),
        (("III", "cifar10", "rl", "", "", "retain_acc_before"), "75.03"),
        (("IV", "fashion_mnist", "au", "", "", "forget_acc_before"), "74.02"),
        (("IV", "svhn", "ng", "", "", "forget_acc_after"), "31.53"),
        (("IV", "cifar10", "rt", "", "", "retain_acc_after"), "80.83"),
        (("V", "all", "ng", "param_dot", "youden", "asr"), "81.50"),
        (("V", "all", "overall", "param_diff", "decision_tree", "asr"), "91.56"),
        (("VI", "all", "rl", "param_dot", "kmeans", "asr"), "93.31"),
        (("VII", "all", "rt", "inversion_gradient", "threshold", "asr"), "99.75"),
        (("VII", "all", "overall", "inversion_genetic", "entropy", "asr"), "76.65"),
        (("VIII", "all", "au", "inversion_gradient", "entropy", "asr"), "94.00"),
        (("VIII", "all", "rt", "inversion_genetic", "entropy", "asr"), "71.42"),
    ],
)
def test_a_figure_is_the_papers(place, printed):
    assert paper_cells()[Place(*place)] == printed


def test_every_cell_of_every_table_is_there_and_no_other():
    wanted = set()
    for table, paper in TABLES.items():
        if paper.methods:
            words = (*paper.unlearners, "overall")
            wanted |= {Place(table, "all", word, *method, "asr") for word, method in product(words, paper.methods)}
        else:
            cells = product(DATASETS, paper.unlearners, ACCURACIES)
            wanted |= {Place(table, dataset, word, "", "", quantity) for dataset, word, quantity in cells}
    assert paper_cells().keys() == wanted
    assert Counter(place.table for place in wanted) == {"III": 80, "IV": 80, "V": 18, "VI": 18, "VII": 24, "VIII": 24}
