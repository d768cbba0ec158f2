"""The oddities that the paper's figures show, and that sound figures show none."""

from unlearnleak.papers.label_leakage.anomalies import anomalies
from unlearnleak.papers.label_leakage.cells import TABLES, Place, paper_cells


def notes(figures=None) -> list[str]:
    return [f"{one.table}: {one.note}" for one in anomalies(figures)]


def having(*words: str, figures=None) -> list[str]:
    return [note for note in notes(figures) if all(word in note for word in words)]


def test_one_overall_average_is_not_the_mean_of_its_cells():
    (note,) = having("overall average")
    # (77.75 + 78.87 + 73.75 + 75.13 + 71.42) / 5 = 75.384
    assert note.startswith("VII: inversion_genetic / entropy")
    assert "76.65" in note
    assert "75.38" in note


def test_it_is_computed_from_the_cells():
    place = Place("VII", "all", "overall", "inversion_genetic", "entropy", "asr")
    assert not having("overall average", figures=dict(paper_cells()) | {place: "75.38"})
    dot = Place("VI", "all", "overall", "param_dot", "youden", "asr")
    assert having("VI:", "overall average", "81.00", "88.16", figures=dict(paper_cells()) | {dot: "81.00"})


def test_the_same_figure_in_the_same_place_of_two_tables():
    assert having("same place") == [
        "VIII: inversion_genetic / entropy, rt: 71.42 stands in the same place of Table VII."
    ]


def test_three_averages_cannot_come_of_twenty_targets_of_ten_classes():
    assert [(note.split(":")[0], "71.42" in note, "77.08" in note) for note in having("multiple of 1/800")] == [
        ("VII", True, False),
        ("VIII", False, True),
        ("VIII", True, False),
    ]
    assert not having("multiple of 1/1600")
    assert not having("multiple of 1/320")


def test_retraining_that_still_knows_the_class():
    assert [note.split("%")[0] for note in having("after retraining")] == [
        "III: mnist, RT: 28.30 ",
        "IV: mnist, RT: 32.48 ",
    ]


def test_one_original_behind_three_unlearners():
    # Fashion-MNIST, RT: 0.1 x 88.92 + 0.9 x 89.88 = 89.784 and 0.3 x 90.39 + 0.7 x 89.52 = 89.781
    first, second = having("one original, it seems")
    assert "fashion_mnist: RT, FT, NG start from models of 89.78 %" in first
    assert "cifar10: RT, FT, NG start from models of 75.04 %" in second


def test_figures_below_the_constant_answer():
    # Table VII, black box: ten cells and their two averages, all under 79 %. Table VIII: none is under 70 %.
    assert [note.split(",")[0] for note in having("nothing was forgotten")] == ["VII: 12 of 24 figures are below 90 %"]


def test_sound_figures_have_none():
    figures = {}
    for place in paper_cells():
        share = TABLES[place.table].forgotten / 10
        sound = {"forget_acc_before": 90 + share * len(place.unlearner), "forget_acc_after": 0.0}
        figures[place] = "100.0" if place.attack else str(sound.get(place.quantity, 80 + ord(place.unlearner[0])))
    assert notes(figures) == []
