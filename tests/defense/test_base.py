"""What every defence is asked for: answers that are numbers of classes, the same under a seed; controls; devices."""

import copy
from pathlib import Path

import pytest
import torch
import yaml

from tests.jobs import composed
from tests.trained import flat
from unlearnleak.config.build import build
from unlearnleak.data import ForgetSet, ForgetSplit
from unlearnleak.data.forget import LEVELS
from unlearnleak.defense.base import Defense
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.model.base.answers import undefended

FILES = sorted((Path(__file__).parents[2] / "conf" / "defense").glob("*.yaml"))
NAMES = [file.stem for file in FILES]
each_defense = pytest.mark.parametrize("name", NAMES)


def made(name) -> Defense:
    return build(composed(f"defense={name}").defense, Defense, "defense")


@each_defense
def test_answers_lie_between_0_and_1_and_are_the_same_under_a_seed_whatever_others_draw(original, digits, name):
    x = original.model.normalize(digits.test.images[:50])

    def answers(seed):
        before = torch.get_rng_state()
        with torch.no_grad():
            told = made(name).answer(original.model, x, generator(seed))
        assert torch.equal(before, torch.get_rng_state())
        return told

    first = answers(0)
    assert first.shape == (50, 10)
    assert first.min() >= 0
    assert first.max() <= 1 + 1e-6
    torch.rand(3)
    assert torch.equal(first, answers(0))


@each_defense
def test_it_changes_weights_or_answers_but_for_none(original, digits, defend, name):
    defense, x = made(name), original.model.normalize(digits.test.images)
    with torch.no_grad():
        model = defend(defense)
        plain, told = original.model(x).softmax(1), defense.answer(model, x, generator(0))
    weights = not torch.equal(flat(model), flat(original.model))
    answers = not torch.equal(plain, told)
    assert (weights or answers) == (name != "none")
    assert not (weights and type(defense).answer is not Defense.answer), "one of both"


@each_defense
def test_who_asks_can_tell_answers_that_are_left_alone(name):
    defense = made(name)
    assert (defense.answering(generator(0)) is undefended) == (type(defense).answer is Defense.answer)


def test_answers_are_left_alone_by_no_defense_and_by_those_of_weights():
    alone = {name for name in NAMES if made(name).answering(generator(0)) is undefended}
    assert alone == {"none", "finetune", "head_repair", "linear_filtration", "prune", "weight_noise"}


ALIKE = {"weight_noise", "prune", "finetune"}
"""Those that treat all classes alike, and so a control too."""


@each_defense
def test_weights_of_a_control_stay_unless_all_classes_are_treated_alike(original, defend, name):
    changed = not torch.equal(flat(defend(made(name), ())), flat(original.model))
    assert changed == (name in ALIKE)


@each_defense
def test_a_seed_gives_the_same_model(defend, name):
    assert torch.equal(flat(defend(made(name), (3, 5))), flat(defend(made(name), (3, 5))))


@each_defense
def test_what_was_forgotten_is_refused_or_defended(original, digits, defend, name):
    defense = made(name)
    for level, forget in {"class": ForgetSet(classes=(3,)), "sample": ForgetSet(classes=(3,), share=0.3)}.items():
        if level in defense.levels:
            defense.check_forget(forget)
            assert flat(defend(defense, (3,), share=forget.share)).isfinite().all()
        else:
            with pytest.raises(Incompatible, match=rf"defense={name} is for models that have forgotten whole classes"):
                defense.check_forget(forget)


@each_defense
def test_a_head_is_asked_for_where_it_is_needed(original, digits, defend, name):
    defense, model = made(name), copy.deepcopy(original.model)
    assert defense.levels <= LEVELS
    model.head = None
    if defense.needs_head:
        with pytest.raises(UserError, match=rf"defense={name} works on the model's last linear layer, and none of a"):
            defense.answer(defend(defense, model=model), model.normalize(digits.test.images), generator(0))


@each_defense
def test_its_page_says_its_formula_and_source(name):
    doc = type(made(name)).__doc__
    own = name in ("none", "head_repair")
    assert own or "https://" in doc
    assert name == "none" or any(sign in doc for sign in ("<-", "softmax", "argmax", "theta")), doc
    settings = set(yaml.safe_load(FILES[NAMES.index(name)].read_text())) - {"_target_"}
    assert all(f"{setting}" in doc for setting in settings)


def test_a_split_of_nothing_has_no_forgotten_images(digits):
    assert len(ForgetSplit.of(digits.train, ()).forget) == 0
