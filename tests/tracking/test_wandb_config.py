from unlearnleak.tracking.wandb_config import by_words, drawable


def test_groups_become_words_and_nothing_is_lost() -> None:
    unlearner = {"_target_": "unlearnleak.unlearner.rt.Retrain", "lr": 0.1}
    attack = {"_target_": "acme.leaks.attack.mine.Mine"}
    config = {"unlearner": unlearner, "attack": attack, "seed": 3, "training": {"epochs": 2}, "forget_classes": [3]}
    assert by_words(config) == {
        "unlearner": "rt",
        "unlearner_settings": unlearner,
        "attack": "mine",
        "attack_settings": attack,
        "unlearner_attack": "rt / mine",
        "seed": 3,
        "training": {"epochs": 2},
        "forget_classes": [3],
    }


def test_a_config_without_groups_is_left_alone() -> None:
    assert by_words({"seed": 3, "attack": {"a": 1}}) == {"seed": 3, "attack": {"a": 1}}


def test_booleans_are_numbers_for_panels() -> None:
    shown = drawable({"exact_match": True, "stored_data": False, "gate": "passed", "auroc": None, "asr": 0.5})
    assert list(map(type, shown.values())) == [int, int, str, type(None), float]
    assert shown == {"exact_match": 1, "stored_data": 0, "gate": "passed", "auroc": None, "asr": 0.5}


def test_a_data_set_of_ones_own_is_known_by_its_name():
    settings = {"_target_": "unlearnleak.dataset.npz.Npz", "path": "x/lungs.npz"}
    assert by_words({"dataset": settings | {"name": "lungs"}})["dataset"] == "lungs"
    assert by_words({"dataset": settings | {"name": None}})["dataset"] == "npz"
    assert by_words({"dataset": settings | {"name": "lungs"}})["dataset_settings"] == settings | {"name": "lungs"}
