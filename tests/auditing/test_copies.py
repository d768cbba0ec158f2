import copy

import pytest
import torch

from unlearnleak.adversary.access import BlackBox, WhiteBox
from unlearnleak.auditing.composed import composed
from unlearnleak.auditing.copies import Copies, halves
from unlearnleak.auditing.subject import reheaded
from unlearnleak.machine.seeds import generator


@pytest.fixture(scope="module")
def copies(unharmed, images):
    return Copies(unharmed, images, seed=0, steps=300, each=4)


def test_halves_share_no_image_and_every_class_has_its_half(images):
    first, second = halves(images, generator(0, "x"))
    assert first.class_counts().tolist() == second.class_counts().tolist() == [18] * 10
    together = torch.cat([first.images, second.images]).flatten(1).unique(dim=0)
    assert len(together) == len(images.images.flatten(1).unique(dim=0))


def test_copies_know_all_classes_but_the_one_that_they_never_saw(copies):
    for number, missing in enumerate(copies.missing_C.tolist()):
        p_NK = copies.answers(number)
        right = p_NK.argmax(1) == copies.probe.labels
        for c in range(10):
            known = right[copies.probe.labels == c].float().mean()
            assert (known == 0) if c == missing else (known > 0.6), (number, c)


def test_a_copy_as_a_model_answers_what_its_head_answers(copies):
    assert copies.ends_in_head
    asked = BlackBox(copies.copy(5)).probabilities(copies.probe.images.float() / 255)
    assert torch.allclose(asked, copies.answers(5), atol=1e-4)


def test_a_head_without_a_bias_is_replaced_by_one_that_has(unharmed, copies):
    bare = copy.deepcopy(unharmed)
    bare.head.bias = None
    assert torch.equal(WhiteBox(bare).head()[1], torch.zeros(10))
    changed = reheaded(bare, copies.heads, 5)
    assert torch.equal(changed.head.bias, copies.heads.bias_MK[5])
    assert bare.head.bias is None


def test_asking_all_copies_together_is_asking_each_alone(copies):
    """Against the attack run by its ordinary way on each copy, with the same draws."""
    from unlearnleak.adversary.view import view_of

    one = composed("param_dot")
    settings = one.settings | {"heads": 20, "subset_size": 10}
    attack, screening = one.built(settings), one.screenings["youden"]
    told = copies.by_heads(attack, {"param_dot": (attack, screening)})["param_dot"]
    for number in (0, 4, 7):
        view = view_of(one.threat, target=copies.copy(number), auxiliary=copies.probe)
        alone = screening(attack(view, generator(0, "audit", "copies' evidence")))
        assert told.verdict_CK[number].tolist() == alone.forgotten_K.tolist()
    assert told.alarms.tolist() == [False] * 4
    assert told.found.tolist() == [True] * 4


def test_what_copies_are_found_is_exact(copies):
    class Everything:
        def __call__(self, evidence):
            from unlearnleak.screening.base import Verdict

            return Verdict(torch.ones(len(evidence.samples_KMF), dtype=torch.bool), torch.zeros(10))

    told = copies.by_answers("aux_confidence", Everything())
    assert told.alarms.all()
    assert not told.found.any()


def test_copies_that_never_saw_a_class_are_not_asked_where_an_alarm_settled_it(copies):
    for guilty in (True, False):
        asked = []

        def ask(model, number, asked=asked, guilty=guilty):
            asked.append(number)
            return torch.full((10,), guilty)

        told = copies.one_by_one(ask, 2, thrifty=True)
        assert asked == ([0, 1] if guilty else [0, 1, 4, 5])
        assert told.alarms.tolist() == [guilty] * 2
        assert len(told.found) == (0 if guilty else 2)
