"""Tables from the command line to a verdict, with scikit-learn's wine written to a CSV."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_wine

from tests.jobs import composed, overrides_in, pipeline_in, run_stages
from unlearnleak.adversary.evidence import Reconstructions
from unlearnleak.adversary.inversion import Descent
from unlearnleak.dataset.csv import Csv
from unlearnleak.errors import UserError
from unlearnleak.foreign.card import in_archive
from unlearnleak.pipeline.export import export_images, export_model
from unlearnleak.pipeline.packing import unpack
from unlearnleak.pipeline.plan import make_plan

SETTINGS = {"root": None, "label": "cultivar", "text": "onehot", "auxiliary_per_class": 15, "test_per_class": 12}


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "wine.csv"
    load_wine(as_frame=True).frame.rename(columns={"target": "cultivar"}).to_csv(path, index=False)
    return path


def job(folder, wine, *words):
    own = ["dataset=csv", f"dataset.path={wine}", "dataset.label=cultivar", "dataset.auxiliary_per_class=15"]
    return pipeline_in(folder, *own, "dataset.test_per_class=12", "forget_classes=[1]", *words)


def test_rows_are_divided_and_normalised_by_the_training_rows_column_by_column(wine):
    dataset = Csv(path=str(wine), train_limit=None, **SETTINGS)
    parts = dataset.splits(torch.Generator().manual_seed(0))
    assert parts.train.image_shape == (13, 1, 1)
    assert parts.test.class_counts().tolist() == [12] * 3
    assert len(parts.train) + len(parts.test) + len(parts.auxiliary) == 178
    values = parts.train.images[:, :, 0, 0].numpy() / 255
    np.testing.assert_allclose(parts.mean, values.mean(0), rtol=1e-12)
    np.testing.assert_allclose(parts.std, values.std(0), rtol=1e-12)
    assert dataset.title == "wine"


def test_a_class_of_a_table_is_learnt_forgotten_and_found(tmp_path, wine):
    """The three cultivars are nearly separable: retraining without one leaves a head that param_dot reads at once."""
    fitted = ["training.epochs=40", "training.batch_size=32", "attack.heads=50", "attack.subset_size=8"]
    more = ["attack.steps=100", "attack.shadows=24", "attack.shadow_steps=300"]
    pipeline = job(tmp_path, wine, "unlearner=rt", *fitted, *more)
    run_stages(pipeline)
    assert pipeline.artifact("original").meta["curve"][-1]["test_acc"] >= 0.9
    verdict = pipeline.artifact("verdict").tensors
    assert verdict["forgotten_K"].tolist() == [False, True, False]


@pytest.mark.parametrize("attack", ["inversion_gradient", "inversion_shadow", "inversion_genetic", "gradient_matching"])
def test_attacks_that_make_images_make_rows_in_the_box(tmp_path, wine, attack, monkeypatch):
    """What is stored is clamped anyway, so what descents ask the target about is looked at as well."""
    asked, descend = [], Descent._descend

    def watched(self, logits, x_NCHW, *words):
        def told(x_NCHW):
            asked.append((x_NCHW.detach().clone() - lowest) / (highest - lowest))
            return logits(x_NCHW)

        return descend(self, told, x_NCHW, *words)

    monkeypatch.setattr(Descent, "_descend", watched)
    pipeline = job(tmp_path, wine, "unlearner=ft", f"attack={attack}")
    model = pipeline.model("unlearned")
    lowest, highest = (model.normalize(torch.full((1, 13, 1, 1), value)) for value in (0.0, 1.0))
    run_stages(pipeline)
    assert bool(asked) == (attack in ("inversion_gradient", "inversion_shadow"))
    assert all(-1e-5 <= x.min() <= x.max() <= 1 + 1e-5 for x in asked)
    found = unpack(pipeline.artifact("evidence"), pipeline.plan.attack.evidence)
    images = found.images_NCHW if isinstance(found, Reconstructions) else found.images_KCHW
    assert images.shape[1:] == (13, 1, 1)
    assert images.isfinite().all()
    assert 0 <= images.min() <= images.max() <= 1


@pytest.mark.parametrize("model", ["lenet", "resnet18_cifar", "vit"])
def test_models_of_pictures_refuse_rows_before_any_training(tmp_path, wine, model):
    with pytest.raises(UserError, match=rf"model={model} cannot take 1x1 images.*Take model=mlp for the rows of a"):
        job(tmp_path, wine, f"model={model}").artifact("data")


def test_a_table_s_model_is_written_with_its_card_and_its_rows_are_not_written_as_pictures(tmp_path, wine):
    pipeline = job(tmp_path, wine)
    pipeline.artifact("unlearned")
    path = export_model(pipeline, "unlearned", tmp_path / "w.pt2")
    assert in_archive(path).image_shape == (13, 1, 1)
    with pytest.raises(UserError, match="--images writes grey and colour pictures, and this run's are 13x1x1"):
        export_images(pipeline, tmp_path / "x.npz")
    assert not (tmp_path / "x.npz").exists()


def test_a_table_has_to_be_named():
    with pytest.raises(UserError, match=r"dataset=csv needs dataset.path=FILE\.csv"):
        Csv(path=None, train_limit=None, **SETTINGS)


@pytest.mark.parametrize(("setting", "value"), [("text", "embed"), ("label", "")])
def test_settings_that_cannot_be(wine, setting, value):
    with pytest.raises(UserError, match=f"dataset.{setting}="):
        Csv(path=str(wine), train_limit=None, **SETTINGS | {setting: value})


def test_a_table_picks_its_model_and_its_key_knows_the_rows_not_the_place(tmp_path, wine):
    other = tmp_path / "moved.csv"
    other.write_bytes(wine.read_bytes())
    config = composed(*overrides_in(tmp_path, "dataset=csv", f"dataset.path={wine}", "dataset.label=cultivar"))
    assert config.model["_target_"].endswith(".mlp.Mlp")
    again = composed(*overrides_in(tmp_path, "dataset=csv", f"dataset.path={other}", "dataset.label=cultivar"))
    assert make_plan(config).images_spec() == make_plan(again).images_spec()
