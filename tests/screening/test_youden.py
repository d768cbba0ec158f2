import torch

from unlearnleak.adversary.evidence import DotProducts, LabeledFeatures
from unlearnleak.screening.youden import Youden


def evidence(aligned_KM, shadow_SKM, forgotten_SK):
    aligned_KMF = torch.tensor(aligned_KM)[..., None]
    calibration = LabeledFeatures(torch.tensor(shadow_SKM)[..., None], torch.tensor(forgotten_SK))
    return DotProducts(
        samples_KMF=torch.full_like(aligned_KMF, torch.nan), aligned_KMF=aligned_KMF, calibration=calibration
    )


SHADOWS = [
    [[1.0, 1.2], [0.8, 1.0], [1.0, 1.0]],  # means 1.1, 0.9, 1.0
    [[0.0, 0.2], [1.1, 0.9], [1.0, 1.0]],  # means 0.1, 1.0, 1.0
    [[1.0, 1.0], [1.0, 1.0], [0.2, 0.4]],  # means 1.0, 1.0, 0.3
]
FORGOTTEN = [[False, False, False], [True, False, False], [False, False, True]]


def test_verdict_and_score_from_evidence_made_by_hand():
    """The shadows' groups end at 0.3 and begin at 0.9: the threshold is 0.6, on class means, not on samples."""
    verdict = Youden()(evidence([[0.1, 0.9], [0.2, 1.2], [2.0, 0.4]], SHADOWS, FORGOTTEN))
    assert verdict.forgotten_K.tolist() == [True, False, False]
    torch.testing.assert_close(verdict.score_K, torch.tensor([0.1, -0.1, -0.6]))


def test_any_number_of_classes_may_be_named_and_none_too():
    none = Youden()(evidence([[1.0, 1.0]] * 3, SHADOWS, FORGOTTEN))
    everything = Youden()(evidence([[0.0, 0.1]] * 3, SHADOWS, FORGOTTEN))
    assert not none.forgotten_K.any()
    assert everything.forgotten_K.all()


def of_shadows(values_SK, target_K):
    """Evidence with one sample a class, of 24 shadow targets that forgot 1 to 5 classes, six of them none."""
    forgotten_SK = torch.zeros(24, 10, dtype=torch.bool)
    draw = torch.Generator().manual_seed(0)
    for s in range(6, 24):
        forgotten_SK[s, torch.randperm(10, generator=draw)[: 1 + s % 5]] = True
    known = LabeledFeatures(values_SK[..., None, None].float(), forgotten_SK)
    target_KMF = target_K[:, None, None].float()
    return DotProducts(samples_KMF=target_KMF, aligned_KMF=target_KMF, calibration=known)


def test_a_constant_calibration_names_nothing():
    assert not Youden()(of_shadows(torch.ones(24, 10), torch.ones(10))).forgotten_K.any()


def test_a_calibration_of_noise_names_nothing():
    for seed in range(100):
        draw = torch.Generator().manual_seed(seed)
        found = of_shadows(torch.randn(24, 10, generator=draw), torch.randn(10, generator=draw))
        assert not Youden()(found).forgotten_K.any()


def test_a_calibration_that_contradicts_itself_names_nothing():
    """Forgotten classes read higher than retained ones, where they should read lower."""
    plain = of_shadows(torch.zeros(24, 10), torch.zeros(10))
    upside_down = of_shadows(plain.calibration.forgotten_SK.float(), torch.zeros(10))
    assert not Youden()(upside_down).forgotten_K.any()
    right = of_shadows(1 - plain.calibration.forgotten_SK.float(), torch.arange(10) > 0)
    assert Youden()(right).forgotten_K.tolist() == [True] + [False] * 9
