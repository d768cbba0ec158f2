"""finetune: what is trained on, by which numbers, and that the same command gives the same model."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.jobs import pipeline_in
from tests.trained import flat
from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.defense.finetune import FineTune
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization

SETTINGS = {"epochs": 1, "lr": 0.02, "batch_size": 64, "momentum": 0.9, "weight_decay": 0.0}
SETTINGS |= {"schedule": "constant", "clip_norm": None}


def method(**changed):
    return FineTune(**SETTINGS | changed)


def test_it_is_a_training_on_the_retain_set_from_the_unlearned_model_on(original, digits, defend):
    by_hand = copy.deepcopy(original.model)
    how = Optimization(**SETTINGS)
    fit(by_hand, digits.train.without([3]), how, test=digits.test, generator=generator(0, "defended"), label="")
    defended = defend(method())
    assert torch.equal(flat(defended), flat(by_hand))
    assert not torch.equal(flat(defended), flat(original.model))
    assert not defended.training


def test_forgotten_images_are_never_seen(original, digits, defend, monkeypatch):
    seen = []

    def spy(model, data, optimization, **more):
        seen.append(data)

    monkeypatch.setattr("unlearnleak.defense.finetune.fit", spy)
    defend(method(), (3, 5))
    defend(method(), (3,), share=0.5)
    defend(method(), ())
    counts = [data.class_counts() for data in seen]
    there = digits.train.class_counts()
    assert counts[0][3] == counts[0][5] == 0
    assert counts[1][3] == there[3] - round(0.5 * int(there[3]) + 1e-9)
    assert torch.equal(counts[2], there)  # a control goes on with everything


def test_the_order_of_batches_comes_from_the_generator(defend):
    first, again, other = (flat(defend(method(), seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_epochs_change_nothing(original, defend):
    assert torch.equal(flat(defend(method(epochs=0))), flat(original.model))


def test_batch_normalisation_is_trained_on_and_the_model_handed_back_in_evaluation_mode(resnet):
    images = torch.randint(0, 256, (24, 1, 32, 32), dtype=torch.uint8, generator=generator(0))
    data = LabeledImages(images, torch.arange(24) % 4, 4)
    model = method(batch_size=8)(copy.deepcopy(resnet), ForgetSplit.of(data, (1,)), generator(0))
    assert not any(module.training for module in model.modules())
    before, after = resnet.state_dict(), model.state_dict()
    assert not torch.equal(after["body.bn1.running_mean"], before["body.bn1.running_mean"])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"batch_size": 1}, r"defense\.batch_size=1 is not possible: 2 or more"),
        ({"lr": 0.0}, "lr=0.0 must be above 0"),
        ({"epochs": -1}, "epochs=-1 must be 0 or more"),
        ({"schedule": "stairs"}, "schedule='stairs' must be one of"),
    ],
)
def test_settings_that_no_training_can_have_are_refused(changed, told):
    with pytest.raises(UserError, match=told):
        method(**changed)


def test_a_defence_that_was_cut_off_ends_in_the_same_bits(tmp_path, monkeypatch):
    words = ("attack=head_sum", "training.epochs=8", "defense=finetune", "defense.epochs=3", "defense.batch_size=8")
    folders = [tmp_path / "whole", tmp_path / "cut"]
    for folder in folders:
        folder.mkdir()
        pipeline_in(folder, *words).artifact("unlearned")
    with monkeypatch.context() as patch:
        patch.setattr("unlearnleak.training.curve.Curve.on_train_epoch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pipeline_in(folders[1], *words).artifact("defended")
    whole, cut = (pipeline_in(folder, *words) for folder in folders)
    assert torch.equal(flat(whole.model("defended")), flat(cut.model("defended")))
    assert not torch.equal(flat(whole.model("defended")), flat(whole.model("unlearned")))


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_run_attacks_the_model_after_its_training(digits_job):
    pipeline = digits_job("attack=head_sum", "defense=finetune", "unlearner=ng")
    numbers = evaluate_run(pipeline)
    retain = pipeline.split.retain

    def loss(stage):
        model = pipeline.model(stage)
        with torch.no_grad():
            return cross_entropy(model(model.normalize(retain.images)), retain.labels).item()

    assert loss("defended") < loss("unlearned")
    assert numbers["forget_acc"] < 0.2
    rows = pipeline.artifact("evidence").tensors["samples_KMF"][:, 0, 0]
    head = pipeline.model("defended").head
    torch.testing.assert_close(rows, (head.weight.sum(1) + head.bias).detach())
