"""trew: its targets by hand, its loss by a loop, and where images of a forgotten class go."""

import copy

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.jobs import images, pipeline_in
from tests.trained import flat, forget_and_retain_accuracy
from unlearnleak.data import ForgetSet
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.unlearner.trew import TiltedReweighting, similarity, tilted

SETTINGS = {"tilt": 10.0, "explained": 0.9, "epochs": 5, "lr": 0.02, "batch_size": 32, "schedule": "cosine"}


def method(**changed):
    return TiltedReweighting(**SETTINGS | changed)


def test_with_all_components_similarity_is_the_cosine_of_centred_rows(original):
    W = original.model.head.weight.detach()
    centred = (W - W.mean(0)).double().numpy()
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(similarity(W, 1.0), unit @ unit.T, atol=1e-5)


def test_few_components_are_those_of_the_largest_variance():
    rows = torch.tensor([[3.0, 0.1, 0.0], [3.0, -0.1, 0.0], [-3.0, 0.1, 0.0], [-3.0, -0.1, 0.0]])
    one = torch.tensor([[1.0, 1, -1, -1], [1, 1, -1, -1], [-1, -1, 1, 1], [-1, -1, 1, 1]])
    torch.testing.assert_close(similarity(rows, 0.9), one)
    assert similarity(rows, 1.0)[0, 1] < 1


def test_rows_that_are_all_alike_are_alike_to_none():
    assert similarity(torch.ones(3, 5), 0.9).count_nonzero() == 0


def test_the_target_of_three_classes_by_hand():
    logits = torch.log(torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]))
    s = torch.tensor([[1.0, 0.1, 0.4], [0.1, 1.0, -0.2], [0.4, -0.2, 1.0]])
    found = tilted(logits, torch.tensor([2, 2]), (2,), s, 10.0)
    weights = [[0.2 * np.exp(4), 0.3 * np.exp(-2), 0], [0.6 * np.exp(4), 0.1 * np.exp(-2), 0]]
    torch.testing.assert_close(found, torch.tensor([[w / sum(row) for w in row] for row in weights]).float())


def test_of_several_forgotten_classes_none_is_a_target_and_each_is_tilted_by_its_own():
    logits, s = torch.zeros(2, 4), torch.eye(4)
    s[0, 2] = s[1, 3] = 0.5
    found = tilted(logits, torch.tensor([0, 1]), (0, 1), s, 2.0)
    e = np.exp(1.0)
    torch.testing.assert_close(found, torch.tensor([[0, 0, e, 1], [0, 0, 1, e]]).float() / (1 + e))


def test_without_a_tilt_the_forgotten_class_is_left_out_of_the_answer_and_no_more(original, digits):
    model = original.model
    with torch.no_grad():
        logits = model(model.normalize(digits.train.of([3]).images))
    p = logits.double().softmax(1)
    p[:, 3] = 0
    found = tilted(logits, torch.full((len(logits),), 3), (3,), similarity(model.head.weight.detach(), 0.9), 0.0)
    torch.testing.assert_close(found.double(), p / p.sum(1, keepdim=True), rtol=1e-3, atol=1e-6)


@pytest.fixture
def prepared(task_for):
    def make(classes):
        unlearner = method()
        task = task_for(unlearner, classes)
        data = unlearner.training_set(task.split, task.generator("training set"))
        unlearner.prepare(task)
        return unlearner, task, data

    return make


def test_the_loss_is_a_loop_over_samples(original, prepared):
    unlearner, task, data = prepared((3, 5))
    original_model = copy.deepcopy(original.model)
    batch = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:64]
    images, labels = data.images[batch], data.labels[batch]
    logits = torch.randn(64, 10, generator=torch.Generator().manual_seed(1))
    s = similarity(original_model.head.weight.detach(), 0.9)
    losses = []
    for image, label, row in zip(images, labels.tolist(), logits, strict=True):
        if label < 10:
            losses.append(cross_entropy(row, torch.tensor(label)))
            continue
        assert torch.equal(image, task.split.forget.images[label - 10])
        own = int(task.split.forget.labels[label - 10])
        with torch.no_grad():
            answer = original_model(original_model.normalize(image[None]))
        target = tilted(answer, torch.tensor([own]), (3, 5), s, 10.0)[0]
        assert target[[3, 5]].tolist() == [0, 0]
        losses.append(-(target * row.log_softmax(0)).sum())
    assert 3 < (labels >= 10).sum() < 60
    torch.testing.assert_close(unlearner.criterion(logits, labels), torch.stack(losses).mean(), rtol=1e-4, atol=1e-5)


def test_all_of_d_is_trained_on_and_the_original_is_asked_before_it_changes(digits, prepared, original):
    unlearner, task, data = prepared((3,))
    assert len(data) == len(digits.train)
    assert unlearner.target_NK.shape == (len(digits.train.of([3])), 10)
    assert not unlearner.target_NK.requires_grad
    assert torch.equal(flat(task.original), flat(original.model))


@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_it_forgets_and_retains_and_sends_images_where_the_targets_say(original, digits, unlearn, classes):
    unlearner = method()
    model = unlearn(unlearner, classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, classes)
    assert forget_acc <= 0.05
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, classes)[1] - 0.03
    with torch.no_grad():
        answers = model(model.normalize(digits.train.of(classes).images)).softmax(1)
    agreement = (answers.argmax(1) == unlearner.target_NK.argmax(1)).float().mean()
    assert agreement > 0.8


def test_batch_normalisation_is_trained_along(tmp_path):
    words = ("unlearner=trew", "attack=head_sum", "model=resnet18", "training.epochs=1")
    pipeline = pipeline_in(tmp_path, *words, "unlearner.batch_size=16", f"dataset.path={wide(tmp_path)}")
    before, after = (pipeline.model(stage).body.bn1.running_mean for stage in ("original", "unlearned"))
    assert not torch.equal(before, after)


def wide(folder):
    path = folder / "wide.npz"
    np.savez(path, **images(side=32))
    return path


def test_parts_of_classes_are_refused_before_any_training(tmp_path):
    pipeline = pipeline_in(tmp_path, "unlearner=trew", "attack=head_sum", "forget_share=0.5")
    with pytest.raises(Incompatible, match="unlearner=trew can forget whole classes only"):
        pipeline.artifact("original")
    with pytest.raises(Incompatible):
        method().check_forget(ForgetSet(classes=(3,), rows=(1,)))


def test_a_model_without_a_head_is_told_before_any_training(original, tmp_path, monkeypatch):
    model = copy.deepcopy(original.model)
    model.head = None
    monkeypatch.setattr("unlearnleak.pipeline.models.example", lambda *_: model)
    with pytest.raises(UserError, match="unlearner=trew works on the model's last linear layer"):
        pipeline_in(tmp_path, "unlearner=trew", "attack=head_sum").artifact("original")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tilt": -1.0}, r"unlearner\.tilt="),
        ({"explained": 0.0}, r"unlearner\.explained="),
        ({"explained": 1.1}, "most 1"),
    ],
)
def test_values_out_of_range_are_refused(changed, told):
    with pytest.raises(UserError, match=told):
        method(**changed)
