"""gradient_matching_exact: what retraining in a fine-tuning stage gives away to who knows where it began."""

import copy

import pytest
import torch
from torch.nn import functional as F

from tests.attack.victims import Linear, configured
from tests.jobs import composed, pipeline_in
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.view import view_of
from unlearnleak.errors import Incompatible
from unlearnleak.metric.reconstruction import HIGHEST_PSNR, Pictures, reconstruction_metrics
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.pipeline.plan import make_plan

SHAPE = (1, 8, 8)


def tuned(model, images_NCHW, labels_N, lr=0.1):
    """The model after one step down the mean loss of these images."""
    after = copy.deepcopy(model)
    F.cross_entropy(after(after.normalize(images_NCHW)), labels_N).backward()
    with torch.no_grad():
        for parameter in after.parameters():
            parameter.sub_(parameter.grad, alpha=lr)
            parameter.grad = None
    return after


class TwoLayers(Linear):
    """A smooth network of 32 hidden units."""

    def __init__(self, **more):
        super().__init__(image_shape=SHAPE, **more)
        draw = torch.Generator().manual_seed(1)
        self.hidden = torch.nn.Linear(64, 32)
        self.hidden.weight.data = 0.1 * torch.randn(32, 64, generator=draw)
        self.hidden.bias.data.zero_()
        self.head = torch.nn.Linear(32, self.num_classes)
        self.head.weight.data = 0.3 * torch.randn(self.num_classes, 32, generator=draw)
        self.head.bias.data.zero_()

    def features(self, x_NCHW):
        return torch.sigmoid(self.hidden(x_NCHW.flatten(1)))


@pytest.fixture(scope="module", params=[Linear, TwoLayers])
def models(request):
    """A pretrained model, the same tuned on ten images and on nine of them, the images and their labels."""
    first = TwoLayers() if request.param is TwoLayers else Linear(image_shape=SHAPE, scale=0.05)
    draw = torch.Generator().manual_seed(5)
    images_NCHW, labels_N = torch.rand(10, *SHAPE, generator=draw), torch.arange(10) % 5
    return (
        first,
        tuned(first, images_NCHW, labels_N),
        tuned(first, images_NCHW[1:], labels_N[1:]),
        images_NCHW,
        labels_N,
    )


def attacked(models, seed=0, kept=9, **changes):
    first, before, after = models[:3]
    attack = configured("gradient_matching_exact", **{"steps": 300, "restarts": 2, "tv": 0.0} | changes)
    view = view_of(attack.threat, target=after, original=before, pretrained=(first, 10, kept))
    return attack(view, torch.Generator().manual_seed(seed))


def numbers_of(found, images_NCHW, labels_N):
    targets, retained = (Pictures(images_NCHW[part], labels_N[part]) for part in (slice(1), slice(1, None)))
    return reconstruction_metrics(Pictures(found.images_NCHW, found.labels_N), targets, retained, 0)


def test_the_image_that_retraining_left_out_is_recovered_far_beyond_the_placebos(models):
    found = attacked(models)
    assert found.labels_N.tolist() == [0]
    numbers = numbers_of(found, *models[3:])
    assert numbers["reconstruction_psnr"] > numbers["reconstruction_psnr_placebo"] + 12
    assert numbers["reconstruction_psnr"] > numbers["reconstruction_psnr_class_mean"] + 12
    assert numbers["reconstruction_psnr"] <= HIGHEST_PSNR


def test_with_wrong_numbers_or_without_the_pretrained_model_it_is_not(models):
    _, before, after, images_NCHW, labels_N = models
    right = numbers_of(attacked(models), images_NCHW, labels_N)["reconstruction_psnr"]
    wrong = numbers_of(attacked(models, kept=3, labels=[0]), images_NCHW, labels_N)
    assert wrong["reconstruction_psnr"] < right - 10
    simple = configured("gradient_matching", steps=300, restarts=2, tv=0.0, labels=[0])
    view = view_of(simple.threat, target=after, original=before)
    other = numbers_of(simple(view, torch.Generator().manual_seed(0)), images_NCHW, labels_N)
    assert other["reconstruction_psnr"] < right - 3


