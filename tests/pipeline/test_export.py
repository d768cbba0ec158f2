"""Exported models: what a stranger loads answers as the run's own model does, and says what it is."""

import json
import os

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.jobs import pipeline_in, run_stages
from unlearnleak.errors import UserError
from unlearnleak.foreign.card import card_in, in_archive, parsed
from unlearnleak.pipeline.export import card_of, export_images, export_model, models_in
from unlearnleak.store import Store


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    pipeline = pipeline_in(tmp_path_factory.mktemp("export"), "unlearner=rt", "defense=weight_noise")
    run_stages(pipeline)
    return pipeline


def test_every_stage_that_ends_with_a_model_can_be_exported(pipeline):
    assert models_in(pipeline) == ["original", "unlearned", "defended"]


def test_weights_are_the_models_own_with_its_normalisation(pipeline, tmp_path):
    path = export_model(pipeline, "unlearned", tmp_path / "w.safetensors")
    given, wanted = load_file(path), pipeline.model("unlearned").state_dict()
    assert given.keys() == wanted.keys()
    assert all(torch.equal(given[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("suffix", ["safetensors", "pt2"])
def test_others_may_read_a_file_as_the_umask_says(pipeline, tmp_path, suffix):
    before = os.umask(0o022)
    try:
        path = export_model(pipeline, "unlearned", tmp_path / f"w.{suffix}")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_graph_answers_any_number_of_images_without_this_projects_code(pipeline, tmp_path, count):
    path = export_model(pipeline, "unlearned", tmp_path / "w.pt2")
    model, images = pipeline.model("unlearned"), pipeline.plan.resident.test.images[:count]
    card = in_archive(path)
    mean, std = (torch.tensor(of)[:, None, None] for of in (card.mean, card.std))
    alone = torch.export.load(path).module()
    with torch.no_grad():
        torch.testing.assert_close(alone((images.float() / 255 - mean) / std), model(model.normalize(images)))


def test_the_card_lies_in_the_file_and_beside_it(pipeline, tmp_path):
    told = {"forget_acc": 0.0, "retain_acc": 0.9, "gate": "passed"}
    path = export_model(pipeline, "unlearned", tmp_path / "w.safetensors", told)
    card = card_in(path)
    assert json.loads((tmp_path / "w.safetensors.json").read_text()) == json.loads(card.text())
    assert (card.model, card.num_classes, card.image_shape) == ("lenet", 4, pipeline.facts.image_shape)
    assert card.about["forget_classes"] == [3]
    assert card.about["accuracy"]["retain_acc"] == 0.9
    assert in_archive(export_model(pipeline, "unlearned", tmp_path / "g.pt2", told)) == card


def test_a_blind_card_says_nothing_of_what_was_forgotten(pipeline):
    told = card_of(pipeline, "unlearned", None, blind=True).model_dump()
    assert told["about"].keys() == {"stage", "dataset", "made_with"}
    assert told["mean"] == pipeline.facts.mean


def test_the_attackers_images_go_along(pipeline, tmp_path):
    held = pipeline.plan.splits.auxiliary
    arrays = np.load(export_images(pipeline, tmp_path / "aux.npz"))
    assert np.array_equal(arrays["labels"], held.labels.numpy())
    assert np.array_equal(arrays["images"].transpose(0, 3, 1, 2), held.images.numpy())


@pytest.mark.parametrize(
    "words",
    [("auxiliary.per_class=5", "auxiliary.label_noise=0.4"), ("auxiliary.classes=without_forgotten",)],
    ids=["few, with wrong labels", "none of what was forgotten"],
)
def test_an_attacker_with_fewer_images_exports_those(tmp_path, words):
    pipeline = pipeline_in(tmp_path, *words)
    arrays = np.load(export_images(pipeline, tmp_path / "aux.npz"))
    assert np.array_equal(arrays["labels"], pipeline.held.labels.numpy())
    assert np.array_equal(arrays["images"].transpose(0, 3, 1, 2), pipeline.held.images.numpy())
    assert len(arrays["labels"]) < len(pipeline.plan.splits.auxiliary)


def test_images_that_would_name_the_forgotten_classes_are_not_exported_blind(tmp_path):
    pipeline = pipeline_in(tmp_path, "auxiliary.classes=without_forgotten")
    with pytest.raises(UserError, match=r"--images with --blind is not possible .* would say which these are"):
        export_images(pipeline, tmp_path / "aux.npz", blind=True)
    assert not (tmp_path / "aux.npz").exists()
    export_images(pipeline_in(tmp_path, "auxiliary.classes=[0,1,2]"), tmp_path / "aux.npz", blind=True)


def test_nothing_is_written_over_and_nothing_is_computed(pipeline, tmp_path, monkeypatch):
    path = export_model(pipeline, "original", tmp_path / "w.safetensors")
    before, card = path.read_bytes(), path.with_name("w.safetensors.json").read_bytes()
    export_model(pipeline, "original", tmp_path / "w.pt2", blind=True)
    assert path.with_name("w.safetensors.json").read_bytes() == card
    with pytest.raises(UserError, match="is there already"):
        export_model(pipeline, "unlearned", path)
    assert path.read_bytes() == before
    monkeypatch.setattr(Store, "contains", lambda *a: False)
    with pytest.raises(UserError, match="is not in the store"):
        export_model(pipeline, "unlearned", tmp_path / "other.safetensors")
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_is_no_archive_has_no_card(tmp_path):
    (tmp_path / "x").write_bytes(b"PK\x03\x04 nothing")
    assert in_archive(tmp_path / "x") is None
    assert parsed("{" * 100_000) is None
    assert parsed("[]") is None
