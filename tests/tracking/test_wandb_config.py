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
        "method": "rt",
        "unlearner_attack": "rt / mine",
        "seed": 3,
        "training": {"epochs": 2},
        "forget_classes": [3],
    }


def test_what_runs_are_grouped_by_names_the_defence_and_the_part_of_a_class() -> None:
    config = {group: {"_target_": f"acme.{word}.X"} for group, word in (("unlearner", "ft"), ("attack", "mine"))}
    noise, none = ({"_target_": f"acme.{word}.X"} for word in ("weight_noise", "none"))
    for changed, method in (
        ({"defense": none, "forget_share": 1.0, "forget_rows": None}, "ft"),
        ({"defense": noise}, "ft + weight_noise"),
        ({"defense": noise, "forget_share": 0.2}, "ft (20 %) + weight_noise"),
        ({"forget_rows": [1, 2]}, "ft (2 samples)"),
        ({"forget_rows": [7]}, "ft (1 sample)"),
    ):
        shaped = by_words(config | changed)
        assert (shaped["method"], shaped["unlearner_attack"]) == (method, f"{method} / mine")


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