def test_labels_come_from_the_weighted_rows_where_those_of_the_plain_difference_would_be_wrong():
    first = Linear(image_shape=SHAPE, scale=0.05)
    draw = torch.Generator().manual_seed(5)
    images_NCHW, labels_N = torch.rand(10, *SHAPE, generator=draw), torch.tensor([2, *[0] * 9])
    models = first, tuned(first, images_NCHW, labels_N), tuned(first, images_NCHW[1:], labels_N[1:])
    assert attacked(models, steps=1).labels_N.tolist() == [2]
    assert attacked(models, steps=1, labels="inferred").labels_N.tolist() == [2]


def test_the_attacker_is_told_how_many_samples_were_learnt_and_how_many_stay(tmp_path):
    words = ("attack=gradient_matching_exact", "unlearner=rt", "forget_share=0.3", "forget_classes=[1,2]")
    pipeline = pipeline_in(tmp_path, *words)
    model, learnt, kept = pipeline.pretrained_seen(pipeline.artifact("pretrained"))
    assert (learnt, kept) == (len(pipeline.learnt.train), len(pipeline.split.retain)) == (40, 34)
    stored = pipeline.model("pretrained").state_dict()
    assert all(torch.equal(value, stored[name]) for name, value in model.state_dict().items())
    evidence = pipeline.stages["evidence"]
    assert set(evidence.parents) == {"unlearned", "original", "pretrained"}
    assert evidence.parents["pretrained"] is pipeline.stages["pretrained"]
    assert evaluate_run(pipeline)["reconstruction_mse"] > 0


def test_other_attacks_evidence_has_no_pretrained_parent(tmp_path):
    pipeline = pipeline_in(tmp_path, "attack=gradient_matching", "finetuning.samples=40")
    assert set(pipeline.stages["evidence"].parents) == {"unlearned", "original"}


def test_what_tuning_of_one_step_forgot_is_the_gradient_of_the_forgotten_images(tmp_path):
    """The project's own fine-tuning and retraining, whose batches are one."""
    words = ("attack=gradient_matching_exact", "unlearner=rt", "forget_share=0.3", "forget_classes=[1,2]")
    pipeline = pipeline_in(tmp_path, *words, "finetuning.lr=0.1")
    first, before, after = (WhiteBox(pipeline.model(name)) for name in ("pretrained", "original", "unlearned"))
    forgotten = pipeline.split.forget
    x_NCHW = first.normalize(forgotten.images)
    gradient = first.loss_gradients(x_NCHW[None], forgotten.labels[None])
    dot, lengths = 0.0, [0.0, 0.0]
    for name, at in first.parameters().items():
        target = 34 * (after.parameters()[name] - at) - 40 * (before.parameters()[name] - at)
        dot += (target * gradient[name][0]).sum().item()
        lengths = [lengths[0] + target.square().sum().item(), lengths[1] + gradient[name].square().sum().item()]
    assert dot / (lengths[0] * lengths[1]) ** 0.5 > 0.999
    assert lengths[0] ** 0.5 == pytest.approx(6 * 0.1 * lengths[1] ** 0.5, rel=1e-2)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("finetuning.samples=0",), "there is none without a fine-tuning stage: set finetuning.samples"),
        (("finetuning.samples=40", "unlearner=ft"), "unlearner=ft does not retrain: take unlearner=rt"),
        (("finetuning.samples=40", "unlearner=none"), "unlearner=none does not retrain: take unlearner=rt"),
    ],
)
def test_where_it_cannot_be_one_line_says_so_before_anything_is_trained(words, why):
    with pytest.raises(Incompatible, match=why) as raised:
        make_plan(composed(*words, "attack=gradient_matching_exact"))
    assert "\n" not in str(raised.value)
