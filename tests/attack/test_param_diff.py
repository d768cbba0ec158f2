import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attack.conftest import FORGOTTEN, HEADS, collect, named
from tests.attack.victims import configured, joined, seen
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import LabeledFeatures
from unlearnleak.adversary.heads import Heads
from unlearnleak.adversary.shadow import units
from unlearnleak.adversary.standard import features_of
from unlearnleak.attack import param_diff
from unlearnleak.attack.base.comparison import Comparison, ParameterAttack
from unlearnleak.attack.param_diff import aligned_differences, kept_coordinates, own_first, own_logits
from unlearnleak.data import LabeledImages
from unlearnleak.screening.decision_tree import DecisionTree

TREE = {"max_depth": 3, "min_samples_leaf": 20, "random_state": 0}


@pytest.fixture
def evidence(diff_evidence):
    return diff_evidence


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(2, 6), st.integers(1, 3), st.integers(0, 2**31))
def test_own_entry_first_and_the_others_from_large_to_small(count, classes, heads, seed):
    values = torch.randn(count, classes, heads, classes, generator=torch.Generator().manual_seed(seed))
    ordered = own_first(values).tolist()
    for t in range(count):
        for c in range(classes):
            for m in range(heads):
                entries = values[t, c, m].tolist()
                own = entries.pop(c)
                assert ordered[t][c][m] == [own, *sorted(entries, reverse=True)]


def by_hand(compared, classes, heads):
    """The aligned difference of each target, class and head, one logit at a time; of many classes of the margins."""

    def logits(weight_KD, bias_K, point_D):
        raw = [float(weight_KD[k] @ point_D + bias_K[k]) for k in range(classes)]
        return [value - sum(raw) / classes for value in raw]

    blocks, targets, forgotten_SK, centroid_KD, *_ = compared
    auxiliary = joined(blocks)
    of_head = [
        [logits(*(part[c * heads + m] for part in auxiliary), centroid_KD[c]) for m in range(heads)]
        for c in range(classes)
    ]
    of_target = [
        [logits(weight, bias, centroid_KD[c]) for c in range(classes)] for weight, bias in zip(*targets, strict=True)
    ]
    if classes > 10:
        of_head = [[over_rival(entries, c) for entries in rows] for c, rows in enumerate(of_head)]
        of_target = [[over_rival(entries, c) for c, entries in enumerate(rows)] for rows in of_target]
    own_TK = torch.tensor([[rows[c][c] for c in range(classes)] for rows in of_target], dtype=torch.float64)
    unit_TK = units(own_TK, forgotten_SK).tolist()
    aligned = []
    for t, rows in enumerate(of_target):
        for c in range(classes):
            typical = sum(of_head[c][m][c] for m in range(heads)) / heads
            for m in range(heads):
                entries = [of_head[c][m][k] / typical - rows[c][k] / unit_TK[t][c] for k in range(classes)]
                own = entries.pop(c)
                aligned.append([own] if classes > 10 else [own, *sorted(entries, reverse=True)])
    return torch.tensor(aligned, dtype=torch.float64).view(len(of_target), classes, heads, -1)


def over_rival(entries, c):
    """Entry c is its margin over the largest of the others; these mean nothing any more."""
    return [value - max(entries[:c] + entries[c + 1 :]) for value in entries]


@pytest.mark.parametrize("classes", [4, 12])
@pytest.mark.parametrize("seed", range(3))
def test_aligned_differences_one_logit_at_a_time(seed, classes):
    heads, shadows, dim = 3, 5, 7
    draw = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    forgotten_SK = torch.zeros(shadows, classes, dtype=torch.bool)
    forgotten_SK[2:, seed] = True
    weight, bias = drawn(classes * heads, classes, dim), drawn(classes * heads, classes)
    first = 2 * heads  # in two blocks of two classes
    compared = Comparison(
        [(range(2), Heads(weight[:first], bias[:first])), (range(2, classes), Heads(weight[first:], bias[first:]))],
        Heads(drawn(1 + shadows, classes, dim), drawn(1 + shadows, classes)),
        forgotten_SK,
        drawn(classes, dim),
        drawn(3 * classes, dim),
    )
    own = [own_logits(block, compared.centroid_KD[list(of)]) for of, block in compared.heads]
    ours = aligned_differences(compared, torch.cat(own))
    torch.testing.assert_close(ours, by_hand(compared, classes, heads), rtol=1e-8, atol=1e-8)


def test_samples_are_heads_minus_target_entry_by_entry(targets, digits):
    run, box, draw = configured("param_diff", heads=2, shadows=8), WhiteBox(targets[(3,)]), torch.Generator()
    view, (weight_KD, bias_K) = seen(box, digits.auxiliary), box.head()
    ParameterAttack.compare(run, view, draw.manual_seed(1))  # what the figure of the paper reads is drawn last
    heads = joined(run.published_heads(features_of(box, digits.auxiliary), digits.auxiliary.labels, 10, draw))
    found = run(view, draw.manual_seed(1)).samples_KMF
    assert found.shape == (10, 2, 850)
    for c, m, k, d in [(0, 0, 0, 0), (4, 1, 9, 83), (9, 1, 2, 40)]:
        assert found[c, m, 84 * k + d] == heads.weight_MKD[2 * c + m, k, d] - weight_KD[k, d]
        assert found[c, m, 840 + k] == heads.bias_MK[2 * c + m, k] - bias_K[k]


