import pytest
import torch

from tests.attack.conftest import FORGOTTEN, HEADS, collect, named
from tests.attack.victims import configured, joined, seen
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.heads import Heads
from unlearnleak.data import LabeledImages
from unlearnleak.screening.youden import Youden


@pytest.fixture
def evidence(dot_evidence):
    return dot_evidence


def test_samples_are_the_dot_products_of_heads_and_target_one_by_one(targets, digits):
    run = configured("param_dot", heads=2, shadows=8)
    box = WhiteBox(targets[(3,)])
    heads, targets_T, *_ = run.compare(seen(box, digits.auxiliary), torch.Generator().manual_seed(1))
    heads, found = joined(heads), run(seen(box, digits.auxiliary), torch.Generator().manual_seed(1)).samples_KMF
    assert found.shape == (10, 2, 1)
    for c in range(10):
        for m in range(2):
            r = 2 * c + m
            by_hand = (heads.weight_MKD[r] * targets_T.weight_MKD[0]).sum()
            by_hand = by_hand + (heads.bias_MK[r] * targets_T.bias_MK[0]).sum()
            assert found[c, m, 0].item() == pytest.approx(by_hand.item(), rel=1e-4, abs=1e-3)


def test_aligned_samples_are_the_samples_in_the_classes_units(evidence):
    found = evidence[(3,)]
    ratio_KM = (found.aligned_KMF / found.samples_KMF)[..., 0]
    assert (ratio_KM > 0).all()
    torch.testing.assert_close(ratio_KM, ratio_KM[:, :1].expand_as(ratio_KM), rtol=1e-4, atol=0)


def test_shapes_and_what_calibration_says(evidence):
    found = evidence[(3,)]
    assert found.kind == "dot_product"
    assert found.samples_KMF.shape == found.aligned_KMF.shape == (10, HEADS, 1)
    assert found.calibration.features_SKMF.shape == (24, 10, HEADS, 1)
    assert found.calibration.forgotten_SK.shape == (24, 10)
    value_SK = found.calibration.features_SKMF.mean((2, 3))
    truth_SK = found.calibration.forgotten_SK
    assert value_SK[~truth_SK].mean().item() == pytest.approx(1, abs=0.1)
    assert value_SK[truth_SK].mean() < 0.3


@pytest.mark.parametrize("classes", FORGOTTEN)
def test_the_forgotten_classes_are_found_exactly(evidence, classes):
    assert named(Youden()(evidence[classes])) == classes


@pytest.mark.parametrize("classes", FORGOTTEN)
def test_their_dot_products_are_the_smallest(evidence, classes):
    mean_K = evidence[classes].samples_KMF.mean((1, 2))
    assert set(mean_K.argsort()[: len(classes)].tolist()) == set(classes)


def test_no_alarm_where_nothing_was_forgotten(evidence):
    assert named(Youden()(evidence[()])) == ()


def test_the_verdict_moves_with_the_classes_when_they_are_renumbered(targets, digits, fresh_lenet):
    """Class c of the target is called (c + 4) mod 10: what was found as 3 must be found as 7."""
    renumbered, auxiliary = fresh_lenet(), digits.auxiliary
    renumbered.load_state_dict(targets[(3,)].state_dict())
    renumbered.head.weight.data = renumbered.head.weight.data.roll(4, 0)
    renumbered.head.bias.data = renumbered.head.bias.data.roll(4, 0)
    moved = LabeledImages(auxiliary.images, (auxiliary.labels + 4) % 10, 10)
    assert named(Youden()(collect("param_dot", renumbered, moved))) == (7,)


def test_a_louder_target_gets_the_same_verdict(targets, digits, fresh_lenet, evidence):
    loud = fresh_lenet()
    loud.load_state_dict(targets[(3,)].state_dict())
    loud.head.weight.data *= 100
    loud.head.bias.data *= 100
    found = collect("param_dot", loud, digits.auxiliary)
    torch.testing.assert_close(found.aligned_KMF, evidence[(3,)].aligned_KMF, rtol=1e-3, atol=1e-3)


def test_same_seed_same_bits_and_another_seed_other_heads(targets, digits, evidence):
    again, other = (collect("param_dot", targets[(3,)], digits.auxiliary, seed) for seed in (0, 1))
    first = evidence[(3,)]
    assert torch.equal(again.samples_KMF, first.samples_KMF)
    assert torch.equal(again.aligned_KMF, first.aligned_KMF)
    assert torch.equal(again.calibration.features_SKMF, first.calibration.features_SKMF)
    assert not torch.equal(other.samples_KMF, first.samples_KMF)


def test_the_target_and_the_global_random_numbers_are_left_alone(targets, digits):
    model = targets[(7,)]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    collect("param_dot", model, digits.auxiliary, heads=2, shadows=8)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_it_is_a_weighted_sum_of_the_targets_log_probabilities_and_noise_of_the_initial_heads(targets, digits):
    """Equal for any target, forgotten classes or not: what the residuals of training weigh is the target's answers.

    A head on samples of one class moves by sum_i a_i (phi_i, 1), a_i = lr / n sum_t (e_c - p_t(x_i)). The entries of
    a_i add up to 0, so sum_i a_i . z_u(x_i) is the same of all logits z_u that differ by a constant.
    """
    run = configured("param_dot", heads=2, shadows=8)
    for model in (targets[(3,)], targets[()]):
        box, draw = WhiteBox(model), torch.Generator().manual_seed(1)
        compared = run.compare(seen(box, digits.auxiliary), draw)
        planned = compared.heads
        initial = Heads(*map(torch.cat, zip(*planned.initial.parts(7), strict=True)))
        weight_KD, bias_K = (part[0] for part in compared.targets)
        log_p_NK = (compared.phi_ND @ weight_KD.T + bias_K).log_softmax(1)  # the target's answers, and nothing else
        expected = []
        for first_KD, first_K, rows_n in zip(*initial, planned.subset_KMn.flatten(0, 1), strict=True):
            weight, bias = first_KD, first_K
            phi_nD, wanted_nK = planned.phi_ND[rows_n], torch.eye(10)[planned.labels_N[rows_n]]
            noise = (weight * weight_KD).sum() + (bias * bias_K).sum()
            learnt_nK = torch.zeros(len(rows_n), 10)
            for _ in range(planned.steps):
                step_nK = planned.lr / len(rows_n) * (wanted_nK - (phi_nD @ weight.T + bias).softmax(1))
                weight, bias, learnt_nK = weight + step_nK.T @ phi_nD, bias + step_nK.sum(0), learnt_nK + step_nK
            torch.testing.assert_close(learnt_nK.sum(1), torch.zeros(len(rows_n)), rtol=0, atol=1e-4)
            expected.append(noise + (learnt_nK * log_p_NK[rows_n]).sum())
        found = run.read(compared, digits.auxiliary.labels).samples_KMF.flatten()
        torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-4 * found.abs().max().item())
