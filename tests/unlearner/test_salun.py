"""salun: the mask against a plain loop, which weights move, and what each pass is taught."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.plain import assert_same_way, copied, logits, sgd
from tests.trained import flat, forget_and_retain_accuracy
from unlearnleak.data import ForgetSet
from unlearnleak.errors import UserError
from unlearnleak.unlearner.salun import SaliencyUnlearning, largest, saliency

SETTINGS = {"share": 0.5, "epochs": 10, "lr": 0.01, "batch_size": 32, "schedule": "cosine"}


def test_saliency_is_the_gradient_s_size_summed_over_single_images(original, digits):
    model, data = copy.deepcopy(original.model), digits.train.of([3]).select(torch.arange(20))
    model.zero_grad()
    for image, label in zip(data.images, data.labels, strict=True):
        cross_entropy(model(model.normalize(image[None])), label[None]).backward()
    for found, parameter in zip(saliency(model, data), model.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad.abs(), rtol=1e-3, atol=1e-6)


def test_the_mask_holds_the_largest_entries_of_all_tensors_together():
    masks = largest([torch.tensor([[1.0, 5.0], [2.0, 4.0]]), torch.tensor([3.0, 6.0])], 0.5)
    assert [mask.tolist() for mask in masks] == [[[0, 1], [0, 1]], [0, 1]]
    assert all(mask.all() for mask in largest([torch.zeros(3), torch.ones(2)], 1.0))


def test_weights_that_are_not_salient_stay_as_they_are(original, task_for):
    method = SaliencyUnlearning(**SETTINGS | {"share": 0.1})
    model = method.unlearn(task_for(method))
    mask = torch.cat([mask.flatten() for mask in method.masks]).bool()
    before, after = flat(original.model), flat(model)
    assert method.report == {"salient": int(mask.sum())}
    assert int(mask.sum()) == round(0.1 * len(mask))
    assert torch.equal(before[~mask], after[~mask])
    assert (before[mask] != after[mask]).float().mean() > 0.9


def test_steps_are_those_of_a_plain_loop(original, task_for):
    """The labels that are drawn are always 7 here; which they are in truth the next test says."""
    method = SaliencyUnlearning(share=0.3, epochs=2, lr=0.02, batch_size=5000, momentum=0.0)
    method.draw = lambda batch_size, pass_number: None if pass_number else torch.full((batch_size,), 7)
    task = task_for(method)
    found, slow = method.unlearn(task), copied(original.model)
    forget, retain = task.split.forget, task.split.retain
    slopes = torch.autograd.grad(cross_entropy(logits(slow, forget), forget.labels, reduction="sum"), slow.parameters())
    sizes = torch.cat([slope.abs().flatten() for slope in slopes])
    least = sizes.sort(descending=True).values[round(0.3 * len(sizes)) - 1]
    masks = [slope.abs() >= least for slope in slopes]
    for _ in range(2):
        sgd(slow, cross_entropy(logits(slow, forget), torch.full_like(forget.labels, 7)), 0.02, masks)
        sgd(slow, cross_entropy(logits(slow, retain), retain.labels), 0.02, masks)
    assert_same_way(found, slow, original.model)


@pytest.mark.parametrize(("share", "never"), [(1.0, {3, 5}), (0.5, set())])
def test_forgotten_images_get_new_wrong_labels_in_each_batch_and_retained_ones_their_own(
    task_for, monkeypatch, share, never
):
    method, seen = SaliencyUnlearning(**SETTINGS | {"epochs": 2}), []

    def watched(answers, labels):
        seen.append((method.forgetting, labels.clone()))
        return cross_entropy(answers, labels)

    monkeypatch.setattr("unlearnleak.unlearner.salun.cross_entropy", watched)
    task = task_for(method, forget=ForgetSet(classes=(3, 5), share=share))
    monkeypatch.setattr(
        "unlearnleak.unlearner.salun.saliency", lambda model, data: [p.abs() for p in model.parameters()]
    )
    method.unlearn(task)
    away, back = len(task.split.forget) // 32, len(task.split.retain) // 32
    assert [forgetting for forgetting, _ in seen] == 2 * ([True] * away + [False] * back)
    taught = torch.cat([labels for forgetting, labels in seen if forgetting])
    kept = torch.cat([labels for forgetting, labels in seen if not forgetting])
    assert not never & set(taught.tolist())
    assert len(taught.unique()) == 10 - len(never)
    if share == 1:
        assert not torch.isin(kept, torch.tensor([3, 5])).any()
    assert not torch.equal(taught[: 32 * away], taught[32 * away :])


def test_it_forgets_and_retains(original, digits, unlearn):
    forget_acc, retain_acc = forget_and_retain_accuracy(unlearn(SaliencyUnlearning(**SETTINGS)), digits.test, (3,))
    assert forget_acc <= 0.05
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, (3,))[1] - 0.06


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_another_share_is_refused(share):
    with pytest.raises(UserError, match=rf"unlearner\.share={share} is not possible"):
        SaliencyUnlearning(**SETTINGS | {"share": share})
