"""What is allowed beside a setting that is not there."""

import pytest

from unlearnleak.config.folder import config_folder
from unlearnleak.config.hints import allowed_beside

REFUSED = "Could not override 'unlearner.{}'."


@pytest.mark.parametrize(
    ("setting", "words", "told"),
    [
        ("lrr", ["unlearner=ft,rt"], "Settings of unlearner: batch_size, clip_norm, epochs, lr, "),
        ("lr", ["unlearner=rt,ft"], "Settings of unlearner: none."),
        ("lr", ["seed=1"], "Settings of unlearner: none."),
        ("lr", ["unlearner=ft,rt"], "With unlearner=ft there is such a setting, with another choice of this sweep not"),
    ],
)
def test_a_hint_does_not_contradict_the_refusal(setting, words, told):
    hint = allowed_beside(REFUSED.format(setting), config_folder(), words)
    assert hint.startswith(told)


def test_other_refusals_have_no_hint():
    assert allowed_beside("Could not find 'unlearner/scrub'", config_folder(), []) is None


def test_a_setting_that_has_moved_is_told_where_to():
    told = allowed_beside("Could not override 'runtime.ledger_classes'.", config_folder(), ["unlearner=au"])
    assert told == "runtime.ledger_classes has moved: it is unlearner.ledger_classes, a setting of unlearner=au."


def test_a_sweeper_that_is_not_installed_is_named_by_its_package():
    told = allowed_beside("In 'hydra/config': Could not find 'hydra/sweeper/optuna'", config_folder(), [])
    assert told == "That sweeper is a package of its own: pip install hydra-optuna-sweeper"
