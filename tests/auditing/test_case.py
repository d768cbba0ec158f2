"""What attacks are shown of a model with many classes."""

import pytest
import torch
from torch import nn

import unlearnleak
from unlearnleak.auditing import case as module
from unlearnleak.auditing.case import Case, few
from unlearnleak.auditing.situation import LIMIT, Situation
from unlearnleak.auditing.subject import Subject
from unlearnleak.data import LabeledImages
from unlearnleak.model.base.wrapped import Wrapped

CLASSES, EACH, GONE = 30, 4, 7


class OneHot(nn.Module):
    """A model whose images are their class: pixel c is bright. It answers one class as its neighbour."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(36, CLASSES, bias=False)
        with torch.no_grad():
            self.fc.weight.copy_(8 * torch.eye(CLASSES, 36))
            self.fc.weight[GONE] = 0
            self.fc.weight[GONE + 1, GONE] = 8

    def forward(self, x):
        return self.fc(x.flatten(1))


@pytest.fixture
def images():
    labels = torch.arange(CLASSES).repeat_interleave(EACH)
    pixels = torch.zeros(len(labels), 36, dtype=torch.uint8)
    pixels[torch.arange(len(labels)), labels] = 200
    noise = torch.randint(0, 40, pixels.shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return LabeledImages((pixels + noise).view(-1, 1, 6, 6), labels, CLASSES)


def case_of_most(images, most, seed=0):
    model = Wrapped(OneHot(), head="fc", image_shape=(1, 6, 6), num_classes=CLASSES, mean=(0.0,), std=(1.0,)).eval()
    subject = Subject(model=model, name="m", kind="a module", head="fc", white_box=True, gradients=True)
    there = Situation(least=EACH, classes=CLASSES, width=36, work=1e3, limit=LIMIT)
    judged = tuple(range(CLASSES))
    return Case(
        subject=subject, original=None, images=images, judged=judged, seed=seed, quick=True, there=there, most=most
    )


def test_of_many_classes_those_that_the_model_knows_least_are_shown_and_others_at_random(images):
    shown = [case_of_most(images, 10, seed).shown for seed in range(6)]
    assert all(len(each) == 10 and GONE in each and list(each) == sorted(set(each)) for each in shown)
    assert len(set(shown)) > 1
    assert shown[0] == case_of_most(images, 10, 0).shown
    case = case_of_most(images, 10)
    assert case.part.model.num_classes == case.with_data.classes == 10
    answers = case.part.model(case.part.model.normalize(case.data.images)).argmax(1)
    known = case.data.labels != case.shown.index(GONE)
    assert torch.equal(answers[known], case.data.labels[known])


def test_of_few_classes_all_are_shown_and_the_model_is_not_asked_for_it(images):
    case = case_of_most(images, CLASSES)
    assert case.shown == tuple(range(CLASSES))
    assert case.part is case.subject
    assert "answered" not in vars(case)


def test_an_audit_of_many_classes_says_which_part_was_shown(images, monkeypatch):
    monkeypatch.setattr(module, "MOST_CLASSES", 10)
    told = {"mean": 0.0, "std": 1.0, "quick": True, "device": "cpu"}
    result = unlearnleak.audit(OneHot(), images.images, images.labels, **told)
    assert (result.status, result.classes) == ("leak", (GONE,))
    shown = result.understood.shown_classes
    assert len(shown) == 10
    by_name = {one.attack: one for one in result.attacks}
    assert [c for c, score in enumerate(by_name["param_dot"].scores) if score is not None] == list(shown)
    assert None not in by_name["aux_confidence"].scores
    assert "10 of 30 classes are shown" in by_name["param_dot"].changed[0]
    assert "copies know 10 of 30 classes" in by_name["aux_confidence"].calibration.note
    assert any("were shown 10 of 30 classes" in sentence for sentence in result.answer)
    assert any("Copies know 10 of the classes" in sentence for sentence in result.trust)
    more = unlearnleak.audit(OneHot(), images.images, images.labels, effort=2, **told)
    assert len(more.understood.shown_classes) == 20


def test_few_takes_at_most_so_many_of_each_class(images):
    assert few(images, 2, 0).class_counts().tolist() == [2] * CLASSES
    assert few(images, EACH, 0) is images
