"""Which runs belong together."""

from tests.report.targets_made import attacked
from unlearnleak.analysis.variants import Cell, unlearned
from unlearnleak.analysis.variants import attacked as by_attack
from unlearnleak.runs.frame import framed


def models(*told):
    """Runs of one cell from (digest, model's key, class)."""
    return [
        attacked([c], [c], settings=digest, key_original="o", key_unlearned=key, attack=f"attack_{digest}")
        for digest, key, c in told
    ]


def test_a_model_counts_once_however_many_attacks_look_at_it():
    runs = models(("a", "m1", 1), ("b", "m1", 1), ("a", "m2", 2), ("b", "m2", 2))
    (variants,) = unlearned(framed(runs)).values()
    assert {word: len(of) for word, of in variants.items()} == {"": 2}


def test_digests_that_share_a_model_share_its_settings():
    runs = models(("a", "m1", 1), ("b", "m1", 1), ("b", "m2", 2), ("c", "m2", 2), ("c", "m3", 3))
    (variants,) = unlearned(framed(runs)).values()
    assert {word: len(of) for word, of in variants.items()} == {"": 3}


def test_other_settings_stay_apart():
    runs = models(("a", "m1", 1), ("b", "m1", 1), ("c", "m9", 1), ("c", "m8", 2))
    (variants,) = unlearned(framed(runs)).values()
    assert {word: sorted(of["key_unlearned"]) for word, of in variants.items()} == {
        "a": ["m1"],
        "c": ["m8", "m9"],
    }


def test_attacks_are_apart_by_settings_too():
    runs = [attacked([3], settings="a"), attacked([3], seed=1, settings="a"), attacked([3], settings="b")]
    assert {
        word: len(of) for word, of in by_attack(framed(runs))[Cell(1, "param_dot", "youden", "mnist", "rt")].items()
    } == {
        "a": 2,
        "b": 1,
    }


def test_without_keys_seeds_and_classes_tell_models_apart():
    runs = [attacked([c], [c], seed) for c in (1, 2) for seed in (0, 1) for _ in range(3)]
    (variants,) = unlearned(framed(runs)).values()
    assert {word: len(of) for word, of in variants.items()} == {"": 4}
