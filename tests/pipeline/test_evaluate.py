import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from tests.jobs import STAGES, pipeline_in
from tests.screening.samples import made
from unlearnleak.adversary.evidence import Changes, Differences, DotProducts, Predictions, ProbeChanges, Scores
from unlearnleak.config.schema import Gate
from unlearnleak.metric import published
from unlearnleak.pipeline.evaluate import accuracies, evaluate_run, gate, placebo_asr, published_asr
from unlearnleak.screening.decision_tree import DecisionTree
from unlearnleak.screening.entropy import Entropy
from unlearnleak.screening.kmeans import KMeans2
from unlearnleak.screening.threshold import Threshold
from unlearnleak.screening.youden import Youden
from unlearnleak.store import Artifact


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A job computed from nothing: its numbers and its pipeline."""
    pipeline = pipeline_in(
        tmp_path_factory.mktemp("job"),
        *("unlearner=ft", "attack=head_sum", "screening=kmeans", "forget_classes=[2,1]", "training.epochs=6"),
    )
    return evaluate_run(pipeline), pipeline


def test_the_verdict_is_held_against_the_forgotten_classes(evaluated):
    numbers, pipeline = evaluated
    truth = np.array([False, True, True, False])
    verdict = pipeline.artifact("verdict").tensors["forgotten_K"].numpy()
    score = pipeline.artifact("verdict").tensors["score_K"].numpy()
    assert (numbers["forgotten"], numbers["num_classes"]) == ([1, 2], 4)
    assert numbers["verdict"] == np.flatnonzero(verdict).tolist()
    assert numbers["scores"] == pytest.approx(score.tolist())
    assert numbers["asr"] == np.mean(verdict == truth)
    assert numbers["asr_constant"] == 0.5
    assert numbers["exact_match"] == float(np.array_equal(verdict, truth))
    assert numbers["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, verdict))
    assert numbers["precision"] == pytest.approx(precision_score(truth, verdict))
    assert numbers["recall"] == pytest.approx(recall_score(truth, verdict))
    assert numbers["f1"] == pytest.approx(f1_score(truth, verdict))
    assert numbers["auroc"] == pytest.approx(roc_auc_score(truth, score))


def test_accuracies_are_those_of_the_models(evaluated):
    numbers, pipeline = evaluated
    for stage, prefix in (("original", "original_"), ("unlearned", "")):
        model = pipeline.model(stage)
        for data, suffix in ((pipeline.plan.splits.test, ""), (pipeline.plan.splits.train, "_train")):
            with torch.no_grad():
                hits = (model(model.normalize(data.images)).argmax(1) == data.labels).numpy()
            forgotten = np.isin(data.labels.numpy(), [1, 2])
            assert numbers[f"{prefix}forget_acc{suffix}"] == pytest.approx(hits[forgotten].mean())
            assert numbers[f"{prefix}retain_acc{suffix}"] == pytest.approx(hits[~forgotten].mean())


def test_costs_name_every_stage_and_each_has_its_own_seconds(evaluated):
    numbers, pipeline = evaluated
    for stage in STAGES:
        assert numbers[f"key_{stage}"] == pipeline.key(stage)
        assert numbers[f"stored_{stage}"] is False
        assert numbers[f"seconds_{stage}"] > 0
        assert numbers[f"memory_mib_{stage}"] > 10
    # Head sums and their split take a millisecond; what was computed for them on the way is not theirs.
    assert numbers["seconds_evidence"] < numbers["seconds_original"] / 2
    assert numbers["seconds_verdict"] < numbers["seconds_original"] / 2 + numbers["seconds_unlearned"]


def test_found_stages_give_the_same_numbers_and_say_so(evaluated):
    numbers, pipeline = evaluated
    again = evaluate_run(type(pipeline)(pipeline.plan))
    stored = {f"stored_{stage}" for stage in STAGES}
    assert all(again[name] is True for name in stored)
    assert {k: v for k, v in again.items() if k not in stored} == {k: v for k, v in numbers.items() if k not in stored}


def test_the_control_has_no_truth_to_find(tmp_path):
    numbers = evaluate_run(pipeline_in(tmp_path, "unlearner=none", "attack=head_sum", "forget_classes=[1]"))
    assert numbers["forgotten"] == []
    assert (numbers["gate"], numbers["gate_reasons"]) == ("control", [])
    assert numbers["asr_constant"] == 1.0
    assert numbers["recall"] is None
    assert numbers["auroc"] is None
    assert numbers["forget_acc"] == numbers["original_forget_acc"]


BOUNDS = Gate(forget_acc=0.05, retain_loss=0.1)


@pytest.mark.parametrize(
    ("forget", "retain", "outcome", "reasons"),
    [
        (0.05, 0.80, "passed", []),
        (0.051, 0.80, "failed", ["forget_acc"]),
        (0.0, 0.799, "failed", ["retain_acc"]),
        (0.5, 0.5, "failed", ["forget_acc", "retain_acc"]),
        (None, 0.9, "passed", []),
    ],
)
def test_the_gate(forget, retain, outcome, reasons):
    numbers = {
        "forget_acc": forget,
        "retain_acc": retain,
        "original_forget_acc": None if forget is None else 0.9,
        "original_retain_acc": 0.9,
    }
    found = gate(numbers, BOUNDS, forgets=True)
    assert found["gate"] == outcome
    assert [reason.split()[0] for reason in found["gate_reasons"]] == reasons
    assert gate(numbers, BOUNDS, forgets=False) == {"gate": "control", "gate_reasons": []}


def test_a_class_that_was_never_known_cannot_be_forgotten():
    numbers = {"forget_acc": 0.0, "retain_acc": 0.9, "original_forget_acc": 0.05, "original_retain_acc": 0.9}
    found = gate(numbers, BOUNDS, forgets=True)
    assert found["gate"] == "failed"
    assert "did not know" in found["gate_reasons"][0]


def test_accuracies_of_counts():
    meta = {"correct_test": [1, 2, 3], "total_test": [4, 4, 4], "correct_train": [0, 5, 5], "total_train": [0, 5, 10]}
    model = Artifact("unlearned", "k", None, {}, {}, meta, hit=False)
    assert accuracies(model, (0,), "x_") == {
        "x_forget_acc": 0.25,
        "x_retain_acc": 5 / 8,
        "x_forget_acc_train": None,
        "x_retain_acc_train": 10 / 15,
    }


TRUTH = np.array([False, False, True, False])


@pytest.mark.parametrize(
    ("screening", "kind", "protocol"),
    [
        (Youden(), DotProducts, published.youden),
        (KMeans2(), DotProducts, published.kmeans),
        (DecisionTree(max_depth=2, min_samples_leaf=1, random_state=0), Differences, published.decision_tree),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_papers_figure_of_a_parameter_attack_is_its_protocols(screening, kind, protocol):
    samples = torch.randn(4, 30, 1 if kind is DotProducts else 5, generator=torch.Generator().manual_seed(0))
    samples[2] -= 1
    found = published_asr(screening, made(kind, samples), TRUTH, 3)
    assert found == protocol(samples.numpy(), TRUTH, 3)
    assert 0.5 < found <= 1


def test_the_papers_figure_of_an_inversion_reads_what_the_paper_reads():
    # Class 2's image is taken for class 0; its own probability is low, its largest entry is not.
    p = torch.tensor(
        [[0.9, 0.05, 0.03, 0.02], [0.1, 0.8, 0.05, 0.05], [0.97, 0.01, 0.01, 0.01], [0.02, 0.02, 0.06, 0.9]]
    )
    evidence = made(Predictions, p.log()[:, None])
    asked = Threshold(k=1.0, statistic="asked")
    assert asked(evidence).forgotten_K.tolist() == TRUTH.tolist()
    largest = p.amax(1).double().numpy()
    below = largest < largest.mean() - largest.std()
    assert published_asr(asked, evidence, TRUTH, 0) == np.mean(below == TRUTH) < 1
    entropy = Entropy(read="asked")
    expected = np.mean(Entropy(read="argmax")(evidence).forgotten_K.numpy() == TRUTH)
    assert published_asr(entropy, evidence, TRUTH, 0) == expected


@pytest.mark.parametrize("kind", [Changes, ProbeChanges])
def test_the_authors_figure_of_an_attack_on_two_models_is_what_it_names_with_the_number_given(kind):
    samples_KMF = torch.tensor([[-1.0, -3.0], [0.0, 0.0], [-2.5, -1.0], [0.0, -1.0]])[..., None]
    evidence = made(kind, samples_KMF, before_KP=samples_KMF[..., 0], accepted_K=torch.ones(4))
    blind = Threshold(k=2.0, statistic="asked")  # which can name no class of four
    assert not blind(evidence).forgotten_K.any()
    for truth, share in (((0,), 1.0), ((2,), 0.0), ((0, 2), 1.0), ((1, 2), 0.5)):
        assert published_asr(blind, evidence, np.isin(np.arange(4), truth), 0) == share
    placebos = [placebo_asr(blind, evidence, TRUTH, 1, seed) for seed in range(60)]
    assert np.mean(placebos) == pytest.approx(1 / 3, abs=0.15)


def test_baselines_have_no_figure_in_the_paper():
    evidence = made(Scores, torch.arange(4.0)[:, None, None])
    assert published_asr(Threshold(k=1.0, statistic="asked"), evidence, TRUTH, 0) is None


def heads(told_apart, classes=6):
    """Difference vectors of classes each of which can be told from all others, or of which none can."""
    draw = torch.Generator().manual_seed(0)
    samples = torch.randn(classes, 200, classes, generator=draw)
    return made(Differences, samples + 9 * told_apart * torch.eye(classes)[:, None])


def test_a_placebo_scores_as_high_where_heads_are_told_apart_by_their_class_alone():
    tree, truth = DecisionTree(max_depth=2, min_samples_leaf=1, random_state=0), np.arange(6) == 2
    nothing = np.zeros(6, dtype=bool)
    assert published_asr(tree, heads(told_apart=True), truth, 0) > 0.98
    assert placebo_asr(tree, heads(told_apart=True), truth, 1, 0) > 0.98
    assert placebo_asr(tree, heads(told_apart=True), nothing, 3, 0) > 0.9
    assert placebo_asr(tree, heads(told_apart=False), truth, 1, 0) == pytest.approx(0.5, abs=0.15)


def test_a_placebo_never_contains_what_was_forgotten():
    """Only the forgotten classes differ from the rest: a placebo that held one would show."""
    samples = torch.zeros(6, 200, 1)
    samples[:3] = -5
    evidence = made(DotProducts, samples + 0.01 * torch.randn(6, 200, 1))
    for seed in range(5):
        assert placebo_asr(Youden(), evidence, np.arange(6) < 3, 1, seed) < 0.65
    assert placebo_asr(Youden(), evidence, np.arange(6) < 5, 1, 0) is None  # one retained class: nothing to compare
    assert placebo_asr(Youden(), made(Predictions, evidence.samples_KMF), np.arange(6) < 3, 1, 0) is None
