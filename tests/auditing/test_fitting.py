import re
from dataclasses import replace

import pytest

from unlearnleak.auditing.composed import ATTACKS, composed
from unlearnleak.auditing.fitting import fitted
from unlearnleak.auditing.fitting_heads import copies_of_each, size
from unlearnleak.auditing.situation import LIMIT, MATRIX, Situation, TooMuch

LENET = Situation(least=100, classes=10, width=84, work=8e5, limit=LIMIT, effort=2)
SMALL_RESNET = Situation(least=100, classes=10, width=512, work=8e7, limit=LIMIT)
THOUSAND = Situation(least=50, classes=1000, width=512, work=4e9, limit=LIMIT)


@pytest.mark.parametrize("name", ATTACKS)
def test_where_there_is_enough_the_settings_are_those_of_conf(name):
    fit = fitted(name, composed(name).settings, LENET)
    assert (fit.settings, fit.changed) == (composed(name).settings, ())


LARGE_IMAGES = Situation(least=5, classes=10, width=512, work=3.6e9, limit=LIMIT)
"""A ResNet18 on 224 x 224 pixels."""


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("told", [1, 2])
def test_large_images_name_an_effort_that_is_just_enough(name, told):
    try:
        fitted(name, composed(name).settings, replace(LARGE_IMAGES, effort=told, limit=told * LIMIT))
    except TooMuch as reason:
        effort = int(re.search(r"effort=(\d+) allows it", str(reason)).group(1))
        more = replace(LARGE_IMAGES, effort=effort, limit=effort * LIMIT)
        assert fitted(name, composed(name).settings, more).settings
        less = replace(LARGE_IMAGES, effort=effort - 1, limit=(effort - 1) * LIMIT)
        with pytest.raises(TooMuch):
            fitted(name, composed(name).settings, less)


@pytest.mark.parametrize("name", ["param_dot", "param_diff", "param_confidence", "relearn", "inversion_gradient"])
def test_a_small_resnet_gets_its_full_settings(name):
    assert fitted(name, composed(name).settings, SMALL_RESNET).changed == ()


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("least", [1, 2, 5])
def test_with_few_images_settings_are_possible_and_what_was_changed_is_said(name, least):
    there = Situation(least=least, classes=10, width=84, work=8e5, limit=LIMIT, effort=2)
    usual = composed(name).settings
    if (name, least) == ("relearn", 1):
        with pytest.raises(TooMuch, match="every class needs two"):
            fitted(name, usual, there)
        return
    fit = fitted(name, usual, there)
    attack = composed(name).built(fit.settings)
    attack.check_auxiliary(least)  # raises where it needs more
    changed = {key for key, value in fit.settings.items() if value != usual[key]}
    assert {line.split()[0] for line in fit.changed} == changed


def test_what_would_not_count_and_takes_longest_is_run_only_where_effort_is_asked_for():
    with pytest.raises(TooMuch, match=r"768000 images.* would not count: .* effort=2 runs it"):
        fitted("output_change_zoo", composed("output_change_zoo").settings, replaced(LENET, effort=1))


def test_at_a_thousand_classes_all_that_is_held_stays_small():
    heads = fitted("param_dot", composed("param_dot").settings, THOUSAND)
    assert 5 <= heads.settings["heads"] < 200
    assert heads.per_class <= 10
    assert 4 * heads.settings["shadows"] * 1000 * 1000 * heads.per_class <= 1e9  # the shadow targets' logits
    with pytest.raises(TooMuch, match="each pair of 1000 classes"):
        fitted("relearn", composed("relearn").settings, THOUSAND)
    with pytest.raises(TooMuch, match=r"too expensive: .* effort="):
        fitted("inversion_gradient", composed("inversion_gradient").settings, THOUSAND)


def test_the_effort_that_is_named_is_enough():
    with pytest.raises(TooMuch) as reason:
        fitted("inversion_gradient", composed("inversion_gradient").settings, THOUSAND)
    effort = int(str(reason.value).split("effort=")[1].split()[0])
    assert fitted("inversion_gradient", composed("inversion_gradient").settings, replaced(THOUSAND, effort)).changed


def replaced(there, effort):
    return replace(there, limit=effort * there.limit, effort=effort)


def test_more_classes_never_take_more_heads():
    found = []
    for classes in (10, 50, 100, 200, 500, 1000):
        there = Situation(least=100, classes=classes, width=512, work=8e7, limit=LIMIT)
        found.append(fitted("param_dot", composed("param_dot").settings, there).settings["heads"])
    assert found == sorted(found, reverse=True)
    assert size({"heads": 200}, LENET) == 4 * 200 * 10 * 10 * 85


def test_copies_are_as_many_as_can_be_trained():
    assert copies_of_each(20, 300, 50, LENET) == copies_of_each(20, 300, 50, SMALL_RESNET) == 20
    few = copies_of_each(20, 100, 5, THOUSAND)
    assert few < 20
    assert 2 * few * 4 * 1000 * 512 * 5 * 1000 * 100 <= MATRIX * LIMIT