def test_large_vectors_are_kept_at_coordinates_that_all_heads_share():
    assert kept_coordinates(10 * 200, 10 * 513) is None  # ten classes of ResNet18: 41 MB
    kept = kept_coordinates(100 * 200, 100 * 513)
    assert torch.equal(kept, kept_coordinates(100 * 200, 100 * 513))
    assert 4 * 100 * 200 * len(kept) <= 24e6 < 4 * 100 * 200 * (len(kept) + 1)
    assert len(kept.unique()) == len(kept)
    assert kept.max() < 100 * 513
    assert abs(kept.double().mean() - 100 * 513 / 2) < 3 * 100 * 513 / (12 * len(kept)) ** 0.5  # spread over all


def test_what_is_kept_of_large_evidence_is_a_part_of_what_it_would_be(targets, digits, evidence, monkeypatch):
    """The bounds are lowered until ten classes are many: other numbers than those left out stay, and so do draws."""
    monkeypatch.setattr(param_diff, "WHOLE_BYTES", 1e5)
    monkeypatch.setattr(param_diff, "PART_BYTES", 8e4)
    full, part = evidence[(3,)], collect("param_diff", targets[(3,)], digits.auxiliary)
    kept = kept_coordinates(10 * HEADS, 850)
    assert len(kept) == 50
    assert torch.equal(part.samples_KMF, full.samples_KMF[..., kept])
    assert torch.equal(part.aligned_KMF, full.aligned_KMF)
    assert named(DecisionTree(**TREE)(part)) == (3,)


def test_shapes(evidence):
    found = evidence[(3,)]
    assert found.kind == "difference"
    assert found.samples_KMF.shape == (10, HEADS, 850)
    assert found.aligned_KMF.shape == (10, HEADS, 10)
    assert found.calibration.features_SKMF.shape == (24, 10, HEADS, 10)
    assert found.calibration.forgotten_SK.shape == (24, 10)


def test_aligned_differences_mean_the_same_in_every_target(evidence):
    """A retained class's own entry is about 1 - 1 = 0, a forgotten one's about 1 or more; real and shadow alike."""
    for classes in FORGOTTEN:
        own_K = evidence[classes].aligned_KMF[..., 0].mean(1)
        forgot_K = torch.isin(torch.arange(10), torch.tensor(classes))
        assert own_K[~forgot_K].abs().max() < 0.6
        assert own_K[forgot_K].min() > 0.8
        features, forgot_SK = evidence[classes].calibration
        own_SK = features[..., 0].mean(2)
        assert own_SK[~forgot_SK].mean().abs() < 0.1
        assert own_SK[forgot_SK].mean() > 0.8


@pytest.mark.parametrize("classes", FORGOTTEN)
def test_the_forgotten_classes_are_found_exactly(evidence, classes):
    assert named(DecisionTree(**TREE)(evidence[classes])) == classes


def test_no_alarm_where_nothing_was_forgotten(evidence):
    assert named(DecisionTree(**TREE)(evidence[()])) == ()


def test_the_verdict_moves_with_the_classes_when_they_are_renumbered(targets, digits, fresh_lenet):
    """Class c of the target is called (c + 4) mod 10: what was found as 3 must be found as 7."""
    renumbered, auxiliary = fresh_lenet(), digits.auxiliary
    renumbered.load_state_dict(targets[(3,)].state_dict())
    renumbered.head.weight.data = renumbered.head.weight.data.roll(4, 0)
    renumbered.head.bias.data = renumbered.head.bias.data.roll(4, 0)
    moved = LabeledImages(auxiliary.images, (auxiliary.labels + 4) % 10, 10)
    assert named(DecisionTree(**TREE)(collect("param_diff", renumbered, moved))) == (7,)


def test_same_seed_same_bits_and_another_seed_other_heads(targets, digits, evidence):
    again, other = (collect("param_diff", targets[(3,)], digits.auxiliary, seed) for seed in (0, 1))
    first = evidence[(3,)]
    assert torch.equal(again.samples_KMF, first.samples_KMF)
    assert torch.equal(again.aligned_KMF, first.aligned_KMF)
    assert torch.equal(again.calibration.features_SKMF, first.calibration.features_SKMF)
    assert not torch.equal(other.samples_KMF, first.samples_KMF)


def test_the_verdict_does_not_use_the_difference(targets, digits, diff_evidence):
    """With one constant in the place of every auxiliary head it names the same classes of every target.

    What is left of the aligned difference is the target's own logits at the class's mean.
    """
    run = configured("param_diff", heads=HEADS)
    for classes, model in targets.items():
        compared = run.compare(seen(WhiteBox(model), digits.auxiliary), torch.Generator().manual_seed(0))
        constant_KMK = torch.eye(10)[:, None].expand(-1, HEADS, -1)
        aligned_TKMF = aligned_differences(compared, constant_KMK)
        known = diff_evidence[classes]
        without = type(known)(
            samples_KMF=known.samples_KMF,
            aligned_KMF=aligned_TKMF[0],
            calibration=LabeledFeatures(aligned_TKMF[1:], compared.forgotten_SK),
        )
        assert named(DecisionTree(**TREE)(without)) == named(DecisionTree(**TREE)(known)) == classes
