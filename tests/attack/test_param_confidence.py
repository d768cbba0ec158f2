import pytest
import torch

from tests.attack.conftest import FORGOTTEN, HEADS, collect, named
from tests.attack.victims import configured, seen
from unlearnleak.adversary.access import BlackBox, WhiteBox
from unlearnleak.adversary.shadow import units
from unlearnleak.attack.param_confidence import confidences
from unlearnleak.screening.youden import Youden


@pytest.fixture(scope="module")
def evidence(targets, digits):
    return {classes: collect("param_confidence", model, digits.auxiliary) for classes, model in targets.items()}


@pytest.mark.slow
def test_the_targets_confidence_is_what_it_answers_when_asked(targets, digits):
    run, box = configured("param_confidence", heads=2, shadows=8), WhiteBox(targets[(3,)])
    compared = run.compare(seen(box, digits.auxiliary), torch.Generator().manual_seed(1))
    own_TK = confidences(compared, digits.auxiliary.labels)
    asked = configured("aux_confidence")(seen(BlackBox(targets[(3,)]), digits.auxiliary), torch.Generator())
    torch.testing.assert_close(own_TK[0], asked.samples_KMF.mean((1, 2)), rtol=0, atol=2e-3)


def test_a_shadow_targets_confidence_sample_by_sample(targets, digits):
    run, labels = configured("param_confidence", heads=2, shadows=8), digits.auxiliary.labels
    compared = run.compare(seen(WhiteBox(targets[(3,)]), digits.auxiliary), torch.Generator().manual_seed(1))
    own_TK = confidences(compared, labels)
    for t, c in ((1, 0), (5, 4), (8, 9)):
        weight, bias = (part[t] for part in compared.targets)
        answers = [(weight @ phi + bias).softmax(0)[c] for phi in compared.phi_ND[labels == c]]
        assert own_TK[t, c].item() == pytest.approx(torch.stack(answers).mean().item(), abs=1e-5)


def test_it_is_the_mean_of_the_dot_products_reading_and_the_answers(evidence, dot_evidence, targets, digits):
    """Same seed, same heads: taking param_dot's reading off leaves the answers', about 1 or about 0."""
    run = configured("param_confidence", heads=HEADS)
    for classes, model in targets.items():
        found = evidence[classes]
        rest_KM = (2 * found.aligned_KMF - dot_evidence[classes].aligned_KMF)[..., 0]
        compared = run.compare(seen(WhiteBox(model), digits.auxiliary), torch.Generator().manual_seed(0))
        own_TK = confidences(compared, digits.auxiliary.labels)
        known_K = own_TK[0] / units(own_TK, compared.forgotten_SK)[0]
        torch.testing.assert_close(rest_KM, known_K[:, None].expand_as(rest_KM), rtol=0, atol=1e-4)
        forgotten_K = torch.zeros(10).index_fill(0, torch.tensor(classes, dtype=torch.long), 1).bool()
        assert (known_K[forgotten_K] < 0.1).all()
        assert (known_K[~forgotten_K] > 0.7).all()


def test_shapes_and_what_calibration_says(evidence):
    found = evidence[(3,)]
    assert found.kind == "score"
    assert found.samples_KMF.shape == (10, HEADS, 1)
    assert torch.equal(found.samples_KMF, found.aligned_KMF)
    assert found.calibration.features_SKMF.shape == (24, 10, HEADS, 1)
    value_SK, truth_SK = found.calibration.features_SKMF.mean((2, 3)), found.calibration.forgotten_SK
    assert value_SK[~truth_SK].mean().item() == pytest.approx(1, abs=0.1)
    assert value_SK[truth_SK].mean() < 0.2


@pytest.mark.parametrize("classes", [*FORGOTTEN, ()])
def test_the_verdict_is_the_forgotten_set_and_nothing_where_none_was(evidence, classes):
    assert named(Youden()(evidence[classes])) == classes


def test_a_class_whose_dot_product_was_kept_up_is_found_by_its_answers(targets, digits, fresh_lenet, evidence):
    """The bias says no where the weights still say yes: dot products hardly see it, answers do."""
    sly = fresh_lenet()
    sly.load_state_dict(targets[()].state_dict())
    sly.head.bias.data[6] -= 10
    assert named(Youden()(collect("param_dot", sly, digits.auxiliary))) == ()
    assert named(Youden()(collect("param_confidence", sly, digits.auxiliary))) == (6,)
