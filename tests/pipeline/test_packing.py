from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from unlearnleak.adversary import evidence as kinds
from unlearnleak.adversary.evidence import CalibratedScores, DotProducts, Evidence, LabeledFeatures, Predictions
from unlearnleak.errors import UserError
from unlearnleak.pipeline.packing import pack, unpack
from unlearnleak.store import Artifact

CALIBRATION = LabeledFeatures(torch.rand(3, 4, 2, 1), torch.rand(3, 4) < 0.5)


def stored(contents):
    return Artifact("evidence", "k", None, {}, contents.tensors, contents.meta, hit=True)


def test_calibrated_evidence_is_stored_under_the_names_that_readers_know():
    contents = pack(
        DotProducts(samples_KMF=torch.rand(4, 2, 1), aligned_KMF=torch.rand(4, 2, 1), calibration=CALIBRATION)
    )
    assert set(contents.tensors) == {
        "samples_KMF",
        "aligned_KMF",
        "calibration.features_SKMF",
        "calibration.forgotten_SK",
    }
    assert contents.meta == {"kind": "dot_product", "queries": 0}


def test_other_evidence_has_no_more_than_its_fields():
    contents = pack(Predictions(samples_KMF=torch.rand(4, 2, 4), images_KCHW=torch.rand(4, 1, 2, 2), queries=9))
    assert set(contents.tensors) == {"samples_KMF", "images_KCHW"}
    assert contents.meta == {"kind": "prediction", "queries": 9}


def test_a_calibrated_kind_comes_back_as_itself():
    before = CalibratedScores(samples_KMF=torch.rand(4, 2, 1), aligned_KMF=torch.rand(4, 2, 1), calibration=CALIBRATION)
    after = unpack(stored(pack(before)), CalibratedScores)
    assert type(after) is CalibratedScores
    assert torch.equal(after.calibration.forgotten_SK, CALIBRATION.forgotten_SK)
    assert torch.equal(after.aligned_KMF, before.aligned_KMF)


@dataclass(frozen=True, kw_only=True, eq=False)
class Recovered(Evidence):
    """A plugin's kind that judges no class: images, how close they are, and words about them."""

    kind = "recovered"
    images_NCHW: Tensor
    distance_N: Tensor | None = None
    truth: LabeledFeatures | None = None
    rows: tuple[int, ...] = ()
    note: str | None = None


@pytest.mark.parametrize(
    "more", [{}, {"distance_N": torch.rand(2), "truth": CALIBRATION, "rows": (3, 1), "note": "n", "queries": 5}]
)
def test_a_plugins_kind_that_judges_no_class_survives_the_store(more):
    before = Recovered(images_NCHW=torch.rand(2, 1, 3, 3), **more)
    contents = pack(before)
    assert set(contents.meta) == {"kind", "queries", "rows", "note"}
    after = unpack(stored(contents), Recovered)
    assert torch.equal(after.images_NCHW, before.images_NCHW)
    assert (after.rows, after.note, after.queries) == (before.rows, before.note, before.queries)
    assert (after.distance_N is None) == (after.truth is None) == (not more)
    if more:
        assert torch.equal(after.distance_N, more["distance_N"])
        assert torch.equal(after.truth.features_SKMF, CALIBRATION.features_SKMF)


def test_evidence_that_is_no_number_says_that_the_attack_diverged():
    features = CALIBRATION.features_SKMF.clone()
    features[0, 0, 0, 0] = torch.inf
    broken = LabeledFeatures(features, CALIBRATION.forgotten_SK)
    samples = torch.rand(4, 2, 1)
    with pytest.raises(UserError, match=r"diverged: calibration\.features_SKMF"):
        pack(DotProducts(samples_KMF=samples, aligned_KMF=samples, calibration=broken))


def test_evidence_of_another_kind_than_the_attack_names_is_refused():
    contents = pack(Predictions(samples_KMF=torch.rand(4, 2, 4), images_KCHW=torch.rand(4, 1, 2, 2)))
    with pytest.raises(TypeError, match="'score' and gave 'prediction'"):
        unpack(stored(contents), CalibratedScores)


def test_kinds_are_told_apart_by_their_word():
    own = [kind for kind in vars(kinds).values() if isinstance(kind, type) and issubclass(kind, Evidence)]
    plain = [kind for kind in own if "kind" in vars(kind)]
    assert len({kind.kind for kind in plain}) == len(plain) == 8
