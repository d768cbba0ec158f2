import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import unlearnleak
from tests.attack.victims import Linear
from unlearnleak.adversary.access import BlackBox, LabelOnly, WhiteBox
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import view_of
from unlearnleak.data import LabeledImages
from unlearnleak.errors import AccessDenied

DATA = LabeledImages(torch.zeros(5, 2, 3, 4, dtype=torch.uint8), torch.arange(5), 5)
EVERYTHING = {
    "target": Linear(0),
    "original": Linear(1),
    "auxiliary": DATA,
    "shadows": [(Linear(2), (0,)), (Linear(3), (1, 4)), (Linear(4), ())],
    "pretrained": (Linear(5), 9, 7),
}
IMAGES = torch.rand(7, 2, 3, 4, generator=torch.Generator().manual_seed(0))
KINDS = {Access.LABEL: LabelOnly, Access.BLACK: BlackBox, Access.WHITE: WhiteBox}


@pytest.mark.parametrize("access", KINDS)
def test_models_are_opened_as_the_threat_model_says(access):
    view = view_of(ThreatModel(target=access, original=access), **EVERYTHING)
    assert type(view.target) is type(view.original) is KINDS[access]
    assert (view.target.num_classes, view.target.image_shape) == (5, (2, 3, 4))


def test_the_original_is_the_original_and_may_be_opened_otherwise():
    view = view_of(ThreatModel(target=Access.BLACK, original=Access.WHITE), **EVERYTHING)
    assert torch.equal(view.original.head()[0], EVERYTHING["original"].head.weight)
    expected = EVERYTHING["target"]((IMAGES - 0.4) / 0.25).softmax(1)
    torch.testing.assert_close(view.target.probabilities(IMAGES), expected)


def test_shadows_come_with_what_they_forgot_and_no_more_than_were_granted():
    view = view_of(ThreatModel(target=Access.WHITE, shadow_models=2), **EVERYTHING)
    assert [shadow.forgotten for shadow in view.shadows] == [(0,), (1, 4)]
    for shadow, (model, _) in zip(view.shadows, EVERYTHING["shadows"], strict=False):
        assert torch.equal(shadow.model.head()[0], model.head.weight)


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("original", "the original model"),
        ("auxiliary", "auxiliary data"),
        ("shadows", "shadow models"),
        ("pretrained", "the pretrained model"),
    ],
)
def test_what_is_not_granted_is_refused_with_a_sentence_even_if_it_was_given(part, what):
    view = view_of(ThreatModel(target=Access.BLACK), **EVERYTHING)
    with pytest.raises(AccessDenied, match=rf"^The attack's threat model \(black box\) does not grant {what}\.$"):
        getattr(view, part)


@pytest.mark.parametrize(
    "granted",
    [{"original": Access.WHITE}, {"auxiliary": True}, {"shadow_models": 2}, {"pretrained": Access.WHITE}],
    ids=["original", "auxiliary", "shadows", "pretrained"],
)
def test_what_is_granted_has_to_be_given(granted):
    with pytest.raises(ValueError, match="was not given"):
        view_of(ThreatModel(target=Access.WHITE, **granted), target=Linear())


@pytest.mark.parametrize("access", KINDS)
def test_the_pretrained_model_is_opened_as_granted_and_comes_with_the_numbers_of_samples(access):
    view = view_of(ThreatModel(target=Access.WHITE, pretrained=access), **EVERYTHING)
    assert type(view.pretrained.model) is KINDS[access]
    assert (view.pretrained.learnt, view.pretrained.kept) == (9, 7)
    if access is Access.BLACK:
        expected = EVERYTHING["pretrained"][0]((IMAGES - 0.4) / 0.25).softmax(1)
        torch.testing.assert_close(view.pretrained.model.probabilities(IMAGES), expected)
        assert view.queries == len(IMAGES)


def test_queries_of_the_model_before_and_after_are_counted_and_of_a_white_box_none():
    view = view_of(ThreatModel(target=Access.BLACK, original=Access.LABEL), **EVERYTHING)
    view.target.probabilities(IMAGES)
    view.original.labels(IMAGES[:3])
    assert (view.target.queries, view.original.queries, view.queries) == (7, 3, 10)
    assert view_of(ThreatModel(target=Access.WHITE, original=Access.WHITE), **EVERYTHING).queries == 0


def test_a_black_box_attack_cannot_reach_features_at_run_time():
    view = view_of(ThreatModel(target=Access.BLACK), **EVERYTHING)
    with pytest.raises(AccessDenied, match="does not grant 'features'"):
        view.target.features(IMAGES)


SNIPPET = """
import torch
from typing import assert_type
from unlearnleak.adversary.access import BlackBox, LabelOnly, WhiteBox
from unlearnleak.adversary.evidence import Evidence, Scores
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View, Withheld
from unlearnleak.attack.base import Attack
from unlearnleak.data import LabeledImages

class Black(Attack[View[BlackBox]]):
    version = 1
    threat = ThreatModel(target=Access.BLACK)
    evidence = Scores

    def __call__(self, view: View[BlackBox], generator: torch.Generator) -> Scores:
        assert_type(view.target, BlackBox)
        view.target.features(torch.ones(1))  # ERROR "BlackBox" has no attribute "features"
        view.target._model  # ERROR "BlackBox" has no attribute "_model"
        view.auxiliary.images  # ERROR "Withheld" has no attribute "images"
        view.original.head()  # ERROR "Withheld" has no attribute "head"
        return Scores(samples_KMF=view.target.probabilities(torch.ones(1)))

class Two(Attack[View[WhiteBox, LabelOnly, LabeledImages]]):
    version = 1
    threat = ThreatModel(target=Access.WHITE, original=Access.LABEL, auxiliary=True)
    evidence = Scores

    def __call__(self, view: View[WhiteBox, LabelOnly, LabeledImages], generator: torch.Generator) -> Scores:
        view.original.probabilities(view.auxiliary.images)  # ERROR "LabelOnly" has no attribute "probabilities"
        view.target.features(view.auxiliary.images)
        return Scores(samples_KMF=view.original.labels(view.auxiliary.images))

class Greedy(Attack[View[BlackBox]]):
    version = 1
    threat = ThreatModel(target=Access.BLACK)
    evidence = Scores

    def __call__(self, view: View[WhiteBox], generator: torch.Generator) -> Scores:  # ERROR incompatible with supertype
        return Scores(samples_KMF=view.target.head()[0])
"""


@pytest.mark.slow
def test_mypy_sees_what_an_attack_may_reach(tmp_path):
    (tmp_path / "snippet.py").write_text(SNIPPET)
    root = Path(unlearnleak.__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context"]
    command += ["--no-pretty", f"--cache-dir={root / '.mypy_cache'}", str(tmp_path / "snippet.py")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = {}
    for line in done.stdout.splitlines():
        if error := re.search(r"snippet\.py:(\d+): error: ", line):  # of a cached check the folder is an older one
            found.setdefault(int(error[1]), line)
    expected = {n: text for n, text in enumerate(SNIPPET.splitlines(), 1) if "# ERROR" in text}
    assert set(found) == set(expected), done.stdout + done.stderr
    for number, text in expected.items():
        assert text.split("# ERROR ")[1] in found[number]
